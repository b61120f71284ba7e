"""Seconds and memory that the analysis of many finished runs takes: `python benchmarks/analysis.py --runs 10000`."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd

from activation_study import comparison
from activation_study.figures import FIGURES
from activation_study.report import draw
from activation_study.runs import Tables, files, read
from activation_study.runs.overview import overview

DEPTHS = (2, 4, 8)
TINY = ("dataset=digits", "model.width=16", "train.epochs=2", "seeds=2", "device=cpu", "threads=1")


def measure(runs: int = 10_000) -> pd.DataFrame:
    """Makes a folder of finished runs and times what is done with them, each in a process of its own.

    Args:
        runs: how many: 8 activations at 3 depths, again and again with 2 other seeds.

    Returns:
        Columns: what, runs, seconds (without the imports), peak_mb (of the whole process, with the imports).
    """
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder) / "runs", runs)
        rows = []
        for what in STEPS:
            command = [sys.executable, __file__, "--step", what, "--folder", folder]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rows.append({"what": what, "runs": runs, **json.loads(told.splitlines()[-1])})
    return pd.DataFrame(rows)


def write_runs(runs_dir: Path, count: int) -> None:
    """Trains one run of each activation and depth; the others are copies with other seeds and a little noise."""
    # Only the parent trains: the steps are not to be charged for it.
    from hydra import compose, initialize_config_dir

    from activation_study.cli import CONF
    from activation_study.config import settings
    from activation_study.runs.execute import execute, register
    from activation_study.training import Replica

    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = [
            settings(compose("train", [*TINY, f"runs_dir={runs_dir}", f"activation={name}", f"model.depth={depth}"]))
            for depth in DEPTHS
            for name in compose("compare").activations
        ][:count]
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
    return {"seconds": round(seconds, 2), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def _read_first(task: Callable[[Tables, Path], object]) -> Callable[[Path], dict[str, float]]:
    """A step whose time begins when the tables are read."""

    def step(folder: Path) -> dict[str, float]:
        tables = read(folder / "runs")
        return _timed(lambda: task(tables, folder / "figures"))

    return step


STEPS: dict[str, Callable[[Path], dict[str, float]]] = {
    "imports": lambda folder: _timed(lambda: None),
    "reading, no index yet": lambda folder: _timed(lambda: read(folder / "runs")),
    "reading": lambda folder: _timed(lambda: read(folder / "runs")),
    "status": lambda folder: _timed(lambda: overview(folder / "runs")),
    "summary": _read_first(lambda tables, out: comparison.summary(tables)),
    "figures, drawn": _read_first(lambda tables, out: [draw(*tables[:2]) for draw in FIGURES.values()]),
    "figures, drawn and written": _read_first(draw),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="how many runs; 10000 take minutes to be written")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(STEPS[given.step](given.folder)))
    else:
        print(measure(given.runs).to_string(index=False))
