"""The lock of a configuration, and what its holder says of it."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from activation_study.runs.identity import configuration_hash
from activation_study.training import execute as executing
from activation_study.training import lock
from activation_study.training.execute import asked_for, execute
from activation_study.training.trainer import Replica


def test_replicas_that_another_process_is_to_train_are_left_to_it(tiny_settings, capsys) -> None:
    settings = tiny_settings()
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    with lock.locked(runs_dir, configuration):
        lock.announce(runs_dir, configuration, asked_for(tiny_settings("seeds=3")))
        assert execute(settings) == []
        assert lock.announced(runs_dir, configuration) == {Replica(seed, 0.01) for seed in range(3)}
    assert "another process trains this configuration; left to it" in capsys.readouterr().out
    assert lock.announced(runs_dir, configuration) == set()
    assert len(execute(settings)) == 1


@pytest.mark.parametrize("announced", ["seeds=1", None])
def test_for_the_training_of_other_replicas_it_waits(tiny_settings, capsys, monkeypatch, announced) -> None:
    """Another process has the lock, and gives it back while this one waits."""
    settings = tiny_settings("seeds=2")
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    other = ExitStack()
    other.enter_context(lock.locked(runs_dir, configuration))
    if announced:
        lock.announce(runs_dir, configuration, asked_for(tiny_settings(announced)))
    original, looks = executing.noted, []

    def looking(*args):
        looks.append(original(*args))
        if len(looks) == 3:
            other.close()
        return looks[-1]

    monkeypatch.setattr(executing, "noted", looking)
    monkeypatch.setattr(lock, "PATIENCE", 0)
    (run,) = execute(settings)
    assert run.config["replicas"] == [[0, 0.01], [1, 0.01]]
    assert len(looks) == 3
    assert capsys.readouterr().out.count("waiting for it") == (1 if announced else 0)


def test_what_is_trained_needs_no_lock(tiny_settings, capsys) -> None:
    settings = tiny_settings()
    runs = execute(settings)
    with lock.locked(Path(settings["runs_dir"]), configuration_hash(settings)):
        assert execute(settings, wait=True) == runs
    assert "trained already, nothing to do" in capsys.readouterr().out


def test_a_killed_process_leaves_no_announcement(tiny_settings) -> None:
    settings = tiny_settings()
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    lock.announce(runs_dir, configuration, asked_for(settings))
    with lock.locked(runs_dir, configuration):
        assert lock.announced(runs_dir, configuration) == set()
