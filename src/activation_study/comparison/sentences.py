"""What a comparison lets one conclude, in plain words that claim no more than the intervals."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from activation_study.comparison import quantities, selection, statistics
from activation_study.comparison.differences import accuracies
from activation_study.comparison.quantities import ACCURACY
from activation_study.comparison.summary import BY
from activation_study.comparison.variants import kind, quoted
from activation_study.runs.overview import duration

if TYPE_CHECKING:
    from activation_study.runs import Tables


FEW_SEEDS = 5  # below so many an interval says little, and what it cannot tell apart is easily taken for equal


def conclusions(
    table: pd.DataFrame, tables: "Tables", tuning: "Tables | None", margin: float | None = None
) -> list[str]:
    """All sentences, those of each depth and then the limits; the arguments are those of `by_depth` and `limits`."""
    return [sentence for said in by_depth(table, tables, margin) for sentence in said] + limits(tables, tuning)


def by_depth(table: pd.DataFrame, tables: "Tables", margin: float | None = None) -> list[list[str]]:
    """Sentences on each depth: which variant leads, what differs from the reference, and how many seeds would tell.

    Args:
        table: of `differences`.
        tables: the replicas that measure the variants.
        margin: a difference in test accuracy, in points, that is worth telling; None: nothing is said of it.
    """
    found = []
    for depth, rows in table.groupby("depth", sort=False, dropna=False):
        at = "" if depth != depth else f"At depth {depth:g}, "
        metrics = tables.metrics[tables.metrics["depth"] == depth] if depth == depth else tables.metrics
        said = [at + _leader(metrics), _against_reference(rows), *_lost(metrics)]
        if margin and (near := _alike(rows, metrics)):
            said.append(_power(near, str(rows["reference"].iloc[0]), tables._replace(metrics=metrics), margin))
        found.append(said)
    return found


def limits(tables: "Tables", tuning: "Tables | None") -> list[str]:
    """What the comparison does not cover: it speaks of so many seeds, one network and one length of training.

    Args:
        tables: the replicas that measure the variants.
        tuning: those that chose the learning rates, where they were tuned.
    """
    said = []
    if (n := int(tables.metrics.groupby(BY, dropna=False)["seed"].nunique().min())) < FEW_SEEDS:
        said.append(
            f'Warning: n = {n}. Below {FEW_SEEDS} seeds intervals are so wide that "cannot be told from it" does not '
            f"mean equal; give seeds={FEW_SEEDS} or more."
        )
    images = tables.runs[0].config["config"]["dataset"].get("train_limit")
    epochs = sorted({run.config["config"]["train"]["epochs"] for run in tables.runs})
    trained = f"{' or '.join(map(str, epochs))} epoch{'s' if epochs != [1] else ''}" + (
        f" on {images} images" if images else ""
    )
    scale = ", ".join(sorted(tables.metrics["scale"].unique()))
    said.append(f"Nothing is said of longer training ({trained}, scale {scale}), of other networks or of other data.")
    if tuning is None:
        said.append(
            "Nothing is said of other learning rates: none was tuned, and each "
            f"{kind(tables.metrics)} has its own best."
        )
    elif edges := _at_edges(tuning):
        said.append(f"The best rate of {edges} lies at the edge of the grid, so it may do better still.")
    return said


def _leader(metrics: pd.DataFrame) -> str:
    """The highest mean, and whether it is above every other by intervals that hold jointly."""
    paired, lost = accuracies(metrics), quantities.diverged(metrics)
    if lost.all():
        return "every network diverged."
    if paired.empty:
        return f"no seed was trained with every {kind(metrics)}, so there is nothing to rank."
    means = paired.mean().round(12).sort_values(ascending=False, kind="stable")
    best = [str(name) for name in means.index[means == means.iloc[0]]]
    mean, low, high = ACCURACY.mean(paired[best[0]])
    interval = f" [{100 * low:.2f}, {100 * high:.2f}]" if low == low and len(best) == 1 else ""
    count = int(lost.xs(best[0], level="variant").reindex(paired.index, level="seed").sum())
    counted = f" ({count} diverged)" if count and len(best) == 1 else ""
    seeds = f"{len(paired)} seed{'s' if len(paired) > 1 else ''}"
    verb = "has" if len(best) == 1 else "share"
    text = f"{_names(best)} {verb} the highest mean test accuracy, {100 * mean:.2f} %{interval} over {seeds}{counted}"
    others = [str(name) for name in means.index[len(best) :]]
    if len(best) > 1 or not others or len(paired) < 2:
        return f"{text}."
    leads = {name: ACCURACY.difference(paired[best[0]], paired[name], len(others)) for name in others}
    lead, low, high = leads[others[0]]
    text += (
        f"; its lead over {quoted(others[0])}, the next, is {100 * lead:.2f} points [{100 * low:.2f}, {100 * high:.2f}]"
    )
    if near := [name for name, estimate in leads.items() if not estimate.low > 0]:
        return f"{text}, and it is not settled that it is better than {_names(near)}."
    others_too = "" if len(others) == 1 else ", and it is ahead of every other by as much as joint intervals ask"
    return f"{text}{others_too}, which settles that it is the best of them."


def _against_reference(rows: pd.DataFrame) -> str:
    reference, others = rows["reference"].iloc[0], rows[rows["variant"] != rows["reference"]]
    if others.empty:
        return f"There is nothing to compare {quoted(reference)} with."
    if others["low"].isna().all():
        return f"With {'one seed' if others['n'].max() == 1 else 'no seed'} nothing can be said about differences."
    better, worse = others[others["low"] > 0], others[others["high"] < 0]
    alike = others.drop([*better.index, *worse.index])
    parts = []
    for word, group in (("better", better), ("worse", worse)):
        if len(group):
            parts.append(f"{_names(group['variant'])} {'are' if len(group) > 1 else 'is'} {word} {_by(group)}")
    if len(alike):
        parts.append(f"{_names(alike['variant'])} cannot be told from it")
    intervals = f"joint 95 % intervals of {len(others)} differences" if len(others) > 1 else "95 % interval"
    return f"Compared with {quoted(reference)}, {'; '.join(parts)} ({intervals}, n = {others['n'].max()})."


def _lost(metrics: pd.DataFrame) -> list[str]:
    """How many networks of each variant diverged, where any did: their zeros are behind the other sentences."""
    lost = quantities.diverged(metrics).groupby("variant", sort=False)
    counts = [f"{quoted(str(name))} {one.sum()} of {len(one)}" for name, one in lost if one.any()]
    return [f"Networks that diverged, each of which counts with accuracy 0: {', '.join(counts)}."] if counts else []


def _alike(rows: pd.DataFrame, metrics: pd.DataFrame) -> list[str]:
    """What cannot be told from the reference by two seeds or more, where none of either diverged.

    What diverged in some seeds counts as 0 there, and no number of seeds makes that spread a small one.
    """
    is_lost = quantities.diverged(metrics).groupby("variant").any()
    near = rows.loc[(rows["low"] <= 0) & (rows["high"] >= 0), "variant"]
    return [str(name) for name in near if not is_lost[[name, rows["reference"].iloc[0]]].any()]


def _power(near: list[str], reference: str, tables: "Tables", margin: float) -> str:
    """How many seeds would tell them apart, from the spread of the differences that there are."""
    paired = accuracies(tables.metrics)
    spreads = [float((paired[name] - paired[reference]).std()) for name in near]
    seeds = statistics.seeds_to_tell(max(spreads), margin / ACCURACY.factor, paired.shape[1] - 1)
    n = len(paired)
    told = f"To tell {_names(near)} from {quoted(reference)} by {margin:g} points"
    if seeds <= n:
        return f"{told} takes about {seeds:.0f} seeds, no more than the {n} that there are."
    if seeds == float("inf"):
        return f"{told} takes more than {statistics.LARGEST_PLAN:,} seeds; there are {n}."
    theirs = tables._replace(metrics=tables.metrics[tables.metrics["variant"].isin([reference, *near])])
    time = duration((seeds - n) * theirs.seconds_per_seed())
    return f"{told} takes about {seeds:.0f} seeds; there are {n}, and the others would train for {time}."


def _names(labels: Iterable[str]) -> str:
    *most, last = [quoted(label) for label in labels] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _by(group: pd.DataFrame) -> str:
    points = sorted(100 * group["difference"].abs())
    if f"{points[0]:.2f}" == f"{points[-1]:.2f}":
        return f"by {points[0]:.2f} points"
    return f"by {points[0]:.2f} to {points[-1]:.2f} points"


def _at_edges(tuning: "Tables") -> str:
    """The variants whose best rate lies at the edge of the grid, with their depth where there are several."""
    has_several = tuning.metrics["depth"].nunique() > 1
    return _names(
        f"{variant} at depth {depth:g}" if has_several else str(variant)
        for (variant, depth), metrics in tuning.metrics.groupby(BY, sort=False, dropna=False)
        if _at_edge(metrics)
    )


def _at_edge(metrics: pd.DataFrame) -> bool:
    scores = selection.scores(metrics)
    return selection.beyond(list(scores["learning_rate"]), selection.best(scores)) is not None
