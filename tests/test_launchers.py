"""A sweep over several processes: the same bytes as one run after the other, whatever happens to a worker."""

import os
import signal
from pathlib import Path

import joblib
import pytest
from helpers import SWEEP, Command, by_name, in_training, wait_until, without_threads
from test_resume import same

from activation_study.runs import Run
from activation_study.training import checkpoint

JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> dict[str, Run]:
    """The sweep in one process."""
    runs_dir = tmp_path_factory.mktemp("straight")
    status, _, errors = Command(*SWEEP, f"runs_dir={runs_dir}").end()
    assert status == 0, errors
    return by_name(runs_dir)


def assert_same(runs_dir: Path, straight: dict[str, Run]) -> None:
    runs = by_name(runs_dir)
    assert runs.keys() == straight.keys()
    for name, run in runs.items():
        assert same(run, straight[name]), name


@pytest.mark.parametrize("launcher", ["joblib", "ray"])
def test_a_sweep_over_processes_leaves_the_same_bytes(launcher, straight, tmp_path) -> None:
    pytest.importorskip(
        f"hydra_plugins.hydra_{launcher}_launcher", reason=f"hydra-{launcher}-launcher is not installed"
    )
    status, output, errors = Command(*SWEEP, f"hydra/launcher={launcher}", f"runs_dir={tmp_path}").end()
    assert status == 0, errors
    assert "4 done" in output
    assert_same(tmp_path, straight)


def test_a_sweep_that_loses_a_worker_names_what_is_unfinished_and_goes_on_to_the_same_bytes(straight, tmp_path) -> None:
    arguments = [*SWEEP, *JOBLIB, f"runs_dir={tmp_path}"]
    command = Command(*arguments)
    wait_until(lambda: in_training(tmp_path), command)
    name, run = next(iter(in_training(tmp_path).items()))
    os.kill(run.status["pid"], signal.SIGKILL)
    status, _, errors = command.end()
    assert status == 1
    unfinished, *lines = errors[errors.index("\nerror: ") + 1 :].splitlines()
    assert unfinished.endswith("of 4 runs are unfinished; give the same command to go on.")
    assert f"  {name}" in lines
    # joblib's resource tracker may have a word to add after the last line.
    assert any(line.startswith("error: the sweep ended early: A worker process managed by") for line in lines)
    status, output, errors = Command(*arguments).end()
    assert status == 0, errors
    assert "4 done" in output
    assert_same(tmp_path, straight)


def test_workers_share_the_cores_and_a_failure_is_listed_at_the_end(tmp_path) -> None:
    choices = ["dataset=digits,mnist", f"data_dir={tmp_path / 'none'}", "train.epochs=1", "dataset.train_limit=64",
               "dataset.valid_size=50", "seeds=1", "device=cpu"]  # fmt: skip
    command = Command("-m", *choices, *JOBLIB, f"runs_dir={tmp_path}", environment=without_threads())
    status, output, errors = command.end()
    assert status == 1
    assert "1 done, 1 failed" in output
    assert "\nerror: 1 of 2 runs failed; the others are kept.\n  mnist-mlp-8-relu-" in errors
    assert "Traceback" not in errors
    (done,) = (run for run in by_name(tmp_path).values() if run.is_finished)
    threads = max(1, joblib.cpu_count() // 2)
    assert done.environment["device"].endswith(f", {threads} thread{'s' if threads > 1 else ''}")


def test_ctrl_c_ends_every_worker_and_says_how_to_go_on(tmp_path) -> None:
    command = Command(*SWEEP, *JOBLIB, "train.epochs=100000", f"runs_dir={tmp_path}")
    wait_until(lambda: len(in_training(tmp_path)) == 2, command)
    os.killpg(command.process.pid, signal.SIGINT)
    status, _, errors = command.end()
    assert status == 1
    assert "\nstopped: what is trained so far is kept; give the same command again to go on.\n" in errors
    assert "Traceback" not in errors
    runs = by_name(tmp_path).values()
    wait_until(lambda: not any(run.is_alive for run in runs))
    assert sum(checkpoint.newest(run.folder) is not None for run in runs) == 2


def test_jobs_that_share_replicas_share_them_over_processes_too(tmp_path) -> None:
    choices = ["seeds=1,3,[2,1]", "model.depth=2", "model.width=8", "train.epochs=1", "dataset.train_limit=64",
               "device=cpu"]  # fmt: skip
    status, output, errors = Command("-m", *choices, *JOBLIB, f"runs_dir={tmp_path}").end()
    assert status == 0, errors
    assert output.splitlines()[-1] == "2 done"
    trained = [run.config["replicas"] for run in by_name(tmp_path).values()]
    assert sorted(trained) == [[[0, 0.01]], [[1, 0.01], [2, 0.01]]]


def test_a_launcher_that_is_not_there_ends_with_one_sentence(tmp_path) -> None:
    status, _, errors = Command("-m", "hydra/launcher=none", f"runs_dir={tmp_path}").end()
    assert status == 1
    assert errors.startswith("error: hydra/launcher=none: no such launcher here; ")
    assert len(errors.splitlines()) == 1
