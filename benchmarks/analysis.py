"""Seconds and memory that the analysis of many finished runs takes."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pandas as pd

from activation_study import CONF
from activation_study.comparison.summary import summary
from activation_study.figures import FIGURES, draw
from activation_study.runs import Tables, files, read
from activation_study.runs.overview import overview

if TYPE_CHECKING:
    from setting import Setting  # it brings torch, which would count as memory of the analysis

ABOUT = """
What is done with many finished runs on disk: 8 activations at 3 depths, each again and again with 2 other seeds, so
that of 10,000 runs every mean is one of 833 networks. Every step is a process of its own; seconds without the imports,
memory the largest of the whole process.

- **reading, no index yet**: the first time, run by run; it leaves the index that all others use.
- **reading**: all metrics and layers as two tables. **status**: what `status.py` prints.
- **comparison**: reading, the summary with its bootstrap intervals, and the figure of accuracy against depth drawn.
- **summary**, **all figures, drawn**, **all figures, written**: without the reading; written as PNG and PDF.

In the figure the straight lines have slope 1: cost proportional to the runs.
"""
RUNS = (100, 1000, 10_000)
DEPTHS = (2, 4, 8)
TINY = ("dataset=digits", "model.width=16", "train.epochs=2", "seeds=2", "device=cpu", "threads=1")


def measure(setting: "Setting") -> pd.DataFrame:
    """Times what is done with more and more runs.

    Returns:
        Columns: runs, what, median_s, min_s, max_s, rounds, peak_mb (the largest of the rounds).
    """
    counts, rounds = setting.choose(RUNS, (24,)), setting.choose(3, 1)
    return pd.concat([_measured(runs, rounds) for runs in counts], ignore_index=True)


def _measured(runs: int, rounds: int) -> pd.DataFrame:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder) / "runs", runs)
        for what in [WITHOUT_INDEX, *[what for what in STEPS if what != WITHOUT_INDEX] * rounds]:
            command = [sys.executable, __file__, "--step", what, "--folder", folder]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rows.append({"runs": runs, "what": what, **json.loads(told.splitlines()[-1])})
    grouped = pd.DataFrame(rows).groupby(["runs", "what"], sort=False)
    times = grouped["seconds"].agg(median_s="median", min_s="min", max_s="max", rounds="count")
    return times.assign(peak_mb=grouped["peak_mb"].max()).reset_index()


def write_runs(runs_dir: Path, count: int, *overrides: str) -> None:
    """Trains one run of each activation and depth; the others are copies with other seeds and a little noise."""
    # Only the parent trains: the steps are not to be charged for it.
    from hydra import compose, initialize_config_dir

    from activation_study.config import settings
    from activation_study.training.execute import execute
    from activation_study.training.planning import register
    from activation_study.training.trainer import Replica

    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = [
            settings(compose("train", [*TINY, f"runs_dir={runs_dir}", f"activation={name}", f"model.depth={depth}",
                                       *overrides]))
            for depth in DEPTHS
            for name in compose("compare").activations
        ][:count]  # fmt: skip
    trained = [execute(one)[0] for one in chosen]
    tables = [{"metrics": run.table("metrics"), "layers": run.table("layers")} for run in trained]
    stream = np.random.default_rng(0)
    with mock.patch("os.fsync"):  # nothing here has to survive a power cut
        for number in range(len(trained), count):
            kind, first = number % len(trained), 2 * (number // len(trained))
            run = register(chosen[kind], [Replica(first + seed, chosen[kind]["learning_rate"][0]) for seed in (0, 1)])
            files.write_json(run.folder / "environment.json", trained[kind].environment)
            for (name, table), value in zip(tables[kind].items(), ("accuracy", "grad_norm"), strict=True):
                noise = stream.uniform(0.9, 1, len(table)).astype(table[value].dtype)
                copy = table.assign(**{"seed": table["seed"] + first, value: table[value] * noise})
                files.write_parquet(run.folder / f"{name}.parquet", copy)
            status = trained[kind].status
            run.finish(**{key: status[key] for key in ("epoch", "step", "steps", "seconds", "diverged")})


def _timed(task: Callable[[], object]) -> dict[str, float]:
    began = time.perf_counter()
    task()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "peak_mb": _peak_mb()}


def _peak_mb() -> int:
    """The largest memory of this process so far, which `resource.getrusage` mixes with that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _read_first(task: Callable[[Tables, Path], object]) -> Callable[[Path], dict[str, float]]:
    """A step whose time begins when the tables are read."""

    def step(folder: Path) -> dict[str, float]:
        tables = read(folder / "runs")
        return _timed(lambda: task(tables, folder / "figures"))

    return step


def _compared(folder: Path) -> dict[str, float]:
    """From the runs on disk to what a comparison shows first."""

    def task() -> None:
        tables = read(folder / "runs")
        summary(tables)
        FIGURES["accuracy_by_depth"](tables.metrics, tables.layers)

    return _timed(task)


WITHOUT_INDEX = "reading, no index yet"
STEPS: dict[str, Callable[[Path], dict[str, float]]] = {
    WITHOUT_INDEX: lambda folder: _timed(lambda: read(folder / "runs")),
    "reading": lambda folder: _timed(lambda: read(folder / "runs")),
    "status": lambda folder: _timed(lambda: overview(folder / "runs")),
    "comparison": _compared,
    "summary": _read_first(lambda tables, out: summary(tables)),
    "all figures, drawn": _read_first(
        lambda tables, out: [entry(*tables[:2]) for entry in FIGURES.values() if entry.tables]
    ),
    "all figures, written": _read_first(draw),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", choices=STEPS, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    print(json.dumps(STEPS[given.step](given.folder)))
