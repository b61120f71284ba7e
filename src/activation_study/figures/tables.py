"""From the tidy tables of `activation_study.runs.read` to what a figure draws: checks, means, intervals, the footer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from activation_study.comparison import statistics
from activation_study.comparison.variants import kind
from activation_study.errors import StudyError
from activation_study.figures.style import alike, called

REPLICA = ["variant", "depth", "seed"]
SETTING = ["run", "activation", "variant", "dataset", "model", "depth", "seed", "learning_rate", "scale"]
FIXED = 0  # depth of a model that has no choice of depth
INTERVAL = "95 % t intervals over seeds"
JOINT = "paired by seed, and such that they hold jointly at a depth"
FLAT = (
    "saturated: where f is flat because it nears a bound, sigmoid and tanh within 2.5 % of their range, "
    "ELU within 5 % of its bound, ReLU below zero"
)
LOST = "count as 0 %"  # what becomes of diverged replicas where accuracies are drawn


def checked(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The table, fit to be drawn, or one sentence about why no honest figure can be drawn from it.

    Args:
        table: metrics or layers, filtered to one data set and to one learning rate per variant and depth. Networks may
            differ where that is what the labels of the variants say.
        columns: those needed besides the ones that describe the run.

    Raises:
        StudyError: a column is missing, there are no rows, or rows are mixed that no mean should be taken over.
    """
    if table.empty:
        raise StudyError("figures: the table has no rows; train the runs first, or widen the filter.")
    missing = [column for column in dict.fromkeys([*SETTING, *columns]) if column not in table.columns]
    if missing:
        raise StudyError(f"figures: the table lacks {', '.join(missing)}; read it with activation_study.runs.read.")
    pairs = table[["dataset", "model"]].drop_duplicates()
    if pairs["dataset"].nunique() > 1 or (len(pairs) > 1 and kind(table) == "activation"):
        found = ", ".join(f"{row.dataset}/{row.model}" for row in pairs.itertuples())
        raise StudyError(f"figures: the table mixes {len(pairs)} pairs of dataset and model ({found}); keep one.")
    table = table.reset_index(drop=True)  # joined tables repeat their index
    table = table.assign(depth=table.depth.fillna(FIXED).astype(int))
    settings = table[SETTING].drop_duplicates()
    rates = settings.groupby(["variant", "depth"]).learning_rate.nunique().reset_index()
    for row in rates[rates.learning_rate > 1].itertuples():
        raise StudyError(
            f"figures: {row.variant} at depth {row.depth} has {row.learning_rate} learning rates; "
            "keep one per variant and depth, the best on validation data."
        )
    runs = settings.groupby(REPLICA).run.nunique().reset_index()
    for row in runs[runs.run > 1].itertuples():
        raise StudyError(
            f"figures: {row.variant} at depth {row.depth} with seed {row.seed} stands in {row.run} runs "
            "of different configurations; keep one of them."
        )
    return table


def at_depth(table: pd.DataFrame, depth: int | None) -> pd.DataFrame:
    """The rows of one depth, by default of the deepest that all variants of the table share."""
    pairs = table[["variant", "depth"]].drop_duplicates()
    shared = set.intersection(*(set(group.depth) for _, group in pairs.groupby("variant")))
    if depth is None and not shared:
        raise StudyError("figures: the variants of the table share no depth; ask for one with depth=.")
    depth = max(shared) if depth is None else depth
    rows = table[table.depth == depth]
    if rows.empty:
        found = ", ".join(str(value) for value in sorted(set(table.depth)))
        raise StudyError(f"figures: depth={depth} is not in the table; its depths are {found}.")
    return rows


def curve(
    table: pd.DataFrame, value: str, over: str, log: bool = False,
    within: tuple[float, float] = statistics.EVERYTHING, comparisons: float = 1,
) -> pd.DataFrame:  # fmt: skip
    """The mean over seeds of one variant's rows, with its interval, at each value of `over`.

    Args:
        table: one row for each seed and value of `over`; a column `lost` tells the diverged ones whose value counts.
        value: column to average; values that are not finite are left out.
        over: column of the x axis.
        log: take the geometric mean (for norms and their ratios, which range over decades); zeros are left out.
        within: the values that are possible; an interval does not reach beyond them.
        comparisons: how many intervals are looked at together; see `statistics.mean`.

    Returns:
        Indexed by `over`, with the columns mean, low and high, seeds and how many of them have diverged, `lost`. There
        is no interval of a single value, nor where any seed has diverged.
    """
    values = _finite(table, value)
    table = table.assign(lost=table.lost if "lost" in table else values.isna())
    table[value] = _logarithm(values) if log else values
    wide = table.pivot(index="seed", columns=over, values=value).dropna(axis="columns", how="all")
    if wide.empty:
        return pd.DataFrame(columns=["mean", "low", "high", "seeds", "lost"], dtype=float)
    mean, low, high = statistics.means(wide.to_numpy(), comparisons, within)
    frame = pd.DataFrame({"mean": mean, "low": low, "high": high}, index=wide.columns)
    counts = table.groupby(over).lost.agg(seeds="size", lost="sum").reindex(wide.columns)
    frame.loc[counts.lost > 0, ["low", "high"]] = np.nan
    return (10**frame if log else frame).join(counts)


def less(table: pd.DataFrame, reference: str, value: str, over: str) -> pd.DataFrame:
    """The table with every value less that of the reference with the same seed; rows without such a one are left out.

    Where it has a column `lost`, a difference is lost if either of its two networks is.

    Args:
        table: one row for each variant, seed and value of `over`.
        reference: label of a variant.
        value: the column.
        over: column of the x axis.
    """
    pairs = pd.MultiIndex.from_frame(table[["seed", over]])
    against = table[table.variant == reference].set_index(["seed", over]).reindex(pairs)
    differences = table.assign(**{value: table[value].to_numpy() - against[value].to_numpy()})
    if "lost" in table:
        differences["lost"] = table.lost.to_numpy() | (against.lost.to_numpy() == True)  # noqa: E712
    return differences.dropna(subset=[value])


def bases(table: pd.DataFrame) -> dict[str, str]:
    """The name of each variant's activation without its options."""
    pairs = table[["variant", "activation"]].drop_duplicates()
    return {str(row.variant): str(row.activation).partition("(")[0] for row in pairs.itertuples()}


def last_hidden(table: pd.DataFrame) -> int:
    """The number of the last layer that ends in an activation."""
    return int(table.layer[table.hidden].max())


def mean_by_layer(table: pd.DataFrame, value: str, log: bool = False) -> pd.DataFrame:
    """The mean over seeds of one variant's rows, layers down and steps across; geometric with `log`."""
    values = _logarithm(_finite(table, value)) if log else _finite(table, value)
    wide = values.groupby([table.layer, table.step]).mean().dropna().unstack("step").sort_index()
    return 10**wide if log else wide


def footer(table: pd.DataFrame, drawn: str, measure: str, lost_ones: str = "are left out from there on") -> str:
    """One line that says what the figure was drawn from.

    Args:
        table: the rows drawn.
        drawn: what lines, bands or dots are.
        measure: column that stops being finite where a replica diverges.
        lost_ones: what becomes of those that do.
    """
    settings = table[SETTING].drop_duplicates()
    seeds = settings.groupby(["variant", "depth"]).seed.nunique()
    rates = sorted(set(settings.learning_rate))
    parts = [
        trained(settings),
        _depths(settings.depth),
        _span(seeds.min(), seeds.max()) + (" seed" if seeds.max() == 1 else " seeds"),
        f"scale {', '.join(sorted(settings.scale.astype(str).unique()))}",
        f"learning rate {rates[0]:g}" if len(rates) == 1 else f"learning rates {rates[0]:g} to {rates[-1]:g}",
        drawn if seeds.max() > 1 else "one seed, so no interval",
    ]
    lost = table[~np.isfinite(table[measure].astype(float))][REPLICA].drop_duplicates()
    if len(lost):
        of_each = lost.variant.value_counts().sort_index()
        counts = ", ".join(f"{called(str(label))} {count}" for label, count in of_each.items())
        parts.append(f"{len(lost)} of {len(settings)} replicas diverged ({counts}) and {lost_ones}")
    zeros = int((table[measure] == 0).sum()) if measure == "grad_norm" else 0
    if zeros:
        parts.append(f"{zeros} gradient norms of exactly 0, which have no logarithm, are left out")
    parts += filter(None, [alike(settings.variant)])
    return " · ".join(parts)


def trained(table: pd.DataFrame) -> str:
    """Data set and networks of a table, and their activation where variants share one: its labels do not say it."""
    shared = table.activation.unique() if kind(table) == "variant" else []
    parts = [called(table.dataset.iloc[0]), " and ".join(map(called, table.model.unique()))]
    return ", ".join([*parts, *map(called, shared if len(shared) == 1 else [])])


def _finite(table: pd.DataFrame, value: str) -> pd.Series:
    values = table[value].astype(float)
    return values.where(np.isfinite(values))


def _logarithm(values: pd.Series) -> pd.Series:
    return np.log10(values.where(values > 0))


def _depths(values: pd.Series) -> str:
    found = sorted(set(values))
    if found == [FIXED]:
        return "fixed depth"
    return f"depth{'s' if len(found) > 1 else ''} {', '.join(str(value) for value in found)}"


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
