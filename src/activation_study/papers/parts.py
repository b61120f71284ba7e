"""From numbers by seed to what a claim of a paper rests on: paired differences, ratios and levels, held jointly."""

from collections.abc import Sequence

import pandas as pd

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.comparison.statistics import Estimate

Pairs = Sequence[tuple[str, str]]


def differences(
    values: pd.DataFrame, where: str, at: str, pairs: Pairs, claimed: Range, quantity: str, comparisons: int = 1
) -> list[Part]:
    """Mean differences paired by seed, ours less theirs.

    Args:
        values: one row per seed, one column per variant.
        where: the item, as evidence.
        at: where in it.
        pairs: ours and theirs.
        claimed: where each difference would have to lie.
        quantity: what the numbers are, with their unit.
        comparisons: how many times as many intervals as pairs are to hold jointly.
    """
    return [
        _part(where, at, f"{ours} - {theirs}", f"{quantity}, difference", claimed,
              statistics.difference(values[ours], values[theirs], comparisons * len(pairs)),
              len(values[[ours, theirs]].dropna()), "mean difference paired by seed, 95 % t interval")
        for ours, theirs in pairs
    ]  # fmt: skip


def ratios(
    values: pd.DataFrame, where: str, at: str, pairs: Pairs, claimed: Range, quantity: str, comparisons: int = 1
) -> list[Part]:
    """Geometric mean ratios paired by seed, ours over theirs; see `differences`."""
    return [
        _part(where, at, f"{ours} / {theirs}", f"{quantity}, ratio", claimed,
              statistics.geometric_mean(values[ours] / values[theirs], comparisons * len(pairs)),
              len(values[[ours, theirs]].dropna()),
              "geometric mean ratio paired by seed, 95 % t interval on logarithms", True)
        for ours, theirs in pairs
    ]  # fmt: skip


def level(
    values: pd.Series, where: str, at: str, variant: str, claimed: Range, quantity: str, comparisons: int = 1
) -> Part:
    """The mean of one number per seed."""
    estimate = statistics.mean(values, comparisons)
    return _part(where, at, variant, quantity, claimed, estimate, int(values.notna().sum()), "mean, 95 % t interval")


def exact(value: float, where: str, at: str, compared: str, claimed: Range, quantity: str) -> Part:
    """A number that is computed, without chance."""
    return Part(where, at, compared, quantity, claimed, None, value, value, value)


def _part(
    where: str, at: str, compared: str, quantity: str, claimed: Range, estimate: Estimate, n: int, statistic: str,
    is_ratio: bool = False,
) -> Part:  # fmt: skip
    return Part(where, at, compared, quantity, claimed, n, *estimate, statistic, is_ratio=is_ratio)
