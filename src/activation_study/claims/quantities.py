"""What is measured in a replica, one number each, from the tables of its run."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from activation_study.runs import Tables

REPLICA = ["activation", "depth", "seed"]


@dataclass(frozen=True)
class Quantity:
    """One number a replica.

    Attributes:
        name: what it is.
        unit: of the number, and of a difference of two.
        of: from tables to the numbers, indexed by activation, depth and seed; NaN where a replica diverged.
        as_ratio: whether two replicas are compared by their ratio.
    """

    name: str
    unit: str
    of: Callable[[Tables], pd.Series]
    as_ratio: bool = False


def _of_split(metrics: pd.DataFrame, split: str, value: str, epoch: int | None = None) -> pd.Series:
    """A column of one split after an epoch, by default the last."""
    rows = metrics[(metrics["split"] == split) & (metrics["epoch"] == (epoch or metrics["epoch"].max()))]
    return rows.set_index(REPLICA)[value]


def _accuracy(tables: Tables) -> pd.Series:
    return 100 * _of_split(tables.metrics, "test", "accuracy").fillna(0.0)  # what diverged classifies nothing


def _gap(tables: Tables) -> pd.Series:
    return 100 * (_of_split(tables.metrics, "train", "accuracy") - _of_split(tables.metrics, "test", "accuracy"))


def _early_loss(tables: Tables) -> pd.Series:
    return _of_split(tables.metrics, "train", "loss", epoch=1)


def _over_layers(column: str, at_end: bool = True) -> Callable[[Tables], pd.Series]:
    """The mean magnitude of a column over the hidden layers, at the last or the first measurement of training."""

    def of(tables: Tables) -> pd.Series:
        layers = tables.layers[tables.layers["layer"] <= tables.layers["depth"]]  # the next one gives the logits
        rows = layers[layers["step"] == (layers["step"].max() if at_end else 0)]
        return rows.assign(size=rows[column].abs()).groupby(REPLICA)["size"].mean()

    return of


def _percent(of: Callable[[Tables], pd.Series]) -> Callable[[Tables], pd.Series]:
    return lambda tables: 100 * of(tables)


def _noise(tables: Tables) -> pd.Series:
    return _of_split(tables.metrics, "test", "noise")


def _while_learning(column: str) -> Callable[[Tables], pd.Series]:
    """The mean over the epochs at which the small networks were looked at."""
    return lambda tables: tables.metrics.groupby(REPLICA)[column].mean()


def _gradient_ratio(tables: Tables) -> pd.Series:
    start = tables.layers[tables.layers["step"] == 0]
    first = start[start["layer"] == 1].set_index(REPLICA)["grad_norm"]
    last = start[start["layer"] == start["depth"]].set_index(REPLICA)["grad_norm"]
    return (first / last).where((first > 0) & np.isfinite(first / last))


ACCURACY = Quantity("test accuracy", "points", _accuracy)
GAP = Quantity("training accuracy less test accuracy", "points", _gap)
EARLY_LOSS = Quantity("training loss after the first epoch", "nats", _early_loss, as_ratio=True)
SPARSITY = Quantity("exact zeros in hidden layers", "%", _percent(_over_layers("sparsity")))
DEAD = Quantity("units that no validation image activates", "%", _percent(_over_layers("dead")))
SATURATED = Quantity("saturated units after training", "%", _percent(_over_layers("saturated")))
SATURATED_BEFORE = Quantity("saturated units before training", "%", _percent(_over_layers("saturated", at_end=False)))
MEAN = Quantity("distance of a layer's mean activation from zero", "", _over_layers("mean"))
GRADIENT_RATIO = Quantity("gradient norm, first / last hidden layer", "", _gradient_ratio, as_ratio=True)
NOISE = Quantity("change of the logits by noise below zero", "% of their spread", _percent(_noise))
ANGLE = Quantity("angle to the natural gradient, whole network", "degrees", _while_learning("angle"))
UNIT_ANGLE = Quantity("angle to the natural gradient, one unit", "degrees", _while_learning("unit_angle"))
SHIFT = Quantity("share of a step that comes through incoming means", "", _while_learning("shift"))
