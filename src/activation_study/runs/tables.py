"""Any number of runs as two tidy tables."""

from collections.abc import Callable, Iterable, Sequence
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
    return read_runs([run for run in runs_in(Path(runs_dir)) if where(run.config)], layers)


def read_runs(runs: Iterable[Run], layers: bool = True) -> Tables:
    """Reads the finished ones of the runs given, in their order; a replica that several hold counts once."""
    runs = [run for run in runs if run.is_finished]
    metrics = _joined(runs, lambda run: run.metrics)
    return Tables(metrics, _joined(runs, lambda run: run.layers) if layers else pd.DataFrame(), runs)


def _joined(runs: Sequence[Run], table_of: Callable[[Run], pd.DataFrame]) -> pd.DataFrame:
    tables, seen = [], set()
    for run in runs:
        replicas = {(run.config["hash"], seed, rate) for seed, rate in run.config["replicas"]}
        table = table_of(run)
        if twice := replicas & seen:
            known = pd.MultiIndex.from_tuples([(seed, rate) for _, seed, rate in twice])
            table = table[~pd.MultiIndex.from_frame(table[["seed", "learning_rate"]]).isin(known)]
        seen |= replicas
        tables.append(table.assign(**_identity(run)))
    if not tables:
        return pd.DataFrame()
    joined = pd.concat(tables, ignore_index=True)
    first = list(_identity(runs[0]))
    return joined[[*first, *joined.columns.drop(first)]]


def _identity(run: Run) -> dict[str, Any]:
    config = run.config["config"]
    return {
        "run": run.folder.name,
        "activation": label(config["activation"]),
        "dataset": config["dataset"]["name"],
        "model": config["model"]["name"],
        "depth": config["model"].get("depth"),
        "scale": run.config["scale"],
    }
