"""The index of a folder of runs: whatever happens to the folder, tables are those of the runs themselves."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from activation_study.runs import Run, Tables, index, read, read_runs, runs_in
from activation_study.runs.index import Index
from activation_study.runs.overview import overview
from activation_study.training import execute as executing
from activation_study.training.execute import execute
from activation_study.training.trainer import Replica


@pytest.fixture(autouse=True)
def contents(monkeypatch) -> list[str]:
    """The names of the runs whose tables have been read from their folders; segments hold one run or two."""
    monkeypatch.setattr(index, "FEWEST", 1)
    monkeypatch.setattr(index, "MOST", 2)
    names: list[str] = []
    original = Run.content

    def noting(run: Run, name: str) -> bytes:
        names.append(run.folder.name)
        return original(run, name)

    monkeypatch.setattr(Run, "content", noting)
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
    assert ours.runs == theirs.runs
    pd.testing.assert_frame_equal(ours.metrics, theirs.metrics)
    pd.testing.assert_frame_equal(ours.layers, theirs.layers)
    assert [run.config for run in ours.runs] == [Run(run.folder).config for run in ours.runs]
    assert [run.environment for run in ours.runs] == [Run(run.folder).environment for run in ours.runs]


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


def segments(runs_dir: Path) -> list[Path]:
    return sorted((runs_dir / index.FOLDER).iterdir())


def test_tables_stay_those_of_the_runs_whatever_happens_to_them(runs_dir, tiny_settings, contents, capsys) -> None:
    def read_again(*changed: str) -> Tables:
        """Reads what has changed from its folder, all else from the index; says so of a damaged one again and again."""
        contents.clear()
        tables = read(runs_dir)
        assert set(contents) == set(changed)
        sound = [run for run in runs_in(runs_dir) if run.damaged_file() is None]
        assert_same(tables, plainly(sound))
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

    shutil.rmtree(runs_dir / index.FOLDER)
    read_again(elu, relu, added.folder.name)


def test_a_damaged_index_is_made_again(runs_dir, contents) -> None:
    expected = plainly(list(runs_in(runs_dir)))
    read(runs_dir)
    originals = {path: path.read_bytes() for path in segments(runs_dir)}
    assert len(originals) == 2
    damages = [lambda content: b"", lambda content: content[:-30], lambda content: b"something else"]
    for share in (0, 0.001, 0.1, 0.3, 0.5, 0.8, 0.99, 0.999):
        damages.append(lambda content, share=share: flipped(content, int(share * len(content))))
    for damage in damages:
        for path, content in originals.items():
            path.write_bytes(damage(content))
        assert_same(read(runs_dir), expected)
    contents.clear()
    assert_same(read(runs_dir), expected)
    assert contents == []
    assert segments(runs_dir) == sorted(originals)


def test_an_index_of_another_version_is_not_read(runs_dir, contents, monkeypatch) -> None:
    read(runs_dir)
    monkeypatch.setattr(index, "VERSION", index.VERSION + 1)
    old = segments(runs_dir)
    contents.clear()
    assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))
    assert len(set(contents)) == 3
    assert len(segments(runs_dir)) == 2
    assert not set(segments(runs_dir)) & set(old)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(runs_dir) -> None:
    (runs_dir / index.FOLDER).write_text("no folder can be made here")
    for _ in range(2):
        assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))


def test_runs_keep_the_order_in_which_they_are_given(runs_dir, contents) -> None:
    read(runs_dir)
    contents.clear()
    elu, prelu, relu = runs_in(runs_dir)
    for runs in ([relu, elu, prelu], [prelu], [relu, prelu]):
        assert_same(read_runs(iter(runs)), plainly(runs))
    wanted = read(runs_dir, where=lambda run: run["config"]["activation"]["name"] == "relu")
    assert_same(wanted, plainly([relu]))
    assert contents == [run.folder.name for run in (relu, elu, prelu, prelu, relu, prelu, relu) for _ in range(2)]


def test_a_read_without_layers_is_indexed_too_and_gives_way_to_one_with_them(runs_dir, contents) -> None:
    runs = list(runs_in(runs_dir))
    for _ in range(2):
        tables = read(runs_dir, layers=False)
        pd.testing.assert_frame_equal(tables.metrics, plainly(runs).metrics)
        assert tables.layers.empty
    read(runs_dir)
    assert [path.name[0] for path in segments(runs_dir)] == ["2", "2"]
    contents.clear()
    assert_same(read(runs_dir), plainly(runs))
    pd.testing.assert_frame_equal(read(runs_dir, layers=False).metrics, plainly(runs).metrics)


def test_no_replica_counts_twice(tiny_settings, contents) -> None:
    settings = tiny_settings()
    for seeds in ((0, 1), (1, 2), (2,)):
        executing.train(settings, [Replica(seed, 0.01) for seed in seeds])
    first = read(settings["runs_dir"])
    contents.clear()
    again = read(settings["runs_dir"])
    assert contents == []
    assert len(again.runs) == 3
    for ours, theirs, key in zip(again, first, (["epoch", "split"], ["step", "layer"]), strict=False):
        pd.testing.assert_frame_equal(ours, theirs)
        assert not ours.duplicated(["seed", *key]).any()
        assert set(ours["seed"]) == {0, 1, 2}


def test_runs_without_probes_have_no_say_in_the_columns_of_the_others(runs_dir, tiny_settings, contents) -> None:
    execute(tiny_settings("probes.every=0"))
    runs = list(runs_in(runs_dir))
    for _ in range(2):
        assert_same(read(runs_dir), plainly(runs))
    (bare,) = (run for run in runs if not run.config["config"]["probes"]["every"])
    for _ in range(2):
        assert read_runs([bare]).layers.empty


def test_what_json_cannot_hold_is_left_to_the_run_itself(runs_dir, contents) -> None:
    run = next(runs_in(runs_dir))
    (run.folder / "config.yaml").write_text((run.folder / "config.yaml").read_text() + "note: 2026-01-01\n")
    status = run.status
    run.finish(**{key: status[key] for key in ("epoch", "step", "steps", "seconds", "diverged")})
    for _ in range(2):
        contents.clear()
        assert_same(read(runs_dir), plainly(list(runs_in(runs_dir))))
    assert run.folder.name in contents


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
    assert [run.folder.name for run in Index(runs_dir).finished()] == [run.folder.name for run in read(runs_dir).runs]


def test_hidden_folders_hold_no_runs(runs_dir) -> None:
    before = list(runs_in(runs_dir))
    shutil.copytree(before[0].folder, runs_dir / ".copy")
    assert list(runs_in(runs_dir)) == before
    assert list(runs_in(runs_dir / "none")) == []
    assert json.loads((before[0].folder / "status.json").read_text())["state"] == "done"
