"""From the tables of many runs to the one table that compares variants."""

from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from activation_study.comparison import quantities, selection
from activation_study.comparison.quantities import ACCURACY, DEAD, GAP, GRADIENT_RATIO, LOSS, SATURATED, TRAINING_LOSS
from activation_study.comparison.statistics import Estimate

if TYPE_CHECKING:
    from activation_study.runs import Tables

BY = selection.BY
OF_THE_BEST = 0.99  # share of the best variant's validation accuracy that is the target
AFTER_TRAINING = {"accuracy": ACCURACY, "loss": LOSS, "gap": GAP}
INSIDE = {"gradient_ratio": GRADIENT_RATIO, "saturated": SATURATED, "dead": DEAD}


def summary(
    tables: "Tables", tuning: "Tables | None" = None, target: float | None = None, fast: "Tables | None" = None
) -> pd.DataFrame:
    """One row for each variant and depth, in the order in which they come.

    Args:
        tables: the replicas that measure the variants.
        tuning: those that chose the learning rates, where they were tuned.
        target: validation accuracy up to which epochs are counted; None: OF_THE_BEST of the best variant's mean
            after training, at each depth.
        fast: the replicas at the rates that were chosen for speed, where they were tuned.

    Returns:
        Columns: variant, depth, learning_rate, n (replicas), diverged (of them), accuracy with accuracy_low and
        accuracy_high, loss (test) and gap likewise, target, reached (share of replicas that did), epochs_to_target
        (median; infinite where half of the replicas never reach it), training_loss (mean over the epochs) with its
        ends and fast_rate, the learning rate at which it was measured, off_by_one_step (validation accuracy lost where
        the rate is one step of the grid off), gradient_ratio (before training), saturated and dead (after training).
        What these are is in `quantities`; each is a mean over replicas, its ends those of its 95 % interval; an
        accuracy has none where a replica has diverged. What was not measured, for want of probes or of validation
        images, has no column, or no values.
    """
    fast = fast or tables
    lost = _by_key(quantities.diverged(tables.metrics))
    after = {name: _by_key(quantity.of(tables)) for name, quantity in AFTER_TRAINING.items()}
    inside = {name: _by_key(quantity.of(tables)) for name, quantity in INSIDE.items()} if len(tables.layers) else {}
    losses, grids = _by_key(TRAINING_LOSS.of(fast)), _grouped(tuning.metrics) if tuning else {}
    fast_rates = fast.metrics.drop_duplicates(BY).set_index(BY)["learning_rate"]
    epochs = _epochs_to_target(tables.metrics, target) if "valid" in set(tables.metrics["split"]) else {}
    rows = []
    for key, group in _grouped(tables.metrics).items():
        rates = group["learning_rate"].unique()
        row = dict(zip(BY, key, strict=True)) | {"learning_rate": rates[0] if len(rates) == 1 else float("nan")}
        row |= {"n": len(lost[key]), "diverged": int(lost[key].sum())}
        for name, quantity in AFTER_TRAINING.items():
            row |= _with_ends(name, quantity.mean(after[name][key]))
        if row["diverged"]:
            row |= {"accuracy_low": float("nan"), "accuracy_high": float("nan")}
        row |= epochs.get(key, {})
        row |= _with_ends("training_loss", TRAINING_LOSS.mean(losses[key])) | {"fast_rate": fast_rates[key]}
        if key in grids:
            row["off_by_one_step"] = selection.sensitivity(selection.scores(grids[key]))
        for name, quantity in INSIDE.items():
            if name in inside:
                row[name] = quantity.mean(inside[name][key]).value
        rows.append(row)
    return pd.DataFrame(rows)


def _grouped(metrics: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    return dict(list(metrics.groupby(BY, sort=False)))


def _by_key(values: pd.Series) -> dict[Any, pd.Series]:
    return dict(list(values.groupby(level=BY)))


def _with_ends(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _epochs_to_target(metrics: pd.DataFrame, target: float | None) -> dict[Any, dict[str, float]]:
    """The target, the share of replicas that reach it, and their median epochs, by variant and depth."""
    found = {}
    accuracy = quantities.VALIDATION_ACCURACY.per_replica(metrics)
    for depth, group in metrics.groupby("depth", sort=False):
        best = accuracy.xs(depth, level="depth").groupby("variant").mean().max()
        aim = OF_THE_BEST * float(best) if target is None else target
        for key, epochs in _by_key(quantities.epochs_to(group, aim)).items():
            reached = float(np.isfinite(epochs).mean())
            found[key] = {"target": aim, "reached": reached, "epochs_to_target": float(median(epochs))}
    return found
