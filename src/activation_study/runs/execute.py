"""Training a run and keeping what it leaves behind."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from activation_study import datasets
from activation_study.errors import StudyError
from activation_study.runs import files
from activation_study.runs.folder import Run, runs_in
from activation_study.runs.identity import configuration_hash, run_name, scientific
from activation_study.training import Record, Replica, Trainer


def execute(settings: dict[str, Any]) -> list[Run]:
    """Trains the replicas that the settings ask for and that no finished run holds yet.

    Args:
        settings: as `config.settings` gives them.

    Returns:
        The finished runs that hold the replicas asked for.

    Raises:
        StudyError: the settings or the data are not usable, or the results cannot be written.
    """
    asked = [Replica(seed, rate) for rate in settings["learning_rate"] for seed in settings["seeds"]]
    holders = finished(Path(settings["runs_dir"]), configuration_hash(settings))
    missing = [replica for replica in asked if replica not in holders]
    if missing:
        run = train(settings, missing)
        holders |= dict.fromkeys(missing, run)
    else:
        print(f"{holders[asked[0]].folder.name}: trained already, nothing to do.")
    return list(dict.fromkeys(holders[replica] for replica in asked))


def finished(runs_dir: Path, configuration: str) -> dict[Replica, Run]:
    """The replicas of a configuration that have been trained, each with a run that holds it."""
    return {
        Replica(seed, rate): run
        for run in runs_in(runs_dir)
        if run.config["hash"] == configuration and run.is_finished
        for seed, rate in run.config["replicas"]
    }


def train(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    """Trains replicas of one configuration as one run, with a progress bar, and writes its folder."""
    pairs = [(replica.seed, replica.learning_rate) for replica in replicas]
    device = device_of(settings["device"])
    data = load_data(settings, device)
    trainer = Trainer(settings, replicas, data)  # refuses a wrong configuration before anything is written
    run = Run(Path(settings["runs_dir"]) / run_name(settings, pairs))
    config = {
        "hash": configuration_hash(settings),
        "scale": settings["scale"],
        "replicas": [list(pair) for pair in pairs],
        "config": scientific(settings),
    }
    files.write_json(run.folder / "environment.json", environment(device, data.checksum))
    files.write_yaml(run.folder / "config.yaml", config)
    run.write_status("running", epoch=0, epochs=trainer.epochs, step=0)
    try:
        _watch(trainer, run)
    except BaseException as error:
        run.write_status("failed", error=str(error) or type(error).__name__)
        raise
    return run


def _watch(trainer: Trainer, run: Run) -> None:
    metrics, layers = pd.DataFrame(), pd.DataFrame()
    with tqdm(total=trainer.total_steps, desc=run.folder.name, unit="step", dynamic_ncols=True) as bar:
        for record in trainer.records(on_step=lambda trainer: bar.update()):
            metrics = pd.concat([metrics, record.metrics]) if len(metrics) else record.metrics
            layers = pd.concat([layers, record.layers]) if len(layers) else record.layers
            files.write_parquet(run.folder / "metrics.parquet", metrics)
            files.write_parquet(run.folder / "layers.parquet", layers)
            run.write_status("running", epoch=record.epoch, epochs=trainer.epochs, step=record.step)
            bar.set_postfix_str(summary(record))
    diverged = {
        f"seed {replica.seed}, learning rate {replica.learning_rate:g}": step
        for replica, step in zip(trainer.replicas, trainer.diverged_at.tolist(), strict=True)
        if step >= 0
    }
    state = "diverged" if diverged else "done"
    run.write_status(state, epoch=trainer.epochs, epochs=trainer.epochs, step=trainer.step, diverged=diverged)


def summary(record: Record) -> str:
    """Validation loss and accuracy and the first layer's gradient norm, as medians over the replicas."""
    valid = record.metrics.query("split == 'valid'")[["loss", "accuracy"]].median()
    text = f"loss {valid['loss']:.3g}, accuracy {valid['accuracy']:.1%}"
    if len(record.layers):
        first = record.layers.query("layer == 1 and step == step.max()")
        text += f", first layer's gradient norm {first['grad_norm'].median():.1e}"
    return text


def device_of(name: str) -> torch.device:
    """The device that a name such as auto, cpu, cuda or cuda:1 means here."""
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise StudyError(f"device={name}: there is no such device here; choose auto, cpu, cuda or cuda:N.") from None
    return device


def load_data(settings: dict[str, Any], device: torch.device) -> datasets.Dataset:
    """The data set that the settings name, on the device."""
    options = {key: value for key, value in settings["dataset"].items() if key != "augment"}
    return datasets.load(**options, data_dir=settings["data_dir"], device=device)


def environment(device: torch.device, data_checksum: str) -> dict[str, Any]:
    """Where and with what a run was made: hardware, versions, the code's commit, the data's checksum."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else f"{cpu_name()}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "commit": commit.stdout.strip() or None,
        "data": data_checksum,
    }


def cpu_name() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
