"""What is measured in a replica, one number each: the only definitions of them.

A summary is an interval over such a number, a difference pairs two of it by seed, a claim judges it and a figure draws
it. For all of them one rule holds: a network that has diverged has learned nothing. Its accuracy counts as 0 and its
loss as the one that it began with; of what else is measured it has no value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from activation_study.comparison import statistics
from activation_study.comparison.statistics import Estimate

if TYPE_CHECKING:
    from activation_study.runs import Tables

REPLICA = ["variant", "depth", "seed"]
RULE = "a diverged network has learned nothing: its accuracy counts as 0, its loss as the one before training"


@dataclass(frozen=True)
class Quantity:
    """One number per replica.

    Attributes:
        name: what it is.
        unit: of the number times `factor`, and of a difference of two.
        table: metrics or layers.
        per_replica: from that table, of one learning rate for each variant and depth, to the numbers, indexed by
            variant, depth and seed; NaN where a replica has none.
        factor: what the number is multiplied by where it is shown: 100 for a share.
        bounds: the values that it can have.
        logarithmic: whether its mean is geometric, and two replicas are compared by their ratio.
        tuned_for: what the learning rate is chosen for at which it is measured: accuracy, or speed.
    """

    name: str
    unit: str
    table: str
    per_replica: Callable[[pd.DataFrame], pd.Series]
    factor: float = 1.0
    bounds: tuple[float, float] = statistics.EVERYTHING
    logarithmic: bool = False
    tuned_for: str = "accuracy"

    def of(self, tables: "Tables") -> pd.Series:
        """The numbers of all replicas of some tables."""
        return self.per_replica(getattr(tables, self.table))

    def mean(self, values: ArrayLike, comparisons: float = 1) -> Estimate:
        """Their mean with its interval; see `statistics.mean`."""
        if self.logarithmic:
            return statistics.geometric_mean(values, comparisons)
        return statistics.mean(values, comparisons, self.bounds)

    def difference(self, ours: ArrayLike, theirs: ArrayLike, comparisons: float = 1) -> Estimate:
        """The mean difference of two variants paired by seed, or their ratio; see `statistics.difference`."""
        if self.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                return statistics.geometric_mean(np.divide(ours, theirs), comparisons)
        low, high = self.bounds
        return statistics.difference(ours, theirs, comparisons, (low - high, high - low))


def counted(metrics: pd.DataFrame) -> pd.DataFrame:
    """Metrics in which every replica has an accuracy and a loss, those of diverged ones by the rule above.

    The loss before training is taken where the split was measured then; the test split was not.
    """
    lost = ~(np.isfinite(metrics["loss"].astype(float)) & np.isfinite(metrics["accuracy"].astype(float)))
    if not lost.any():
        return metrics
    keys = [*REPLICA, "learning_rate", "split"]
    start = metrics[metrics["epoch"] == 0].drop_duplicates(keys).set_index(keys)["loss"]
    at_start = start.reindex(pd.MultiIndex.from_frame(metrics[keys])).to_numpy(dtype=float)
    return metrics.assign(accuracy=metrics["accuracy"].where(~lost, 0.0), loss=metrics["loss"].where(~lost, at_start))


def diverged(metrics: pd.DataFrame) -> pd.Series:
    """Whether a replica has diverged, indexed by variant, depth and seed."""
    test = last(metrics, "test")
    return ~np.isfinite(test["accuracy"].astype(float))


def last(metrics: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows of a split after training, indexed by variant, depth and seed."""
    rows = metrics[metrics["split"] == split]
    return rows[rows["epoch"] == rows.groupby(REPLICA[:2])["epoch"].transform("max")].set_index(REPLICA)


def _accuracy(split: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda metrics: last(counted(metrics), split)["accuracy"]


def _test_loss(metrics: pd.DataFrame) -> pd.Series:
    loss = last(metrics, "test")["loss"].astype(float)
    return loss.where(np.isfinite(loss))


def _gap(metrics: pd.DataFrame) -> pd.Series:
    return last(metrics, "train")["accuracy"] - last(metrics, "test")["accuracy"]


def _training_loss(metrics: pd.DataFrame) -> pd.Series:
    """The mean of the training loss over the epochs, in which a measurement stands for the time since the one before.

    The loss before training is left out: it tells how large the first weights make the outputs, and of so few epochs
    it would be most of the mean.
    """
    losses = _curves(metrics, "train", "loss")
    # Variants may have been trained for different numbers of epochs.
    parts = [_over_time(part.dropna(axis=1, how="all")) for _, part in losses.groupby(level=REPLICA[:2], sort=False)]
    return pd.concat(parts) if parts else losses.mean(axis=1)


def _over_time(losses: pd.DataFrame) -> pd.Series:
    trained = losses.loc[:, losses.columns > 0]
    if trained.empty:
        return losses.mean(axis=1)
    return pd.Series(np.average(trained, axis=1, weights=np.diff(trained.columns, prepend=0)), trained.index)


def _curves(metrics: pd.DataFrame, split: str, value: str) -> pd.DataFrame:
    """One row per replica, one column per epoch."""
    rows = counted(metrics)
    return rows[rows["split"] == split].pivot(index=REPLICA, columns="epoch", values=value)


def epochs_to(metrics: pd.DataFrame, target: float) -> pd.Series:
    """Epochs until the validation accuracy first reaches a target, by replica; infinite where it never does."""
    reached = _curves(metrics, "valid", "accuracy") >= target
    return reached.idxmax(axis=1).astype(float).where(reached.any(axis=1), np.inf)


def _over_layers(column: str, at_end: bool = True) -> Callable[[pd.DataFrame], pd.Series]:
    """The mean magnitude of a column over the hidden layers, at the last or the first measurement of training."""

    def of(layers: pd.DataFrame) -> pd.Series:
        hidden = layers[layers["hidden"]]
        moment = hidden.groupby(REPLICA[:2])["step"].transform("max") if at_end else 0
        rows = hidden[hidden["step"] == moment]
        return rows.assign(size=rows[column].abs()).groupby(REPLICA)["size"].mean()

    return of


def dead_share(layers: pd.DataFrame) -> pd.Series:
    """The column `dead`; none of activations that learn below zero too, for which it means nothing."""
    names = layers["activation"].str.partition("(")[0]
    return layers["dead"].mask(names.isin(ALIVE_BELOW_ZERO))


def _dead(layers: pd.DataFrame) -> pd.Series:
    return _over_layers("dead")(layers.assign(dead=dead_share(layers)))


def gradient_ratios(layers: pd.DataFrame) -> pd.Series:
    """Gradient norm of the first over that of the last hidden layer, by replica; NaN unless it is above 0 and finite.

    Args:
        layers: rows of one moment, one per replica and layer, with the columns layer, hidden and grad_norm.
    """
    hidden = layers[layers["hidden"]]
    places = hidden.groupby(REPLICA)["layer"]
    first, last = (hidden[hidden["layer"] == places.transform(end)].set_index(REPLICA)["grad_norm"].astype(float)
                   for end in ("min", "max"))  # fmt: skip
    ratios = first / last
    return ratios.where((ratios > 0) & np.isfinite(ratios))


def _gradient_ratio(layers: pd.DataFrame) -> pd.Series:
    return gradient_ratios(layers[layers["step"] == 0])


def _noise(metrics: pd.DataFrame) -> pd.Series:
    return last(metrics, "test")["noise"]


def _while_learning(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    """The mean over the epochs at which the small networks were looked at."""
    return lambda metrics: metrics.groupby(REPLICA)[column].mean()


# These learn on both sides of zero: none of their units is dead for being below it.
ALIVE_BELOW_ZERO = ("sigmoid", "tanh", "softsign")
SHARE = (0.0, 1.0)
ACCURACY = Quantity("test accuracy", "points", "metrics", _accuracy("test"), 100, SHARE)
VALIDATION_ACCURACY = Quantity("validation accuracy", "points", "metrics", _accuracy("valid"), 100, SHARE)
LOSS = Quantity("test loss", "nats", "metrics", _test_loss)
GAP = Quantity("training accuracy less test accuracy", "points", "metrics", _gap, 100, (-1.0, 1.0))
TRAINING_LOSS = Quantity("training loss, mean over the epochs", "nats", "metrics", _training_loss, logarithmic=True,
                         tuned_for="speed")  # fmt: skip
SPARSITY = Quantity("exact zeros in hidden layers", "%", "layers", _over_layers("sparsity"), 100, SHARE)
DEAD = Quantity("units that no validation image activates", "%", "layers", _dead, 100, SHARE)
SATURATED = Quantity("saturated units after training", "%", "layers", _over_layers("saturated"), 100, SHARE)
SATURATED_BEFORE = Quantity("saturated units before training", "%", "layers",
                            _over_layers("saturated", at_end=False), 100, SHARE)  # fmt: skip
MEAN = Quantity("distance of a layer's mean activation from zero", "", "layers", _over_layers("mean"))
GRADIENT_RATIO = Quantity("gradient norm, first / last hidden layer", "", "layers", _gradient_ratio, logarithmic=True)
LEARNED_SLOPE = Quantity("learned slope", "", "layers", _over_layers("learned_slope"))
NOISE = Quantity("change of the logits by noise below zero", "% of their spread", "metrics", _noise, 100)
ANGLE = Quantity("angle to the natural gradient, whole network", "degrees", "metrics", _while_learning("angle"))
UNIT_ANGLE = Quantity("angle to the natural gradient, one unit", "degrees", "metrics", _while_learning("unit_angle"))
SHIFT = Quantity("share of a step that comes through incoming means", "", "metrics", _while_learning("shift"), 1, SHARE)
