"""What claims are tested on, as named sets: how each set of runs is found on disk, and what makes it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra import compose
from numpy.typing import NDArray

from activation_study import config
from activation_study.claims import small_networks
from activation_study.comparison import selection
from activation_study.comparison.quantities import REPLICA, Quantity, diverged
from activation_study.runs import Tables, comparable_hash, read
from activation_study.runs.identity import scientific

SMALL_SEEDS = {"paper": 40, "desk": 40, "smoke": 2}  # of the small networks that are trained on the spot
NOTHING = Tables(pd.DataFrame(), pd.DataFrame(), [])


@dataclass(frozen=True)
class Evidence:
    """A named set of runs, or of numbers that are computed when the page is made.

    Attributes:
        name: the one word by which a claim names it.
        preset: the experiment that makes the runs; None where there are none.
        about: what it is, where there is no preset.
        measure: computes them, for a tuple of seeds, where there is no preset and they have replicas.
        depths: of those.
        margin: a difference in accuracy, in percentage points, that is too small to matter on these data.
    """

    name: str
    preset: str | None = None
    about: str = ""
    measure: Callable[[tuple[int, ...]], Tables] | None = None
    depths: tuple[int, ...] = ()
    margin: float = 0.0


EVIDENCE = {
    evidence.name: evidence
    for evidence in (
        Evidence("functions", about="the functions themselves, in double precision"),
        Evidence("digits", about=small_networks.ABOUT, measure=small_networks.measured, depths=(small_networks.DEPTH,)),
        Evidence("vanishing", preset="vanishing"),
        Evidence("mnist", preset="mnist_tuned", margin=0.3),
        Evidence("causes", preset="causes", margin=0.3),
        Evidence("cifar10", preset="cifar10_tuned", margin=1.0),
    )
}


@dataclass
class Found:
    """Evidence as far as it is there; nothing is read or computed before it is asked for.

    Attributes:
        evidence: the set.
        scale: how much of it was asked for.
        command: makes what is missing.
        about: what it is, in words.
        seeds: those of its replicas.
        depths: those of its networks; empty where there are none.
        load: gives its replicas, at the learning rate that is best for accuracy, or for speed, for each activation and
            depth.
    """

    evidence: Evidence
    scale: str
    command: str
    about: str = ""
    seeds: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    load: Callable[[str], Tables] = lambda purpose: NOTHING
    _tables: dict[str, Tables] = field(default_factory=dict, repr=False)
    _measured: dict[Quantity, pd.Series] = field(default_factory=dict, repr=False)
    _lost: dict[str, pd.Series] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The one word by which a claim names it."""
        return self.evidence.name

    def tables(self, tuned_for: str = "accuracy") -> Tables:
        """Its replicas at the learning rates that are best for accuracy, or for speed."""
        if tuned_for not in self._tables:
            self._tables[tuned_for] = self.load(tuned_for)
        return self._tables[tuned_for]

    def values(self, quantity: Quantity, variant: str, depth: int) -> NDArray[np.float64] | None:
        """A quantity of one variant at one depth, shape (seeds,), or None if not all of the seeds have been run.

        A replica that diverged has NaN where `quantities` has no value for it.
        """
        if not self.has(variant, depth, quantity.tuned_for):
            return None
        if quantity not in self._measured:
            self._measured[quantity] = quantity.of(self.tables(quantity.tuned_for))
        return self._measured[quantity].reindex(self._replicas(variant, depth)).to_numpy(dtype=float)

    def has(self, variant: str, depth: int, tuned_for: str = "accuracy") -> bool:
        """Whether every seed of a variant has been run at a depth."""
        return bool(self._replicas(variant, depth).isin(self._diverged(tuned_for).index).all())

    def diverged(self, variant: str, depth: int, tuned_for: str = "accuracy") -> int:
        """How many replicas of a variant diverged at a depth."""
        return int(self._diverged(tuned_for).reindex(self._replicas(variant, depth)).sum())

    def _replicas(self, variant: str, depth: int) -> pd.MultiIndex:
        return pd.MultiIndex.from_product([[variant], [depth], self.seeds], names=REPLICA)

    def _diverged(self, tuned_for: str) -> pd.Series:
        if tuned_for not in self._lost:
            metrics = self.tables(tuned_for).metrics
            self._lost[tuned_for] = diverged(metrics) if len(metrics) else pd.Series(dtype=bool)
        return self._lost[tuned_for]


def find(evidence: Evidence, runs_dir: str, scale: str) -> Found:
    """What there is of a set.

    Args:
        evidence: the set.
        runs_dir: the folder of run folders.
        scale: how much of the set is asked for: paper, desk or smoke.
    """
    if evidence.preset is None:
        return _computed(evidence, scale)
    plan = compose("compare", [f"+experiment={evidence.preset}", f"scale={scale}"])
    chosen = config.settings(plan)
    depths = chosen["depths"] or [chosen["model"]["depth"]]
    command = _at_scale(f"python experiments/compare.py +experiment={evidence.preset}", scale)
    load = partial(_measured, runs_dir, chosen)
    return Found(evidence, scale, command, _described(chosen, depths), chosen["seeds"], depths, load)


def _computed(evidence: Evidence, scale: str) -> Found:
    command = own_command(scale)
    if evidence.measure is None:
        return Found(evidence, scale, command, evidence.about)
    seeds = list(range(SMALL_SEEDS[scale]))
    about = f"{evidence.about}; {len(seeds)} seeds"

    def load(purpose: str) -> Tables:
        return evidence.measure(tuple(seeds))  # type: ignore[misc]

    return Found(evidence, scale, command, about, seeds, list(evidence.depths), load)


def own_command(scale: str) -> str:
    """The command that judges the claims."""
    return _at_scale("python experiments/claims.py", scale)


def _at_scale(command: str, scale: str) -> str:
    return command if scale == "desk" else f"{command} scale={scale}"


def _measured(runs_dir: str, chosen: dict[str, Any], purpose: str) -> Tables:
    """The replicas that measure: the preset's seeds, at its learning rate or, where it tunes, at the one chosen."""
    tables = _comparable(runs_dir, comparable_hash(scientific(chosen)))
    if tables.metrics.empty:
        return NOTHING
    tuning = chosen["tune"]
    if not tuning["rates"]:
        return selection.only(tables, chosen["seeds"], chosen["learning_rate"])
    metrics = tables.metrics
    tried = metrics[metrics["seed"].isin(tuning["seeds"])].groupby(selection.BY)["learning_rate"]
    tuned = [key for key, rates in tried.unique().items() if set(tuning["rates"]) <= set(rates)]  # the whole grid
    rows = [pd.MultiIndex.from_frame(table[selection.BY]).isin(tuned) for table in (metrics, tables.layers)]
    tables = tables._replace(metrics=metrics[rows[0]], layers=tables.layers[rows[1]])
    rates = sorted(set(metrics["learning_rate"]))
    return selection.only(selection.chosen(tables, tuning["seeds"], purpose), chosen["seeds"], rates)


@lru_cache(maxsize=4)
def _comparable(runs_dir: str, identity: str) -> Tables:
    """All finished runs of one configuration but for activation and depth; several sets may share them."""
    return read(Path(runs_dir), lambda run: comparable_hash(run["config"]) == identity)


def _described(chosen: dict[str, Any], depths: list[int]) -> str:
    dataset, model, train = chosen["dataset"], chosen["model"], chosen["train"]
    images = f" ({dataset['train_limit']} training images)" if dataset["train_limit"] else ""
    rates = ", ".join(f"{rate:g}" for rate in chosen["learning_rate"])
    tuned = "learning rate tuned for each activation and depth, on other seeds and validation images"
    return "; ".join(
        [
            f"{dataset['name']}{images}, {model['name']} of width {model['width']}",
            f"depth{'s' if len(depths) > 1 else ''} {', '.join(map(str, depths))}",
            f"{train['epochs']} epochs in batches of {train['batch_size']}",
            f"{chosen['optimizer']['name']}, {chosen['init']['name']} initialization",
            tuned if chosen["tune"]["rates"] else f"learning rate {rates} for all",
            f"{len(chosen['seeds'])} seeds",
        ]
    )
