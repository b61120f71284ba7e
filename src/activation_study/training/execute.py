"""Training what is asked for and not there yet, so that nothing is trained twice and nothing is lost.

One process at a time works on a configuration. What it leaves unfinished, the next one continues from its checkpoint.
"""

import ctypes
import functools
import io
import os
import platform
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import Timeout

from activation_study import datasets
from activation_study.errors import StudyError
from activation_study.progress import progress
from activation_study.runs import files
from activation_study.runs.folder import Run, runs_in
from activation_study.runs.identity import configuration_hash
from activation_study.runs.tables import score_of
from activation_study.training import checkpoint
from activation_study.training.environment import device_of, environment
from activation_study.training.exporters import exporter
from activation_study.training.lock import announce, locked, noted
from activation_study.training.planning import asked_for, finished, portions, progress_of, register, run_of
from activation_study.training.trainer import Record, Replica, Trainer

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from malloc.h


def execute(settings: dict[str, Any], wait: bool = False) -> list[Run]:
    """Trains the replicas that the settings ask for and that no finished run holds yet.

    Args:
        settings: as `config.settings` gives them.
        wait: whether to wait where another process is to train all that is missing, or to leave it to that. For one
            that trains other replicas of the configuration it waits in any case.

    Returns:
        The finished runs that hold the replicas asked for; empty where they are left to another process.

    Raises:
        StudyError: the settings or the data are not usable, or the results cannot be written.
    """
    runs_dir, configuration, asked = Path(settings["runs_dir"]), configuration_hash(settings), asked_for(settings)
    name = run_of(settings, asked).folder.name
    say_once = functools.cache(functools.partial(print, flush=True))

    def waits() -> bool:
        others = noted(runs_dir, configuration)
        if not wait and others.issuperset(missing):
            return False
        if others:
            say_once(f"{name}: another process trains this configuration; waiting for it.")
        return True

    holders = finished(runs_dir, configuration)
    if missing := [replica for replica in asked if replica not in holders]:
        if not runs_dir.exists():
            device_of(settings["device"])  # what cannot be trained makes no folder
        try:
            with locked(runs_dir, configuration, waits):
                holders = finished(runs_dir, configuration, mend=True)
                missing = [replica for replica in asked if replica not in holders]
                going_on, rest = portions(runs_dir, configuration, missing, holders)
                stacks = [*going_on, rest] if rest else going_on
                announce(runs_dir, configuration, chain.from_iterable(stacks))
                for replicas in stacks:
                    holders |= dict.fromkeys(replicas, train(settings, replicas))
        except Timeout:
            print(f"{name}: another process trains this configuration; left to it.")
            return []
    if not missing:
        print(f"{holders[asked[0]].folder.name}: trained already, nothing to do.")
    return list(dict.fromkeys(holders[replica] for replica in asked))


def train(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    """Trains replicas of one configuration as one run, from its newest checkpoint if there is one."""
    run = run_of(settings, replicas)
    keep_freed_memory()
    try:
        if settings["reproducible"]:
            _make_reproducible()
        device = device_of(settings["device"])
        data = load_data(settings, device)
        _refuse_changed_data(run, settings, data.checksum)
        trainer = Trainer(settings, replicas, data)
        register(settings, replicas)
        _write_environment(run, trainer)
        _Training(run, trainer, settings).complete()
    except Exception as error:
        if run.folder.exists():
            run.write_status("failed", **progress_of(run), error=str(error) or type(error).__name__)
        raise
    return run


class _Training:
    """One run while it is trained: its tables so far, its checkpoints, its status, its progress bar."""

    def __init__(self, run: Run, trainer: Trainer, settings: dict[str, Any]) -> None:
        self.run, self.trainer, self.settings = run, trainer, settings
        self.tables = {name: pd.DataFrame() for name in ("metrics", "layers", *settings["probes"]["also"])}
        self.saved_at = time.monotonic()
        if (state := checkpoint.newest(run.folder)) is not None:
            trainer.load_state(state["trainer"])
            self.tables = {name: _from_tensor(state[name]) for name in self.tables}

    def complete(self) -> None:
        """Trains to the end and seals the run."""
        trainer = self.trainer
        self._write_status()
        bar = progress(desc=self.run.folder.name, total=trainer.total_steps, initial=trainer.step, unit="step")
        with bar, exporter(self.settings["export"], self.run.folder) as export, _signals_as_flag() as stopped:

            def tick() -> None:
                bar.update(trainer.step - bar.n)
                if stopped:
                    self._save()
                    raise KeyboardInterrupt
                if time.monotonic() - self.saved_at >= self.settings["checkpoint_seconds"]:
                    self._save()

            for record in trainer.records(tick):
                for name, rows in record.tables.items():
                    self.tables[name] = pd.concat([self.tables[name], rows], ignore_index=True)
                export(record)
                bar.set_postfix_str(summary(record), refresh=False)
        for name, table in self.tables.items():
            files.write_parquet(self.run.folder / f"{name}.parquet", table)
        if self.settings["keep_weights"]:
            weights = checkpoint.to_bytes({"run": self.run.name, "network": trainer.network.state_dict()})
            files.write(self.run.folder / "weights.pt", lambda file: file.write(weights))
        diverged = {
            f"seed {replica.seed}, learning rate {replica.learning_rate:g}": step
            for replica, step in zip(trainer.replicas, trainer.diverged_at.tolist(), strict=True)
            if step >= 0
        }
        _write_environment(self.run, trainer)  # by now it is known with how many threads
        self.run.finish(**_progress_of(trainer), diverged=diverged)
        checkpoint.remove(self.run.folder)

    def _save(self) -> None:
        """A checkpoint holds the tables too, so that weights and rows are always of the same moment."""
        tables = {name: _to_tensor(table) for name, table in self.tables.items()}
        checkpoint.save(self.run.folder, {"run": self.run.name, "trainer": self.trainer.state(), **tables})
        self._write_status()
        self.saved_at = time.monotonic()

    def _write_status(self) -> None:
        self.run.write_status("running", **_progress_of(self.trainer))


def _write_environment(run: Run, trainer: Trainer) -> None:
    found = environment(trainer.device, trainer.data.checksum, trainer.threads.number)
    files.write_json(run.folder / "environment.json", found)


def _progress_of(trainer: Trainer) -> dict[str, Any]:
    epoch = trainer.step // trainer.steps_per_epoch
    return {"epoch": epoch, "step": trainer.step, "steps": trainer.total_steps, "seconds": round(trainer.seconds, 3)}


def _to_tensor(table: pd.DataFrame) -> torch.Tensor:
    """A table as the bytes of its Parquet file, in a tensor, which a checkpoint may hold."""
    return torch.frombuffer(bytearray(table.to_parquet(index=False)), dtype=torch.uint8)


def _from_tensor(content: torch.Tensor) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content.numpy().tobytes()))


@contextmanager
def _signals_as_flag() -> Iterator[list[int]]:
    """Inside, Ctrl-C and SIGTERM only note themselves in the list given, so that no update is cut in two.

    The second Ctrl-C ends the process as usual. Only the main thread is told of signals; another is left as it is.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def note(number: int, frame: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse_changed_data(run: Run, settings: dict[str, Any], checksum: str) -> None:
    place = settings["dataset"].get("root") or settings["data_dir"]
    for other in runs_in(run.folder.parent, f"*-{configuration_hash(settings)}-*"):
        if (other.folder / "environment.json").exists() and other.environment["data"] != checksum:
            raise StudyError(
                f"dataset={settings['dataset']['name']}: the data in {place} have the checksum "
                f"{checksum[:12]}, but {other.folder.name} was trained on {other.environment['data'][:12]}; "
                "restore those data, or give another runs_dir."
            )


@functools.lru_cache(maxsize=1)
def _cached_data(options: tuple[tuple[str, Any], ...], data_dir: str, device: torch.device) -> datasets.Dataset:
    return datasets.load(**dict(options), data_dir=data_dir, device=device)


def load_data(settings: dict[str, Any], device: torch.device) -> datasets.Dataset:
    """The data set that the settings name, on the device; the last one is kept for the next run of the process."""
    options = tuple((key, value) for key, value in settings["dataset"].items() if key != "augment")
    return _cached_data(options, settings["data_dir"], device)


def keep_freed_memory() -> None:
    """Keeps large blocks for the next step instead of giving them back to the system; does nothing without glibc.

    Otherwise a large stack's activations and gradients are mapped and cleared anew at every step, page by page, which
    takes a fifth of a step of 20 MNIST networks of 8 x 128.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 2**27)  # larger ones, such as the maps of an evaluation, go back at once
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _make_reproducible() -> None:
    """The same bits twice, at some cost on a GPU: deterministic algorithms, fixed cuBLAS workspaces."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def summary(record: Record) -> str:
    """Validation loss and score and the first layer's gradient norm, as medians over the replicas.

    Without validation images they are the training loss and score.
    """
    split = "valid" if "valid" in set(record.metrics["split"]) else "train"
    score = score_of(record.metrics)
    valid = record.metrics[record.metrics["split"] == split][["loss", score]].median()
    text = f"loss {valid['loss']:.3g}, {score} {valid[score]:.1%}"
    if len(record.layers):
        first = record.layers.query("layer == 1 and step == step.max()")
        text += f", first layer's gradient norm {first['grad_norm'].median():.1e}"
    return text
