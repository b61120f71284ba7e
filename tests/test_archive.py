"""Runs packed into a folder that a repository can hold, and made again from it."""

import pandas as pd
import pytest

from activation_study.commands.unpack import main
from activation_study.runs import Run, read
from activation_study.runs.archive import RESULTS, pack, unpack
from activation_study.training.execute import execute

FIVE_DIGITS = 2**-17


@pytest.fixture
def packed(tiny_settings, tmp_path):
    runs = execute(tiny_settings("activation=elu")) + execute(tiny_settings("activation=relu", "probes.every=0"))
    pack(runs, tmp_path / "packed")
    return runs, tmp_path / "packed"


def test_unpacked_runs_are_the_runs(packed, tmp_path) -> None:
    runs, folder = packed
    again = unpack(folder, tmp_path / "again")
    assert {run.folder.name for run in again} == {run.folder.name for run in runs}
    ours, theirs = read(tmp_path / "runs"), read(tmp_path / "again")
    pd.testing.assert_frame_equal(ours.metrics, theirs.metrics)
    pd.testing.assert_frame_equal(ours.layers, theirs.layers, rtol=FIVE_DIGITS, atol=0)
    assert not ours.layers.equals(theirs.layers)
    for run in again:
        original = Run(tmp_path / "runs" / run.folder.name)
        assert run.damaged_file() is None
        assert (run.config, run.environment) == (original.config, original.environment)
        assert run.status["seconds"] == original.status["seconds"]
        assert run.status["state"] == original.status["state"]


def test_further_tables_are_packed_too(tiny_settings, tmp_path) -> None:
    runs = execute(tiny_settings()) + execute(tiny_settings("probes.also=[units]"))
    pack(runs, tmp_path / "packed")
    both = {run.folder.name: run for run in unpack(tmp_path / "packed", tmp_path / "again")}
    for run in runs:
        assert both[run.folder.name].damaged_file() is None
        for name in ("metrics", "layers", *run.further):
            rtol = 0 if name == "metrics" else FIVE_DIGITS
            pd.testing.assert_frame_equal(both[run.folder.name].table(name), run.table(name), rtol=rtol, atol=0)
    assert sum("units" in run.further for run in both.values()) == 1


def test_of_long_runs_the_epochs_between_keep_their_last_measurement(tiny_settings, tmp_path) -> None:
    runs = execute(tiny_settings("train.epochs=4", "probes.every=2"))
    pack(runs, tmp_path / "packed", thin=True)
    pack(runs, tmp_path / "whole")
    unpack(tmp_path / "packed", tmp_path / "again")
    ours, theirs = read(tmp_path / "runs"), read(tmp_path / "again")
    pd.testing.assert_frame_equal(ours.metrics, theirs.metrics)
    for epoch, rows in ours.layers.groupby("epoch"):
        kept = rows if epoch in (0, 1, 4) else rows[rows["step"] == rows["step"].max()]
        assert epoch in (0, 1, 4) or len(kept) < len(rows)
        found = theirs.layers[theirs.layers["epoch"] == epoch]
        pd.testing.assert_frame_equal(
            found.reset_index(drop=True), kept.reset_index(drop=True), rtol=FIVE_DIGITS, atol=0
        )
    assert read(tmp_path / "runs").layers["step"].nunique() > theirs.layers["step"].nunique()


def test_the_same_runs_are_the_same_bytes_in_any_order(packed, tmp_path) -> None:
    runs, folder = packed
    pack(reversed(runs), tmp_path / "other")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_nothing_is_trained_that_was_unpacked(packed, tiny_settings, tmp_path, capsys) -> None:
    _, folder = packed
    unpack(folder, tmp_path / "again")
    execute(tiny_settings("activation=elu") | {"runs_dir": str(tmp_path / "again")})
    assert "trained already" in capsys.readouterr().out


def test_runs_that_are_there_are_left_alone(packed, tmp_path) -> None:
    runs, folder = packed
    status = runs[0].folder / "status.json"
    before = status.read_bytes()
    unpack(folder, tmp_path / "runs")
    assert status.read_bytes() == before


def test_what_is_not_whole_is_not_packed(packed, tmp_path) -> None:
    runs, _ = packed
    (runs[0].folder / "layers.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match="only finished runs that are whole"):
        pack(runs, tmp_path / "other")


def test_all_that_comes_with_the_repository_is_unpacked_at_once(packed, tmp_path, capsys) -> None:
    _, folder = packed
    folder.rename(tmp_path / "tables")
    (tmp_path / "results").mkdir()
    (tmp_path / "tables").rename(tmp_path / "results" / "mine")
    main(tmp_path / "results", tmp_path / "again")
    assert capsys.readouterr().out.splitlines()[-1] == f"mine: 2 runs in {tmp_path / 'again'}"
    assert len(read(tmp_path / "again").runs) == 2


FOLDERS = sorted(path.parent for path in (RESULTS / "tables").glob("*/runs.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_committed_runs_can_be_made_again(folder, tmp_path) -> None:
    assert all(run.damaged_file() is None for run in unpack(folder, tmp_path))


def test_committed_runs_stay_small() -> None:
    sizes = {path: path.stat().st_size for folder in FOLDERS for path in folder.iterdir()}
    assert {path.name for path in sizes} >= {"metrics.parquet", "layers.parquet", "runs.json"}
    assert all(size < 4e6 for path, size in sizes.items() if path.suffix == ".parquet")
    assert sum(sizes.values()) < 25e6
