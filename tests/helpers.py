"""What several tests share."""

import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from activation_study.commands.sweeps import Sweep
from activation_study.runs import Run, read, runs_in

ROOT = Path(__file__).resolve().parents[1]
# Four runs of about a second each, long enough to be killed in the middle.
SWEEP = ["-m", "activation=relu,rrelu", "model.depth=1,2", "model.width=8", "seeds=2", "train.epochs=60", "device=cpu",
         "dataset.train_limit=256", "train.batch_size=16", "probes.every=5", "keep_weights=true",
         "checkpoint_seconds=0.05"]  # fmt: skip


def in_process(monkeypatch: pytest.MonkeyPatch, command: str, *arguments: str) -> str | int | None:
    """Runs a command of experiments/ in this process; returns what it hands to `sys.exit`, None if it ends well."""
    monkeypatch.setattr(sys, "argv", [f"{command}.py", *arguments])
    monkeypatch.setattr(Sweep, "current", None)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "")
    monkeypatch.delenv("HYDRA_FULL_ERROR")
    try:
        runpy.run_path(str(ROOT / "experiments" / f"{command}.py"), run_name="__main__")
    except SystemExit as ended:
        return ended.code
    return None


def without(what: str, source: str) -> NoReturn:
    """Skips a test of what needs a browser, but in continuous integration, which must have it."""
    if os.environ.get("ACTIVATION_STUDY_NEEDS_BROWSER"):
        pytest.fail(f"{what} is not installed, and continuous integration must have it")
    pytest.skip(f"{what} is not installed ({source})")


class Command:
    """experiments/train.py in a process group of its own, as a shell starts it; its output goes to files."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.files = [tempfile.TemporaryFile("w+") for _ in range(2)]  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "experiments" / "train.py"), *arguments],
            cwd=ROOT, stdout=self.files[0], stderr=self.files[1], env=environment, start_new_session=True,
        )  # fmt: skip

    def end(self) -> tuple[int, str, str]:
        """Waits; returns the exit status and what has been written to stdout and stderr."""
        status = self.process.wait(timeout=120)
        texts = []
        for file in self.files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return status, texts[0], texts[1]


def without_threads(environment: dict[str, str] | None = None) -> dict[str, str]:
    """An environment that leaves the number of threads to the launcher."""
    return {key: value for key, value in (environment or os.environ).items() if key != "OMP_NUM_THREADS"}


def replicas_in(runs_dir: str) -> list[tuple[int, float]]:
    """Seed and learning rate of every replica in the tables, sorted."""
    last = read(runs_dir).metrics.query("split == 'test'")
    return sorted(zip(last["seed"], last["learning_rate"], strict=True))


def by_name(runs_dir: Path) -> dict[str, Run]:
    return {run.folder.name: run for run in runs_in(runs_dir)}


def in_training(runs_dir: Path) -> dict[str, Run]:
    """The runs that have taken their first steps and not yet their last."""
    return {
        name: run
        for name, run in by_name(runs_dir).items()
        if run.status["state"] == "running" and run.status["step"] > 0
    }


def wait_until(condition: Callable[[], object], command: Command | None = None) -> None:
    """Waits for a condition; a command that ends before it is met is an error."""
    deadline = time.monotonic() + 60
    while not condition():
        if command is not None and command.process.poll() is not None:
            raise AssertionError(f"it ended too early: {command.end()}")
        assert time.monotonic() < deadline
        time.sleep(0.02)
