"""Which runs a reader gets: the user's own, or where there are none, those that come with the repository."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers import in_process

from activation_study.runs import Run, available, read
from activation_study.runs.archive import Archive, pack
from activation_study.runs.available import found, given_with
from activation_study.training.execute import execute

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def repository(trained, tiny_settings, tmp_path, monkeypatch) -> Path:
    """A folder `results` of a fresh clone, with two packed runs; those that were packed lie in `trained`."""
    runs = [run for name in ("relu", "elu") for run in execute(tiny_settings(f"activation={name}") | {
        "runs_dir": str(trained)})]  # fmt: skip
    results = tmp_path / "results"
    pack(runs, results / "tables" / "mine")
    monkeypatch.setattr(available, "RESULTS", results)
    return results


def test_where_there_are_no_runs_the_packed_ones_are_read_which_is_said_once(repository, trained, capsys) -> None:
    for _ in range(2):
        ours, theirs = read(repository / "runs"), read(trained)
        pd.testing.assert_frame_equal(ours.metrics, theirs.metrics)
        pd.testing.assert_frame_equal(ours.layers, theirs.layers)
    assert capsys.readouterr().err == (
        f"{repository / 'runs'} holds no runs of your own: reading the 2 that come with the repository, "
        f"{repository / 'tables'}.\n"
    )
    assert not (repository / "runs").exists()


def test_a_packed_run_is_all_that_readers_use_of_a_run(repository, trained) -> None:
    for run in found(repository / "runs"):
        own = Run(trained / run.folder.name)
        assert (run.name, run.config, run.environment) == (own.name, own.config, own.environment)
        assert {key: own.status[key] for key in run.status} == run.status
        assert run.is_finished
        assert run.damaged_file() is None
        for name in ("metrics", "layers"):
            pd.testing.assert_frame_equal(run.table(name), own.table(name))


def test_a_joined_pair_is_read_once(repository, monkeypatch) -> None:
    names = []
    original = Archive._read
    monkeypatch.setattr(Archive, "_read", lambda archive, name: names.append(name) or original(archive, name))
    for _ in range(2):
        read(repository / "runs")
    assert sorted(names) == ["layers", "metrics"]


def test_a_run_of_ones_own_is_read_alone(repository, trained, capsys) -> None:
    own = next(path for path in trained.iterdir() if "-elu-" in path.name)
    shutil.copytree(own, repository / "runs" / own.name)
    assert [run.folder for run in found(repository / "runs")] == [repository / "runs" / own.name]
    Run(repository / "runs" / own.name).write_status("pending")
    assert read(repository / "runs").runs == []
    assert capsys.readouterr().err == ""


def test_another_folder_is_never_filled_in(repository, capsys) -> None:
    (repository / "other").mkdir()
    assert found(repository / "other") == given_with(repository / "other") == []
    assert capsys.readouterr().err == ""


def test_a_folder_is_the_same_by_any_path(repository, monkeypatch) -> None:
    monkeypatch.chdir(repository.parent)
    (repository.parent / "link").symlink_to(repository)
    for path in ("results/runs", "link/runs", "results/tables/../runs"):
        assert len(given_with(path)) == 2


def test_a_run_that_two_archives_hold_is_one(repository) -> None:
    shutil.copytree(repository / "tables" / "mine", repository / "tables" / "other")
    assert len(found(repository / "runs")) == 2


@pytest.mark.parametrize(
    ("command", "says"),
    [("status", "2 done"), ("figures figure=ranks", "ranks.png"), ("claims claim=relu-dead scale=smoke", "not run")],
)
def test_commands_read_what_is_packed(command, says, repository, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    name, *arguments = command.split()
    arguments += [] if name == "status" else [f"out={tmp_path / 'out'}"]
    assert in_process(monkeypatch, name, *arguments, f"runs_dir={repository / 'runs'}") is None
    told = capsys.readouterr()
    assert says in told.out
    assert "reading the 2 that come with the repository" in told.err
    assert not (repository / "runs").exists()


def test_where_nothing_comes_with_the_repository_a_folder_must_be_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(available, "RESULTS", tmp_path)
    ended = in_process(monkeypatch, "status", f"runs_dir={tmp_path / 'runs'}")
    assert ended == f"error: runs_dir={tmp_path / 'runs'}: this is no folder; give one that is there."
