"""What comes with the repository is trained: a comparison takes it from there, and trains only what is missing."""

from pathlib import Path

import pytest

from activation_study.errors import StudyError
from activation_study.runs import available, read_runs, runs_in
from activation_study.runs.archive import PackedRun, pack
from activation_study.runs.identity import configuration_hash
from activation_study.training import holders as asking
from activation_study.training.execute import execute
from activation_study.training.holders import held, holders
from activation_study.training.trainer import Replica


@pytest.fixture
def settings(tiny_settings, tmp_path, monkeypatch) -> dict:
    """Settings whose replicas, of seeds 0 and 1, are in the runs that come with the repository, and nowhere else."""
    chosen = tiny_settings("activation=elu")
    pack(execute(chosen | {"runs_dir": str(tmp_path / "elsewhere")}), tmp_path / "tables" / "mine")
    monkeypatch.setattr(available, "RESULTS", tmp_path)
    assert chosen["runs_dir"] == str(tmp_path / "runs")
    return chosen


def test_what_comes_with_the_repository_is_not_trained(settings, monkeypatch, capsys) -> None:
    monkeypatch.setattr(asking, "execute", None)
    (run,) = holders(settings)
    assert isinstance(run, PackedRun)
    assert set(read_runs([run]).metrics["seed"]) == {0, 1}
    assert f"{run.folder.name}: trained already, nothing to do." in capsys.readouterr().out
    assert not Path(settings["runs_dir"]).exists()


def test_only_what_is_missing_is_trained(settings, capsys) -> None:
    runs = holders(settings | {"seeds": [1, 2]})
    assert [run.config["replicas"] for run in runs] == [[[0, 0.01], [1, 0.01]], [[2, 0.01]]]
    assert {run.folder.name for run in runs} == {run.folder.name for run in runs_in(Path(settings["runs_dir"]))}
    assert not any(isinstance(run, PackedRun) for run in runs)
    execute(settings | {"seeds": [0, 1, 2]})
    assert "trained already" in capsys.readouterr().out


def test_runs_of_ones_own_count_before_packed_ones_and_beside_them(settings) -> None:
    configuration = configuration_hash(settings)
    execute(settings | {"seeds": [2]})
    both = held(settings["runs_dir"], configuration)
    assert {replica.seed: isinstance(run, PackedRun) for replica, run in both.items()} == {0: True, 1: True, 2: False}
    execute(settings)
    assert not isinstance(held(settings["runs_dir"], configuration)[Replica(0, 0.01)], PackedRun)


def test_training_can_be_refused(settings, tmp_path) -> None:
    assert len(holders(settings, missing="refuse")) == 1
    wanted = "missing=refuse: 1 of the 3 networks of digits-mlp-2-elu-.* are not trained yet; missing=train trains them"
    with pytest.raises(StudyError, match=wanted):
        holders(settings | {"seeds": [0, 1, 2]}, missing="refuse")
    assert not Path(settings["runs_dir"]).exists()


def test_another_folder_of_runs_has_none_of_them(settings, tmp_path) -> None:
    assert held(tmp_path / "other", configuration_hash(settings)) == {}
