"""Any number of runs as two tidy tables."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from activation_study.activations import label
from activation_study.runs.folder import Run, runs_in


class Tables(NamedTuple):
    """Runs as tables; both begin with run, activation, dataset, model, depth, scale, seed, learning_rate.

    Attributes:
        metrics: loss and accuracy by epoch and split.
        layers: the probes' quantities by step and layer.
        runs: the runs that they come from.
    """

    metrics: pd.DataFrame
    layers: pd.DataFrame
    runs: list[Run]


def read(
    runs_dir: Path | str, where: Callable[[dict[str, Any]], bool] = lambda config: True, layers: bool = True
) -> Tables:
    """Reads the finished runs in a folder; a replica that several runs hold counts once.

    Args:
        runs_dir: the folder of run folders.
        where: takes a run's `config.yaml` and says whether it is wanted.
        layers: whether to read the measurements by layer, which are most of the bytes.
    """
    return read_runs((run for run in runs_in(Path(runs_dir)) if where(run.config)), layers)


def read_runs(runs: Iterable[Run], layers: bool = True) -> Tables:
    """Reads the finished ones of the runs given, in their order; a replica that several hold counts once.

    A run with a damaged file is named on stderr and left out.
    """
    metrics: list[pd.DataFrame] = []
    inside: list[pd.DataFrame] = []
    kept: list[Run] = []
    seen: set[tuple[str, int, float]] = set()
    for run in runs:
        if not run.is_finished:
            continue
        try:
            tables = [run.table("metrics"), run.table("layers")] if layers else [run.table("metrics")]
        except (OSError, ValueError) as error:
            print(f"warning: {error}; the run is left out.", file=sys.stderr)
            continue
        replicas = {(run.config["hash"], seed, rate) for seed, rate in run.config["replicas"]}
        if twice := {(seed, rate) for _, seed, rate in replicas & seen}:
            tables = [_without(table, twice) for table in tables]
        seen |= replicas
        kept.append(run)
        metrics.append(_with_identity(tables[0], run))
        inside.extend(_with_identity(table, run) for table in tables[1:])
    return Tables(_joined(metrics), _joined(inside), kept)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _without(table: pd.DataFrame, replicas: set[tuple[int, float]]) -> pd.DataFrame:
    if table.empty:
        return table
    index = pd.MultiIndex.from_frame(table[["seed", "learning_rate"]])
    return table[~index.isin(pd.MultiIndex.from_tuples(replicas))]


def _with_identity(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    config = run.config["config"]
    identity = {
        "run": run.folder.name,
        "activation": label(config["activation"]),
        "dataset": config["dataset"]["name"],
        "model": config["model"]["name"],
        "depth": config["model"].get("depth"),
        "scale": run.config["scale"],
    }
    return pd.concat([pd.DataFrame(identity, index=table.index), table], axis=1)
