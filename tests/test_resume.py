"""A run that is killed goes on to the same bytes as one that is left alone."""

import multiprocessing
import random
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from activation_study.runs import Run, runs_in
from activation_study.training import checkpoint
from activation_study.training.execute import execute as run_it
from activation_study.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ["activation=rrelu", "optimizer.momentum=0.9", "train.epochs=3", "keep_weights=true", "checkpoint_seconds=0"]


class Killed(BaseException):
    """Ends a run as nothing in the study's code expects."""


def outcome(run: Run) -> tuple[bytes, bytes, list[torch.Tensor]]:
    """What a run has left, but for the time it took: metrics and layers as bytes, and the weights."""
    metrics, layers = run.table("metrics").drop(columns="seconds"), run.table("layers")
    weights = checkpoint.from_bytes((run.folder / "weights.pt").read_bytes())["network"]
    return metrics.to_parquet(), layers.to_parquet(), list(weights.values())


def same(one: Run, other: Run) -> bool:
    (*ours, our_weights), (*theirs, their_weights) = outcome(one), outcome(other)
    return ours == theirs and all(map(torch.equal, our_weights, their_weights))


def kill_at(monkeypatch: pytest.MonkeyPatch, method: str, call: int) -> None:
    """Makes the given call of a method of the trainer the last thing that its process does."""
    original, calls = getattr(Trainer, method), iter(range(call))

    def dying(self, *args, **kwargs):
        if next(calls, None) is None:
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, method, dying)


@pytest.fixture
def straight(tiny_settings, tmp_path) -> Run:
    settings = tiny_settings(*SETTINGS, f"runs_dir={tmp_path / 'straight'}")
    return run_it(settings)[0]


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("_train_step", 0),  # before the first update
        ("_train_step", 1),  # in the middle of the first epoch
        ("_train_step", 3),  # at the end of an epoch, its record written
        ("_train_step", 5),  # in the middle of a later epoch
        ("_record", 0),
        ("_record", 2),  # an epoch is over, its record not yet made
        ("_record", 3),  # after the last update
        ("evaluate", 6),  # in the middle of a record
    ],
)
def test_a_killed_run_goes_on_to_the_same_bytes(tiny_settings, straight, monkeypatch, method, call) -> None:
    settings = tiny_settings(*SETTINGS)
    with monkeypatch.context() as patched:
        kill_at(patched, method, call)
        with pytest.raises(Killed):
            run_it(settings)
    (run,) = runs_in(Path(settings["runs_dir"]))
    assert not run.is_finished
    (resumed,) = run_it(settings)
    assert resumed == run
    assert same(resumed, straight)
    assert not list(run.folder.glob("checkpoint*"))


def test_it_really_goes_on_and_does_not_start_over(tiny_settings, straight, monkeypatch) -> None:
    settings = tiny_settings(*SETTINGS)
    with monkeypatch.context() as patched:
        kill_at(patched, "_train_step", 5)
        with pytest.raises(Killed):
            run_it(settings)
    steps = []
    original = Trainer._train_step
    monkeypatch.setattr(Trainer, "_train_step", lambda self, x: (steps.append(self.step), original(self, x)))
    run_it(settings)
    assert steps == [5, 6, 7, 8]


def test_negative_control_a_resume_that_loses_momentum_is_noticed(tiny_settings, straight, monkeypatch) -> None:
    settings = tiny_settings(*SETTINGS)
    with monkeypatch.context() as patched:
        kill_at(patched, "_train_step", 5)
        with pytest.raises(Killed):
            run_it(settings)
    original = Trainer.load_state

    def forgetful(self, state) -> None:
        original(self, state)
        for velocity in self.optimizer.velocities:
            velocity.zero_()

    monkeypatch.setattr(Trainer, "load_state", forgetful)
    (resumed,) = run_it(settings)
    assert not same(resumed, straight)


def test_negative_control_another_noise_is_noticed(tiny_settings, straight, monkeypatch) -> None:
    monkeypatch.setattr("activation_study.seeds.Noise.at", lambda self, step: setattr(self, "_step", step))
    (other,) = run_it(tiny_settings(*SETTINGS))  # its noise runs on from step to step instead of starting anew
    assert not same(other, straight)


SWEEP = ["-m", "activation=relu,rrelu,elu", "model.depth=1,3", "model.width=8", "seeds=2", "train.epochs=6",
         "device=cpu", "dataset.train_limit=256", "train.batch_size=16", "probes.every=5", "keep_weights=true",
         "checkpoint_seconds=0.05"]  # fmt: skip


def sweep(runs_dir: Path) -> None:
    """What a process of its own does: the sweep, as from the command line."""
    torch.set_num_threads(1)
    sys.argv = ["train.py", *SWEEP, f"runs_dir={runs_dir}"]
    sys.stdout = sys.stderr = open("/dev/null", "w")  # noqa: SIM115
    runpy.run_path(str(ROOT / "experiments" / "train.py"), run_name="__main__")


def test_a_sweep_killed_at_twenty_random_moments_ends_the_same(tmp_path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["activation_study.commands.sweeps", "activation_study.training.execute"])
    straight = context.Process(target=sweep, args=(tmp_path / "straight",))
    began = time.monotonic()
    straight.start()
    straight.join()
    took = time.monotonic() - began
    assert straight.exitcode == 0
    moments, kills = random.Random(0), 0
    folders = [tmp_path / "killed-0"]
    while True:  # a sweep that gets to its end before the twentieth kill is followed by another one
        process = context.Process(target=sweep, args=(folders[-1],))
        process.start()
        process.join(moments.uniform(0.05, 0.3) * took if kills < 20 else None)
        if process.exitcode is None:
            process.kill()  # SIGKILL
            process.join()
            kills += 1
        else:
            assert process.exitcode == 0
            if kills == 20:
                break
            folders.append(tmp_path / f"killed-{len(folders)}")
    theirs = {run.folder.name: run for run in runs_in(tmp_path / "straight")}
    assert len(theirs) == 6
    for folder in folders:
        ours = {run.folder.name: run for run in runs_in(folder)}
        assert ours.keys() == theirs.keys()
        for name, run in ours.items():
            assert same(run, theirs[name]), name


def test_ctrl_c_keeps_what_is_trained_and_says_how_to_go_on(tmp_path) -> None:
    command = [sys.executable, str(ROOT / "experiments" / "train.py"), "seeds=1", "train.epochs=100000", "device=cpu",
               f"runs_dir={tmp_path}", "checkpoint_seconds=1000"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not any(run.status.get("state") == "running" for run in runs_in(tmp_path)):
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1] == "stopped: what is trained so far is kept; give the same command again to go on."
    assert "Traceback" not in errors
    (run,) = runs_in(tmp_path)
    assert checkpoint.newest(run.folder)["trainer"]["step"] == run.status["step"] > 0
    assert not run.is_alive


def test_the_same_bits_twice(tiny_settings, tmp_path) -> None:
    try:
        one, other = (
            run_it(
                tiny_settings(
                    "activation=prelu", "reproducible=true", "keep_weights=true", f"runs_dir={tmp_path / name}"
                )
            )
            for name in ("one", "other")
        )
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert same(one[0], other[0])
