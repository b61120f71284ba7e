"""Any number of runs as two tidy tables."""

import gc
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from activation_study.runs import identity
from activation_study.runs.archive import TABLES
from activation_study.runs.available import found
from activation_study.runs.folder import Run
from activation_study.runs.index import renewed

SCORES = ("accuracy", "explained")  # by which networks are judged, each objective by one; columns of metrics


def score_of(metrics: pd.DataFrame) -> str:
    """The column of the score by which the networks of some runs are judged; all are of one objective."""
    return next(score for score in SCORES if score in metrics)


@contextmanager
def without_collection() -> Iterator[None]:
    """Pauses the garbage collector, which otherwise goes through all that was read again and again while more comes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Tables(NamedTuple):
    """Runs as tables; both begin with run, activation, variant, dataset, model, depth, scale, seed, learning_rate.

    `variant` is what comparisons compare; as it is read it is the activation.

    Attributes:
        metrics: loss and accuracy by epoch and split.
        layers: the probes' quantities by step and layer.
        runs: the runs that they come from.
    """

    metrics: pd.DataFrame
    layers: pd.DataFrame
    runs: list[Run]

    def seconds_per_seed(self) -> float:
        """What one more seed of every variant and depth takes on the machine of the runs; NaN where none is known."""
        if not self.runs:
            return math.nan
        pace = {run.folder.name: run.status["seconds"] / len(run.config["replicas"]) for run in self.runs}
        one_of_each = self.metrics.drop_duplicates(["variant", "depth"])["run"]
        return float(one_of_each.map(pace).sum(min_count=1))


@without_collection()
def read(
    runs_dir: Path | str, where: Callable[[dict[str, Any]], bool] = lambda config: True, layers: bool = True
) -> Tables:
    """Reads the finished runs in a folder; a replica that several runs hold counts once.

    Where results/runs holds no runs, those that come with the repository are read.

    Args:
        runs_dir: the folder of run folders.
        where: takes a run's `config.yaml` and says whether it is wanted.
        layers: whether to read the measurements by layer, which are most of the bytes.
    """
    return read_runs([run for run in found(runs_dir) if where(run.config)], layers)


@without_collection()
def read_runs(runs: Iterable[Run], layers: bool = True) -> Tables:
    """Reads the finished ones of the runs given, in their order; a replica that several hold counts once.

    A run with a damaged file is named on stderr and left out.
    """
    names = TABLES if layers else TABLES[:1]
    read = [(run, tables) for run in renewed(list(runs)) if run.is_finished and (tables := _tables_of(run, names))]
    if not read:
        return Tables(pd.DataFrame(), pd.DataFrame(), [])
    kept = [run for run, _ in read]
    columns, repeated = _identity(kept), _repeated(kept)
    joined = [_joined(parts, columns, repeated) for parts in zip(*(tables for _, tables in read), strict=True)]
    return Tables(joined[0], joined[1] if layers else pd.DataFrame(), kept)


def _tables_of(run: Run, names: Sequence[str]) -> list[pa.Table]:
    try:
        return run.tables(names)
    except (OSError, ValueError) as error:
        print(f"warning: {error}; the run is left out.", file=sys.stderr)
        return []


def _repeated(runs: list[Run]) -> set[tuple[int, int, float]]:
    """Position of the run, seed and learning rate of each replica that a run before holds too."""
    seen: set[tuple[str, int, float]] = set()
    repeated = set()
    for position, run in enumerate(runs):
        replicas = {(run.config["hash"], seed, rate) for seed, rate in run.config["replicas"]}
        repeated |= {(position, seed, rate) for _, seed, rate in replicas & seen}
        seen |= replicas
    return repeated


def _joined(parts: Sequence[pa.Table], columns: pd.DataFrame, repeated: set[tuple[int, int, float]]) -> pd.DataFrame:
    """One table of all runs, each replica once, and before its columns those that say which run it is."""
    table = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    owners = np.repeat(np.arange(len(parts)), list(map(len, parts)))
    if repeated and len(table):
        replicas = pd.MultiIndex.from_arrays([owners, table["seed"], table["learning_rate"]])
        once = ~replicas.isin(pd.MultiIndex.from_tuples(repeated))
        table, owners = table[once].reset_index(drop=True), owners[once]
    return pd.concat([columns.take(owners).reset_index(drop=True), table], axis=1)


def _identity(runs: list[Run]) -> pd.DataFrame:
    """What the tables say of each run, one row per run; a variant is first of all an activation."""
    told: dict[str, tuple[Any, ...]] = {}  # by the hash of the configuration, which many share
    for run in runs:
        if (key := run.config["hash"]) not in told:
            config = run.config["config"]
            called = identity.label(config["activation"])
            told[key] = called, called, *identity.names(config), config["model"].get("depth")
    rows = [(run.name, *told[run.config["hash"]], run.config["scale"]) for run in runs]
    return pd.DataFrame(
        rows, columns=["run", "activation", "variant", "dataset", "model", "depth", "scale"], dtype=object
    ).infer_objects()
