"""Any number of runs as two tidy tables."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from activation_study.runs import identity
from activation_study.runs.folder import Run
from activation_study.runs.index import Index, Segment

TABLES = ("metrics", "layers")
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


@without_collection()
def read(
    runs_dir: Path | str, where: Callable[[dict[str, Any]], bool] = lambda config: True, layers: bool = True
) -> Tables:
    """Reads the finished runs in a folder; a replica that several runs hold counts once.

    Args:
        runs_dir: the folder of run folders.
        where: takes a run's `config.yaml` and says whether it is wanted.
        layers: whether to read the measurements by layer, which are most of the bytes.
    """
    index, names = Index(Path(runs_dir)), TABLES if layers else TABLES[:1]
    runs = [run for run in index.runs() if where(run.config)]
    return _tables(runs, index.holders(runs, names), names)


@without_collection()
def read_runs(runs: Iterable[Run], layers: bool = True) -> Tables:
    """Reads the finished ones of the runs given, in their order; a replica that several hold counts once.

    A run with a damaged file is named on stderr and left out.
    """
    runs, names = list(runs), TABLES if layers else TABLES[:1]
    by_folder: dict[Path, list[Run]] = defaultdict(list)
    for run in runs:
        by_folder[run.folder.parent].append(run)
    held: dict[Run, Segment] = {}
    for folder, group in by_folder.items():
        held |= Index(folder).holders(group, names)
    return _tables(runs, held, names)


def _tables(runs: list[Run], held: dict[Run, Segment], names: tuple[str, ...]) -> Tables:
    """The tables of those runs that a segment holds."""
    kept = [run for run in runs if run in held]
    if not kept:
        return Tables(pd.DataFrame(), pd.DataFrame(), [])
    seen: set[tuple[str, int, float]] = set()
    repeated: list[set[tuple[int, float]]] = []  # of each run, the replicas that one before it holds too
    for run in kept:
        replicas = {(run.config["hash"], seed, rate) for seed, rate in run.config["replicas"]}
        repeated.append({(seed, rate) for _, seed, rate in replicas & seen})
        seen |= replicas
    columns = _identity(kept)
    tables = {}
    for name in names:
        table, owners = _rows(name, [held[run] for run in kept], kept, repeated)
        tables[name] = pd.concat([columns.take(owners).reset_index(drop=True), table], axis=1)
    return Tables(tables["metrics"], tables.get("layers", pd.DataFrame()), kept)


def _rows(
    name: str, segments: list[Segment], runs: list[Run], repeated: list[set[tuple[int, float]]]
) -> tuple[pd.DataFrame, np.ndarray]:
    """One table of the runs in their order, each replica once, and of each row the position of its run."""
    parts = {segment: segment.table(name) for segment in dict.fromkeys(segments)}
    begins = dict(zip(parts, accumulate(map(len, parts.values()), initial=0), strict=False))
    within = {segment: segment.rows(name) for segment in parts}
    table = pd.concat([part for part in parts.values() if len(part)] or list(parts.values()), ignore_index=True)
    parts.clear()  # they are as large as the table
    rows = []
    for run, segment, twice in zip(runs, segments, repeated, strict=True):
        own = begins[segment] + np.arange(*within[segment][run.folder.name])
        rows.append(_without(table, own, twice) if twice and len(own) else own)
    order = np.concatenate(rows)
    if not np.array_equal(order, table.index):
        table = table.take(order).reset_index(drop=True)
    return table, np.repeat(np.arange(len(runs)), list(map(len, rows)))


def _without(table: pd.DataFrame, rows: np.ndarray, replicas: set[tuple[int, float]]) -> np.ndarray:
    found = pd.MultiIndex.from_frame(table.iloc[rows][["seed", "learning_rate"]])
    return rows[~found.isin(pd.MultiIndex.from_tuples(replicas))]


def _identity(runs: list[Run]) -> pd.DataFrame:
    """What the tables say of each run, one row per run; a variant is first of all an activation."""
    configs = [run.config["config"] for run in runs]
    told = {  # many runs share theirs
        id(config): (*2 * [identity.label(config["activation"])], *identity.names(config), config["model"].get("depth"))
        for config in {id(config): config for config in configs}.values()
    }
    rows = [(run.name, *told[id(run.config["config"])], run.config["scale"]) for run in runs]
    return pd.DataFrame(
        rows, columns=["run", "activation", "variant", "dataset", "model", "depth", "scale"], dtype=object
    ).infer_objects()
