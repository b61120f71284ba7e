"""The index of a folder of runs: whatever happens to the folder, tables are those of the runs themselves."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from activation_study.runs import Run, Tables, index, read, read_runs, runs_in
from activation_study.runs.overview import overview
from activation_study.training import execute as executing
from activation_study.training.execute import execute
from activation_study.training.trainer import Replica


@pytest.fixture(autouse=True)
def singly(monkeypatch) -> set[str]:
    """The names of the runs whose tables have been read from their folders; an index is made of a single run."""
    monkeypatch.setattr(index, "FEWEST", 1)
    names: set[str] = set()
    original = Run.tables

    def noting(run: Run, tables: list[str]) -> list:
        names.add(run.folder.name)
        return original(run, tables)

    monkeypatch.setattr(Run, "tables", noting)
    return names


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def runs_dir(trained, tiny_settings) -> Path:
    """Three finished runs, trained for the first test and copied for all."""
    for activation in ("relu", "elu", "prelu"):
        execute(tiny_settings(f"activation={activation}") | {"runs_dir": str(trained)})
    return Path(shutil.copytree(trained, tiny_settings()["runs_dir"]))


def plainly(runs: list[Run]) -> Tables:
    """The tables of finished runs that hold no replica twice, run by run and column by column."""
    tables: dict[str, list[pd.DataFrame]] = {"metrics": [], "layers": []}
    for run in runs:
        config = run.config["config"]
        for name, parts in tables.items():
            table = run.table(name)
            for position, (column, value) in enumerate({
                "run": run.folder.name, "activation": config["activation"]["name"],
                "variant": config["activation"]["name"], "dataset": config["dataset"]["name"],
                "model": config["model"]["name"], "depth": config["model"]["depth"], "scale": run.config["scale"],
            }.items()):  # fmt: skip
                table.insert(position, column, value)
            if len(table):
                parts.append(table)
    return Tables(*(pd.concat(parts, ignore_index=True) for parts in tables.values()), runs)


def assert_same(ours: Tables, theirs: Tables) -> None:
    assert [run.folder for run in ours.runs] == [run.folder for run in theirs.runs]
    pd.testing.assert_frame_equal(ours.metrics, theirs.metrics)
    pd.testing.assert_frame_equal(ours.layers, theirs.layers)
    assert [run.config for run in ours.runs] == [Run(run.folder).config for run in ours.runs]
    assert [run.environment for run in ours.runs] == [Run(run.folder).environment for run in ours.runs]


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


def test_tables_stay_those_of_the_runs_whatever_happens_to_them(runs_dir, tiny_settings, singly, capsys) -> None:
    def read_again(*changed: str) -> Tables:
        """Reads what has changed from its folder, all else from the index; says so of a damaged one again and again."""
        singly.clear()
        tables = read(runs_dir)
        assert singly == set(changed)
        assert_same(tables, plainly([run for run in runs_in(runs_dir) if run.damaged_file() is None]))
        return tables

    elu, prelu, relu = (run.folder.name for run in runs_in(runs_dir))
    read_again(elu, prelu, relu)
    read_again()

    (added,) = execute(tiny_settings("activation=tanh"))
    read_again(added.folder.name)
    read_again()

    shutil.rmtree(runs_dir / prelu)
    read_again()

    Run(runs_dir / relu).write_status("pending")
    assert len(read(runs_dir).runs) == 2
    execute(tiny_settings("activation=relu", "scale=smoke"))
    assert set(read_again(relu).metrics["scale"]) == {"desk", "smoke"}
    read_again()

    path = runs_dir / elu / "layers.parquet"
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, 500))
    for _ in range(2):
        capsys.readouterr()
        assert len(read_again(elu).runs) == 2
        assert f"warning: {path}: its checksum is wrong; the run is left out." in capsys.readouterr().err
    path.write_bytes(whole)
    read_again(elu)

    (runs_dir / index.NAME).unlink()
    read_again(elu, relu, added.folder.name)


def test_a_damaged_index_is_made_again(runs_dir, singly) -> None:
    expected = plainly(list(runs_in(runs_dir)))
    read(runs_dir)
    path = runs_dir / index.NAME
    content = path.read_bytes()
    damaged = [b"", content[:-30], b"something else"]
    damaged += [flipped(content, int(share * len(content))) for share in (0, 0.001, 0.1, 0.3, 0.5, 0.8, 0.99, 0.999)]
    for other in damaged:
        path.write_bytes(other)
        assert_same(read(runs_dir), expected)
    singly.clear()
    assert_same(read(runs_dir), expected)
    assert not singly


def test_a_folder_that_cannot_be_written_is_read_all_the_same(runs_dir) -> None:
    (runs_dir / index.NAME).mkdir()
    for _ in range(2):
        assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))


def test_few_runs_make_no_index(runs_dir, monkeypatch) -> None:
    monkeypatch.setattr(index, "FEWEST", 4)
    assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))
    assert not (runs_dir / index.NAME).exists()


def test_runs_keep_the_order_in_which_they_are_given(runs_dir, singly) -> None:
    read(runs_dir)
    elu, prelu, relu = index.indexed(runs_dir).values()
    singly.clear()
    for runs in ([relu, elu, prelu], [prelu], [relu, prelu]):
        assert_same(read_runs(iter(runs)), plainly(runs))
    wanted = read(runs_dir, where=lambda run: run["config"]["activation"]["name"] == "relu")
    assert_same(wanted, plainly([relu]))
    assert not singly


def test_layers_may_be_left_out(runs_dir) -> None:
    for _ in range(2):
        tables = read(runs_dir, layers=False)
        pd.testing.assert_frame_equal(tables.metrics, plainly(list(runs_in(runs_dir))).metrics)
        assert tables.layers.empty


def test_no_replica_counts_twice(tiny_settings, singly) -> None:
    settings = tiny_settings()
    for seeds in ((0, 1), (1, 2), (2,)):
        executing.train(settings, [Replica(seed, 0.01) for seed in seeds])
    first = read(settings["runs_dir"])
    singly.clear()
    again = read(settings["runs_dir"])
    assert not singly
    assert len(again.runs) == 3
    for ours, theirs, key in zip(again, first, (["epoch", "split"], ["step", "layer"]), strict=False):
        pd.testing.assert_frame_equal(ours, theirs)
        assert not ours.duplicated(["seed", *key]).any()
        assert set(ours["seed"]) == {0, 1, 2}


def test_runs_without_probes_have_no_say_in_the_columns_of_the_others(runs_dir, tiny_settings) -> None:
    execute(tiny_settings("probes.every=0"))
    runs = list(runs_in(runs_dir))
    for _ in range(2):
        assert_same(read(runs_dir), plainly(runs))
    (bare,) = (run for run in runs if not run.config["config"]["probes"]["every"])
    for _ in range(2):
        assert read_runs([bare]).layers.empty


def test_runs_with_further_tables_are_read_from_their_folders(runs_dir, tiny_settings, singly) -> None:
    (further,) = execute(tiny_settings("activation=tanh", "probes.also=[units]"))
    for _ in range(2):
        singly.clear()
        assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))
        assert further.folder.name in singly
    assert further.folder.name not in index.indexed(runs_dir)
    assert len(index.indexed(runs_dir)) == 3


def test_what_json_cannot_hold_is_left_to_the_run_itself(runs_dir, singly) -> None:
    run = next(runs_in(runs_dir))
    (run.folder / "config.yaml").write_text((run.folder / "config.yaml").read_text() + "note: 2026-01-01\n")
    status = run.status
    run.finish(**{key: status[key] for key in ("epoch", "step", "steps", "seconds", "diverged")})
    for _ in range(2):
        singly.clear()
        assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))
        assert run.folder.name in singly


def test_many_may_read_while_runs_are_added(runs_dir, tiny_settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        during = [pool.submit(read, runs_dir) for _ in range(12)]
        execute(tiny_settings("activation=tanh"))
        after = [pool.submit(read, runs_dir) for _ in range(8)]
    expected = plainly(list(runs_in(runs_dir)))
    assert all(len(reading.result().runs) in (3, 4) for reading in during)
    for reading in after:
        assert_same(reading.result(), expected)


def test_the_overview_tells_the_same_through_the_index(runs_dir, tiny_settings) -> None:
    waiting = tiny_settings("activation=tanh")
    executing.register(waiting, executing.asked_for(waiting))
    before = overview(runs_dir)
    read(runs_dir)
    assert overview(runs_dir) == before


def test_hidden_folders_hold_no_runs(runs_dir) -> None:
    before = list(runs_in(runs_dir))
    shutil.copytree(before[0].folder, runs_dir / ".copy")
    assert list(runs_in(runs_dir)) == before
    assert list(runs_in(runs_dir / "none")) == []
