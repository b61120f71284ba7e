"""What a comparison lets one conclude: differences to a reference, and how often each activation comes first."""

import pandas as pd

from activation_study.comparison import statistics
from activation_study.comparison.quantities import ACCURACY, diverged
from activation_study.comparison.statistics import Estimate

NAN = float("nan")


def reference_of(metrics: pd.DataFrame, wanted: str | None = None) -> str:
    """The variant that the others are compared with: the one wanted if it is there, relu if not, else the first."""
    labels = [str(label) for label in metrics["variant"].unique()]
    return next((label for label in (wanted, "relu") if label is not None and label in labels), labels[0])


def accuracies(metrics: pd.DataFrame) -> pd.DataFrame:
    """Test accuracies at one depth, one row per seed and one column per variant.

    Only the seeds that every variant was trained with.
    """
    by_seed = ACCURACY.per_replica(metrics).reset_index("depth", drop=True).unstack("variant")
    return by_seed.reindex(columns=list(metrics["variant"].unique())).dropna()


def differences(metrics: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Every variant against a reference, at every depth.

    Args:
        metrics: the replicas that measure the variants, paired by seed.
        reference: label of one of the variants.

    Returns:
        Columns: depth, variant, reference, n (seeds), comparisons, difference with low and high (mean paired
        difference of test accuracies; intervals that hold jointly for all comparisons at the depth), improvement with
        improvement_low and improvement_high (probability that a network beats one of the reference), first (share of
        bootstrap resamples in which the variant comes first), diverged and reference_diverged (of the n networks of
        each, with accuracy 0: where there are any, the ends are those of possible accuracies, and not to be shown). The
        reference's own row has no difference.
    """
    rows = []
    for depth, group in metrics.groupby("depth", sort=False, dropna=False):
        paired = accuracies(group)
        lost = diverged(group).loc[lambda one: one].reset_index()
        counts = lost[lost["seed"].isin(paired.index)].groupby("variant").size()
        firsts = statistics.rank_shares(paired.to_numpy().T)[:, 0]
        for variant, first in zip(paired.columns, firsts, strict=True):
            row = {"depth": depth, "variant": variant, "reference": reference, "n": len(paired)}
            row |= {"difference": NAN, "low": NAN, "high": NAN}
            if variant != reference:
                ours, theirs, comparisons = paired[variant], paired[reference], paired.shape[1] - 1
                row["comparisons"] = comparisons
                row |= _three("", "difference", ACCURACY.difference(ours, theirs, comparisons))
                row |= _three("improvement_", "improvement", statistics.probability_of_improvement(ours, theirs))
            row |= {"first": float(first), "diverged": counts.get(variant, 0)}
            rows.append(row | {"reference_diverged": counts.get(reference, 0)})
    return pd.DataFrame(rows)


def has_interval(table: pd.DataFrame) -> pd.Series:
    """Where the interval of a difference may be shown: there is one, and no network of the two has diverged."""
    return table["low"].notna() & (table["diverged"] + table["reference_diverged"] == 0)


def _three(prefix: str, name: str, estimate: Estimate) -> dict[str, float]:
    return dict(zip((name, f"{prefix}low", f"{prefix}high"), estimate, strict=True))
