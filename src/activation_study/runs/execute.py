"""Training what is asked for and not there yet, so that nothing is trained twice and nothing is lost.

One process at a time works on a configuration: it holds the configuration's lock, which the system takes back when the
process ends, however it ends. What a process leaves unfinished, the next one continues from its checkpoint.
"""

import functools
import io
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from activation_study import datasets
from activation_study.errors import StudyError
from activation_study.exporters import exporter
from activation_study.memory import keep_freed_memory
from activation_study.runs import checkpoint, files
from activation_study.runs.environment import device_of, environment
from activation_study.runs.folder import Run, runs_in
from activation_study.runs.identity import configuration_hash, run_name, scientific
from activation_study.training import Record, Replica, Trainer, check


def execute(settings: dict[str, Any], wait: bool = False) -> list[Run]:
    """Trains the replicas that the settings ask for and that no finished run holds yet.

    Args:
        settings: as `config.settings` gives them.
        wait: whether to wait for another process that trains the same configuration, or to leave it to that.

    Returns:
        The finished runs that hold the replicas asked for; empty where they are left to another process.

    Raises:
        StudyError: the settings or the data are not usable, or the results cannot be written.
    """
    check(settings)
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    asked = asked_for(settings)
    try:
        with _locked(runs_dir, configuration, wait):
            holders = finished(runs_dir, configuration)
            missing = [replica for replica in asked if replica not in holders]
            if not missing:
                print(f"{holders[asked[0]].folder.name}: trained already, nothing to do.")
            for replicas in _portions(runs_dir, configuration, missing):
                holders |= dict.fromkeys(replicas, train(settings, replicas))
            return list(dict.fromkeys(holders[replica] for replica in asked))
    except Timeout:
        print(f"{run_name(settings, _pairs(asked))}: another process trains this configuration; left to it.")
        return []


def asked_for(settings: dict[str, Any]) -> list[Replica]:
    """The replicas that the settings ask for: the product of the learning rates and the seeds."""
    return [Replica(seed, rate) for rate in settings["learning_rate"] for seed in settings["seeds"]]


def finished(runs_dir: Path, configuration: str) -> dict[Replica, Run]:
    """The replicas of a configuration that have been trained, each with a run that holds it.

    A finished run with a damaged file is not trusted: the file is named and set aside, and the run starts over.
    """
    holders: dict[Replica, Run] = {}
    for run in runs_in(runs_dir, f"*-{configuration}-*"):
        if run.is_finished:
            if damaged := run.damaged_file():
                if damaged.exists():
                    files.set_aside(damaged, "it is not what the training has left")
                run.write_status("pending")
            else:
                holders |= dict.fromkeys(_replicas(run), run)
    return holders


def train(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    """Trains replicas of one configuration as one run, from its newest checkpoint if there is one."""
    run = _run_of(settings, replicas)
    keep_freed_memory()
    try:
        if settings["threads"]:
            torch.set_num_threads(settings["threads"])
        if settings["reproducible"]:
            _make_reproducible()
        device = device_of(settings["device"])
        data = load_data(settings, device)
        _refuse_changed_data(run, settings, data.checksum)
        trainer = Trainer(settings, replicas, data)
        register(settings, replicas)
        files.write_json(run.folder / "environment.json", environment(device, data.checksum))
        _Training(run, trainer, settings).complete()
    except Exception as error:
        if run.folder.exists():
            run.write_status("failed", **_progress(run), error=str(error) or type(error).__name__)
        raise
    return run


def register(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    """Writes down a run that is to be trained, so that its status can be asked for before its turn comes."""
    run = _run_of(settings, replicas)
    config = {
        "hash": configuration_hash(settings),
        "scale": settings["scale"],
        "replicas": [list(pair) for pair in _pairs(replicas)],
        "config": scientific(settings),
    }
    files.write_yaml(run.folder / "config.yaml", config)
    if run.status["state"] != "running":
        run.write_status("pending")
    return run


def _run_of(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    return Run(Path(settings["runs_dir"]) / run_name(settings, _pairs(replicas)))


class _Training:
    """One run while it is trained: its tables so far, its checkpoints, its status, its progress bar."""

    def __init__(self, run: Run, trainer: Trainer, settings: dict[str, Any]) -> None:
        self.run, self.trainer, self.settings = run, trainer, settings
        self.metrics, self.layers = pd.DataFrame(), pd.DataFrame()
        self.saved_at = time.monotonic()
        if (state := checkpoint.newest(run.folder)) is not None:
            trainer.load_state(state["trainer"])
            self.metrics, self.layers = (_from_tensor(state[name]) for name in ("metrics", "layers"))

    def complete(self) -> None:
        """Trains to the end and seals the run."""
        trainer = self.trainer
        self._write_status()
        bar = tqdm(desc=self.run.folder.name, total=trainer.total_steps, initial=trainer.step, unit="step")
        with bar, exporter(self.settings["export"], self.run.folder) as export, _signals_as_flag() as stopped:

            def tick() -> None:
                bar.update(trainer.step - bar.n)
                if stopped:
                    self._save()
                    raise KeyboardInterrupt
                if time.monotonic() - self.saved_at >= self.settings["checkpoint_seconds"]:
                    self._save()

            for record in trainer.records(tick):
                self.metrics = pd.concat([self.metrics, record.metrics], ignore_index=True)
                self.layers = pd.concat([self.layers, record.layers], ignore_index=True)
                export(record)
                bar.set_postfix_str(summary(record))
        files.write_parquet(self.run.folder / "metrics.parquet", self.metrics)
        files.write_parquet(self.run.folder / "layers.parquet", self.layers)
        if self.settings["keep_weights"]:
            weights = checkpoint.to_bytes({"run": self.run.name, "network": trainer.network.state_dict()})
            files.write(self.run.folder / "weights.pt", lambda file: file.write(weights))
        diverged = {
            f"seed {replica.seed}, learning rate {replica.learning_rate:g}": step
            for replica, step in zip(trainer.replicas, trainer.diverged_at.tolist(), strict=True)
            if step >= 0
        }
        self.run.finish(**_progress_of(trainer), diverged=diverged)
        checkpoint.remove(self.run.folder)

    def _save(self) -> None:
        """A checkpoint holds the tables too, so that weights and rows are always of the same moment."""
        tables = {"metrics": _to_tensor(self.metrics), "layers": _to_tensor(self.layers)}
        checkpoint.save(self.run.folder, {"run": self.run.name, "trainer": self.trainer.state(), **tables})
        self._write_status()
        self.saved_at = time.monotonic()

    def _write_status(self) -> None:
        self.run.write_status("running", **_progress_of(self.trainer))


def _progress_of(trainer: Trainer) -> dict[str, Any]:
    epoch = trainer.step // trainer.steps_per_epoch
    return {"epoch": epoch, "step": trainer.step, "steps": trainer.total_steps, "seconds": round(trainer.seconds, 3)}


def _progress(run: Run) -> dict[str, Any]:
    status = run.status
    return {key: status[key] for key in ("epoch", "step", "steps", "seconds") if key in status}


def _to_tensor(table: pd.DataFrame) -> torch.Tensor:
    """A table as the bytes of its Parquet file, in a tensor, which a checkpoint may hold."""
    return torch.frombuffer(bytearray(table.to_parquet(index=False)), dtype=torch.uint8)


def _from_tensor(content: torch.Tensor) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content.numpy().tobytes()))


@contextmanager
def _signals_as_flag() -> Iterator[list[int]]:
    """Inside, Ctrl-C and SIGTERM only note themselves in the list given, so that no update is cut in two.

    The second Ctrl-C ends the process as usual.
    """
    noted: list[int] = []

    def note(number: int, frame: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _locked(runs_dir: Path, configuration: str, wait: bool) -> Iterator[None]:
    folder = runs_dir / ".locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / configuration)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(f"runs_dir={runs_dir}: it cannot be written ({reason}); choose another folder.") from None
    try:
        yield
    finally:
        lock.release()


def _portions(runs_dir: Path, configuration: str, missing: list[Replica]) -> Iterator[list[Replica]]:
    """The missing replicas run by run: first the runs that were begun and hold nothing else, then the rest as one."""
    left = dict.fromkeys(missing)
    for run in runs_in(runs_dir, f"*-{configuration}-*"):
        replicas = _replicas(run)
        if not run.is_finished and left.keys() >= set(replicas):
            yield replicas
            for replica in replicas:
                del left[replica]
    if left:
        yield list(left)


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


def _make_reproducible() -> None:
    """The same bits twice, at some cost on a GPU: deterministic algorithms, fixed cuBLAS workspaces."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def summary(record: Record) -> str:
    """Validation loss and accuracy and the first layer's gradient norm, as medians over the replicas."""
    valid = record.metrics.query("split == 'valid'")[["loss", "accuracy"]].median()
    text = f"loss {valid['loss']:.3g}, accuracy {valid['accuracy']:.1%}"
    if len(record.layers):
        first = record.layers.query("layer == 1 and step == step.max()")
        text += f", first layer's gradient norm {first['grad_norm'].median():.1e}"
    return text


def _pairs(replicas: list[Replica]) -> list[tuple[int, float]]:
    return [(replica.seed, replica.learning_rate) for replica in replicas]


def _replicas(run: Run) -> list[Replica]:
    return [Replica(seed, rate) for seed, rate in run.config["replicas"]]
