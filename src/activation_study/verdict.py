"""What a comparison lets one conclude: differences to a reference, ranks, and both in plain words."""

from typing import TYPE_CHECKING

import pandas as pd

from activation_study import selection, statistics
from activation_study.comparison import BY

NAN = float("nan")

if TYPE_CHECKING:
    from activation_study.runs import Tables


def reference_of(metrics: pd.DataFrame, wanted: str | None = None) -> str:
    """The activation that the others are compared with: the one wanted if it is there, relu if not, else the first."""
    labels = [str(label) for label in metrics["activation"].unique()]
    return next((label for label in (wanted, "relu") if label is not None and label in labels), labels[0])


def accuracies(metrics: pd.DataFrame) -> pd.DataFrame:
    """Test accuracies at one depth, one row a seed and one column an activation; NaN where a replica diverged.

    Only the seeds that every activation was trained with.
    """
    test = metrics[metrics["split"] == "test"]
    labels = list(test["activation"].unique())
    shared = test.groupby("seed")["activation"].transform("nunique") == len(labels)
    return test[shared].pivot(index="seed", columns="activation", values="accuracy").reindex(columns=labels)


def differences(metrics: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Every activation against a reference, at every depth.

    Args:
        metrics: the replicas that measure the activations, paired by seed.
        reference: label of one of the activations.

    Returns:
        Columns: depth, activation, reference, n (seeds), comparisons, difference with low and high (mean paired
        difference of test accuracies; intervals that hold jointly for all comparisons at the depth), improvement with
        improvement_low and improvement_high (probability that a network beats one of the reference), first (share of
        bootstrap resamples in which the activation comes first). The reference's own row has only `first`. A diverged
        network counts as accuracy 0.
    """
    rows = []
    for depth, group in metrics.groupby("depth", sort=False, dropna=False):
        paired = accuracies(group)
        firsts = statistics.rank_shares(paired.to_numpy().T)[:, 0]
        for activation, first in zip(paired.columns, firsts, strict=True):
            row = {"depth": depth, "activation": activation, "reference": reference, "n": len(paired)}
            row |= {"difference": NAN, "low": NAN, "high": NAN}
            if activation != reference:
                ours, theirs, comparisons = paired[activation], paired[reference], paired.shape[1] - 1
                row["comparisons"] = comparisons
                row |= _three("", "difference", statistics.difference(ours, theirs, comparisons))
                row |= _three("improvement_", "improvement", statistics.probability_of_improvement(ours, theirs))
            rows.append(row | {"first": float(first)})
    return pd.DataFrame(rows)


def _three(prefix: str, name: str, values: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{prefix}low", f"{prefix}high"), values, strict=True))


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The differences as a person reads them, without the reference's own row."""
    others = table[table["activation"] != table["reference"]]
    if others.empty:
        return pd.DataFrame()
    shown = pd.DataFrame({"activation": others["activation"], "depth": others["depth"]})
    shown["against"] = others["reference"]
    shown["difference, points"] = (100 * others["difference"]).map("{:+.2f}".format)
    ends = [(100 * others[end]).map("{:+.2f}".format) for end in ("low", "high")]
    shown["95 % interval, joint"] = (ends[0] + " to " + ends[1]).where(others["low"].notna(), "-")
    ends = [others[f"improvement_{end}"].map("{:.2f}".format) for end in ("low", "high")]
    shown["probability of improvement"] = (
        others["improvement"].map("{:.2f}".format) + " [" + ends[0] + ", " + ends[1] + "]"
    )
    shown["comes first %"] = (100 * others["first"]).map("{:.0f}".format)
    return shown


def conclusions(summary: pd.DataFrame, table: pd.DataFrame, tables: "Tables", tuning: "Tables | None") -> list[str]:
    """Three sentences a depth: which activation leads, what differs from the reference, and what cannot be said.

    Args:
        summary: of `comparison.summary`.
        table: of `differences`.
        tables: the replicas that measure the activations.
        tuning: those that chose the learning rates, where they were tuned.
    """
    sentences = []
    for depth, rows in table.groupby("depth", sort=False, dropna=False):
        at = "" if depth != depth else f"At depth {depth:g}, "
        means = summary[summary["depth"] == depth] if depth == depth else summary
        metrics = tables.metrics[tables.metrics["depth"] == depth] if depth == depth else tables.metrics
        sentences += [at + _leader(means, metrics), _against_reference(rows), _limits(depth, tables, tuning)]
    return sentences


def _leader(means: pd.DataFrame, metrics: pd.DataFrame) -> str:
    if means["accuracy"].isna().all():
        return "every network diverged."
    best, *others = means.sort_values("accuracy", ascending=False).to_dict("records")
    known = best["accuracy_low"] == best["accuracy_low"]
    interval = f" [{100 * best['accuracy_low']:.2f}, {100 * best['accuracy_high']:.2f}]" if known else ""
    seeds = f"{best['n']} seed{'s' if best['n'] > 1 else ''}"
    mean = f"{100 * best['accuracy']:.2f} %{interval}"
    text = f"{best['activation']} has the highest mean test accuracy, {mean} over {seeds}"
    if not others or not known:
        return f"{text}."
    paired = accuracies(metrics)
    lead, low, high = statistics.difference(paired[best["activation"]], paired[others[0]["activation"]], len(others))
    settled = "which settles that it is the best of them" if low > 0 else "which does not settle that it is the best"
    return (
        f"{text}; its lead over {others[0]['activation']}, the next, is {100 * lead:.2f} points "
        f"[{100 * low:.2f}, {100 * high:.2f}], {settled}."
    )


def _against_reference(rows: pd.DataFrame) -> str:
    reference, others = rows["reference"].iloc[0], rows[rows["activation"] != rows["reference"]]
    if others.empty:
        return f"There is nothing to compare {reference} with."
    if others["low"].isna().all():
        return "With one seed nothing can be said about differences."
    better, worse = others[others["low"] > 0], others[others["high"] < 0]
    alike = others.drop([*better.index, *worse.index])
    parts = []
    for word, group in (("better", better), ("worse", worse)):
        if len(group):
            parts.append(f"{_names(group['activation'])} {'are' if len(group) > 1 else 'is'} {word} {_by(group)}")
    if len(alike):
        parts.append(f"{_names(alike['activation'])} cannot be told from it")
    joint = f" (joint 95 % intervals of {len(others)} differences)" if len(others) > 1 else " (95 % interval)"
    return f"Compared with {reference}, {'; '.join(parts)}{joint}."


def _names(labels: pd.Series) -> str:
    *most, last = list(labels)
    return f"{', '.join(most)} and {last}" if most else str(last)


def _by(group: pd.DataFrame) -> str:
    points = sorted(100 * group["difference"].abs())
    if f"{points[0]:.2f}" == f"{points[-1]:.2f}":
        return f"by {points[0]:.2f} points"
    return f"by {points[0]:.2f} to {points[-1]:.2f} points"


def _limits(depth: float, tables: "Tables", tuning: "Tables | None") -> str:
    """What the comparison does not cover: it speaks of one network and one length of training."""
    config = tables.runs[0].config["config"]
    images = config["dataset"].get("train_limit")
    trained = f"{config['train']['epochs']} epochs" + (f" on {images} images" if images else "")
    scale = ", ".join(sorted(tables.metrics["scale"].unique()))
    text = f"Nothing is said of longer training ({trained}, scale {scale}), of other networks or of other data"
    if tuning is None:
        return f"{text}, nor of other learning rates: none was tuned, and each activation has its own best."
    edges = [
        str(activation)
        for (activation, at), metrics in tuning.metrics.groupby(BY, sort=False, dropna=False)
        if (at == depth or at != at) and _at_edge(metrics)
    ]
    if edges:
        text += f"; the best rate of {_names(pd.Series(edges))} lies at the edge of the grid, so it may do better still"
    return f"{text}."


def _at_edge(metrics: pd.DataFrame) -> bool:
    scores = selection.scores(metrics)
    return selection.beyond(list(scores["learning_rate"]), selection.best(scores)) is not None
