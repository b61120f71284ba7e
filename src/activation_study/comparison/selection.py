"""The learning rate at which a variant is measured, chosen without its test images.

Every variant gets its own rate, or the comparison would compare how well one rate suits them. The choice looks at
seeds that the measurement does not use; for accuracy at their validation images, and for speed at their training loss.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activation_study.comparison import quantities
from activation_study.comparison.quantities import TRAINING_LOSS
from activation_study.errors import StudyError, shown

if TYPE_CHECKING:
    from activation_study.runs import Tables

BY = ["variant", "depth"]
PURPOSES = ("accuracy", "speed")  # what a rate can be best for


def scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """How each learning rate of one variant and depth does.

    Returns:
        One row per rate, ascending: learning_rate, n, diverged, accuracy and loss (means on validation data after
        training) and training_loss (geometric mean of `quantities.TRAINING_LOSS`).
    """
    rows = []
    for rate, group in metrics.groupby("learning_rate"):
        valid = quantities.last(quantities.counted(group), "valid")
        lost = ~np.isfinite(quantities.last(group, "valid")["accuracy"].astype(float))
        speed = TRAINING_LOSS.mean(TRAINING_LOSS.per_replica(group)).value
        rows.append({"learning_rate": rate, "n": len(valid), "diverged": int(lost.sum()),
                     "accuracy": valid["accuracy"].mean(), "loss": valid["loss"].mean(),
                     "training_loss": speed})  # fmt: skip
    return pd.DataFrame(rows)


def best(table: pd.DataFrame, purpose: str = "accuracy") -> float:
    """The rate that is best for a purpose, in a table of `scores`.

    For accuracy it is the one with the highest accuracy, of several the one with the lower loss, and then the lower
    rate; for speed the one with the lowest training loss over the epochs, and then the lower rate.
    """
    columns = {"accuracy": ["accuracy", "loss", "learning_rate"], "speed": ["training_loss", "learning_rate"]}[purpose]
    order = table.sort_values(columns, ascending=[column != "accuracy" for column in columns])
    return float(order["learning_rate"].iloc[0])


def beyond(rates: Sequence[float], chosen: float) -> float | None:
    """The next rate of an ascending grid beyond the edge at which the chosen one lies; None if it lies within.

    Two steps back and two on, so that 0.01, 0.03, 0.1 goes on with 0.3.
    """
    if len(rates) < 2 or chosen not in (rates[0], rates[-1]):
        return None
    outwards = list(rates) if chosen == rates[-1] else list(rates)[::-1]
    step = 2 if len(rates) > 2 else 1
    return float(f"{outwards[-step] * outwards[-1] / outwards[-1 - step]:.6g}")


def sensitivity(table: pd.DataFrame) -> float:
    """Accuracy lost, at worst, where the rate is one step of the grid off the best; NaN without neighbours."""
    at = int(table["learning_rate"].searchsorted(best(table)))
    neighbours = table["accuracy"].iloc[[i for i in (at - 1, at + 1) if 0 <= i < len(table)]]
    return float(table["accuracy"].iloc[at] - neighbours.min()) if len(neighbours) else float("nan")


def only(tables: "Tables", seeds: Sequence[int], rates: Sequence[float]) -> "Tables":
    """The replicas with these seeds and learning rates."""
    metrics, layers = (
        table[table["seed"].isin(seeds) & table["learning_rate"].isin(rates)].reset_index(drop=True)
        if len(table)
        else table
        for table in (tables.metrics, tables.layers)
    )
    return tables._replace(metrics=metrics, layers=layers)


def joined(parts: Sequence["Tables"]) -> "Tables":
    """Several tables as one."""
    return parts[0]._replace(
        metrics=pd.concat([part.metrics for part in parts], ignore_index=True),
        layers=pd.concat([part.layers for part in parts], ignore_index=True),
        runs=list(dict.fromkeys(run for part in parts for run in part.runs)),
    )


def chosen(tables: "Tables", tuning_seeds: Sequence[int], purpose: str = "accuracy") -> "Tables":
    """The replicas that measure each variant and depth: fresh seeds at the rate that the tuning seeds have chosen.

    Where nothing was tuned all seeds choose among the rates there are, and where there is nothing but the tuning, its
    replicas have to do.

    Args:
        tables: replicas of comparable runs.
        tuning_seeds: the seeds that judge the rates.
        purpose: what the rate is to be best for.
    """
    metrics, layers = [tables.metrics.iloc[:0]], [tables.layers.iloc[:0]]
    by_layer = dict(list(tables.layers.groupby(BY, sort=False, dropna=False))) if len(tables.layers) else {}
    for key, group in tables.metrics.groupby(BY, sort=False, dropna=False):
        tuning = group[group["seed"].isin(tuning_seeds)]
        judged = group if tuning.empty else tuning
        if (rates := judged["learning_rate"].unique()).size > 1 and "valid" not in set(judged["split"]):
            raise StudyError(
                f"learning_rate={shown(sorted(rates.tolist()))}: without validation images (dataset.valid_size=0) none "
                f"of them can be chosen for {key[0]}; train one rate, or with validation images."
            )
        rate = best(scores(judged), purpose) if rates.size > 1 else float(rates[0])
        at_rate = group[group["learning_rate"] == rate]
        fresh = at_rate[~at_rate["seed"].isin(tuning_seeds)]
        kept = at_rate if fresh.empty else fresh
        metrics.append(kept)
        if key in by_layer:
            inside = by_layer[key]
            layers.append(inside[(inside["learning_rate"] == rate) & inside["seed"].isin(kept["seed"])])
    return tables._replace(metrics=pd.concat(metrics, ignore_index=True), layers=pd.concat(layers, ignore_index=True))
