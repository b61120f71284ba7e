"""The benchmarks run through and write what they should; how fast anything is, no test says."""

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ["throughput", "watching", "convolutions", "growth"]
TIMES = ["median_ms", "min_ms", "max_ms"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Path:
    """The folder that a quick run of the parts has written, with a little of what could be MNIST."""
    folder = tmp_path_factory.mktemp("benchmarks")
    raw = folder / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, shape in (("images-idx3-ubyte", (256, 28, 28)), ("labels-idx1-ubyte", (256,))):
        values = np.random.default_rng(0).integers(0, 10, shape, dtype=np.uint8)
        content = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + values.tobytes()
        for part in ("train", "t10k"):
            (raw / f"{part}-{name}").write_bytes(content)
    command = [sys.executable, "benchmarks/run.py", *PARTS, "company", "precision", "explorer", "--quick"]
    where = ["--device=cpu", "--threads=1", f"--out={folder / 'out'}", f"--data-dir={folder / 'data'}"]
    ended = subprocess.run([*command, *where], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 0, ended.stderr
    return folder / "out"


@pytest.mark.parametrize("part", PARTS)
def test_a_table_holds_times_or_says_why_not(measured, part) -> None:
    table = pd.read_csv(measured / f"{part}.csv", dtype={"note": str})
    notes = table["note"].fillna("") if "note" in table else pd.Series("", table.index)
    is_measured = ~notes.str.startswith("not measured: ")
    times = table.loc[is_measured, TIMES]
    assert (times > 0).all(axis=None)
    assert (times["min_ms"] <= times["median_ms"]).all()
    assert (times["median_ms"] <= times["max_ms"]).all()
    assert table.loc[~is_measured, TIMES].isna().all(axis=None)
    for ratio in set(table) & {"ratio", "times_study", "times_limit"}:
        assert (table.loc[is_measured, ratio] > 0).all()
    figure = (measured / f"{part}.png").read_bytes()
    assert figure.startswith(b"\x89PNG")
    assert len(figure) < 300_000


def test_the_tables_hold_every_contender(measured) -> None:
    throughput, watching, convolutions = (pd.read_csv(measured / f"{part}.csv") for part in PARTS[:3])
    assert {"usual script, 0 workers", "usual script, 2 workers", "the study", "limit"} <= set(throughput["contender"])
    compiled = throughput["contender"] == "the study, compiled"
    assert (throughput.loc[compiled, "note"] == "not measured: a quick run compiles nothing").all()
    assert throughput.loc[~compiled, "median_ms"].notna().all()
    assert set(watching["watched"]) == {"off", "every 100 steps", "every step"}
    assert (watching.loc[watching["watched"] == "off", "ratio"] == 1).all()
    needs_gpu = convolutions[convolutions["contender"] == "CUDA graph"]
    assert (needs_gpu["note"] == "not measured: CUDA graphs need a GPU").all()
    limits = convolutions[convolutions["contender"].str.startswith("limit")]
    assert limits.groupby("network")["ratio"].min().to_dict() == {"convnet": 1, "NIN": 1}


def test_a_training_in_company_is_held_against_one_thread_and_what_was_before(measured) -> None:
    table = pd.read_csv(measured / "company.csv")
    situations = ["alone", "beside one busy process", "two trainings at once"]
    assert table["situation"].unique().tolist() == situations
    assert table["contender"].tolist() == 3 * ["before", "one thread", "the study"]
    assert (table[TIMES] > 0).all(axis=None)
    assert (table.loc[table["contender"] == "one thread", "times_one_thread"] == 1).all()
    assert (table.loc[table["contender"] == "before", "times_before"] == 1).all()
    threads = table.set_index(["situation", "contender"])["threads"]
    for situation, trainings in zip(situations, (2, 2, 4), strict=True):  # a round, and one that is not counted
        assert threads[situation, "one thread"] == f"1 ({trainings} times)"
        assert threads[situation, "before"] == f"{os.cpu_count()} ({trainings} times)"


def test_the_page_shows_every_table_beside_the_targets_and_says_that_it_was_quick(measured) -> None:
    page = (measured / "README.md").read_text()
    assert "no results" in page
    assert "not measured: there was no GPU" in page
    assert json.loads((measured / "environment.json").read_text())["watching"]["torch"] in page
    for part in PARTS:
        assert f"## {part.capitalize()}" in page
        assert f"![{part}]({part}.png)" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert len(tables) > sum(len(pd.read_csv(measured / f"{part}.csv")) for part in PARTS)
    assert "nan" not in page.lower().split()


def test_contenders_take_turns(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from timing import Contender, NotMeasured, compare, ratios

    def impossible() -> Contender:
        raise NotMeasured("it is a test")

    calls: list[str] = []
    builders = {name: lambda name=name: Contender(lambda: calls.append(name), steps=10) for name in "abc"}
    times, table = compare({**builders, "d": impossible}, rounds=3)
    assert calls == list("abccbaabccba")  # the first round is not counted
    assert times.shape == (3, 4)
    assert table["contender"].tolist() == list("abcd")
    assert table["note"].tolist() == ["", "", "", "not measured: it is a test"]
    assert ratios(times, "b")[1] == 1
    assert np.isnan(ratios(times, dict.fromkeys("abcd", "a"))[3])


def test_how_far_bfloat16_moves_is_paired_by_seed(measured) -> None:
    row = pd.read_csv(measured / "precision.csv").iloc[0]
    assert row["activation"] == "relu"
    assert row["low"] <= row["moved_points"] <= row["high"]
    assert 0.8 < row["gradient_ratio"] < 1.25
    assert row["gradient_ratio"] != 1


def test_the_explorer_is_opened_and_every_choice_made_once(measured) -> None:
    table = pd.read_csv(measured / "explorer.csv")
    if shutil.which("chromium") is None:
        assert table["note"].tolist() == ["not measured: chromium is not installed"]
        return
    assert table["processor"].unique().tolist() == ["as it is", "4 times slower"]
    assert table["what"].tolist()[0] == "opened"
    assert len(table) == 2 * 7
    assert (table[[*TIMES, "computed_ms"]] > 0).all(axis=None)
    assert table["page_kb"].nunique() == 1
