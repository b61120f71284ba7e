"""The tests that claims are put to: levels, paired differences, trends over depth, and exact values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from activation_study import statistics
from activation_study.claims.evidence import Found
from activation_study.claims.ledger import Part, Range, Test
from activation_study.claims.quantities import ACCURACY, GRADIENT_RATIO, Quantity

Claimed = Callable[[Found], Range]
Pairs = Sequence[tuple[str, str]]
MEAN_OVER_SEEDS = "mean over seeds, 95 % BCa bootstrap interval"
ABOVE_ZERO, BELOW_ZERO, BELOW_ONE = Range(low=0), Range(high=0), Range(high=1)


def equivalent(found: Found) -> Range:
    """Within the margin of the data on either side."""
    return Range(-found.evidence.margin, found.evidence.margin)


def not_worse(found: Found) -> Range:
    """Better, or worse by less than the margin of the data."""
    return Range(low=-found.evidence.margin)


def on(test: Test, *evidence: str) -> dict[str, Test]:
    """The same test on several sets of runs."""
    return dict.fromkeys(evidence, test)


def against(ours: str, theirs: Iterable[str]) -> Pairs:
    """One activation with each of several."""
    return [(ours, other) for other in theirs]


def each(ours: Iterable[str], theirs: str) -> Pairs:
    """Each of several activations with one."""
    return [(name, theirs) for name in ours]


def all_of(*tests: Test) -> Test:
    """Several tests that must all hold; their intervals hold jointly."""
    return lambda found, places: [part for test in tests for part in test(found, places * len(tests))]


def paired(quantity: Quantity, pairs: Pairs, claimed: Range | Claimed) -> Test:
    """A test of differences, or ratios, of two activations, paired by seed, at every depth of the evidence.

    The intervals hold jointly for all pairs at all places of the claim (Bonferroni). A pair of replicas of which one
    diverged is left out, but for accuracies, where it counts as 0.

    Args:
        quantity: what is compared.
        pairs: ours and theirs; the difference is ours less theirs.
        claimed: where each difference would have to lie.
    """

    def test(found: Found, places: int) -> list[Part]:
        return [one(found, depth, *pair, places) for depth in found.depths for pair in pairs]

    def one(found: Found, depth: int, ours: str, theirs: str, places: int) -> Part:
        sign, kind = ("/", "ratio") if quantity.as_ratio else ("-", "difference")
        unit = f" ({quantity.unit})" if quantity.unit and not quantity.as_ratio else ""
        range_ = claimed if isinstance(claimed, Range) else claimed(found)
        part = Part(found.name, f"depth {depth}", f"{ours} {sign} {theirs}", f"{quantity.name}, {kind}{unit}", range_,
                    0, is_ratio=quantity.as_ratio)  # fmt: skip
        a, b = found.values(quantity, ours, depth), found.values(quantity, theirs, depth)
        if a is None or b is None:
            return part
        part = replace(part, note=_diverged(found, depth, ours, theirs))
        if quantity is ACCURACY:
            share, low, high = statistics.probability_of_improvement(a, b)
            better = f"P({ours} better) {share:.2f} [{low:.2f}, {high:.2f}]"
            part = replace(part, note="; ".join(filter(None, [better, part.note])))
        return _compared(part, a, b, len(pairs) * places)

    return test


def _compared(part: Part, ours: NDArray[np.float64], theirs: NDArray[np.float64], comparisons: int) -> Part:
    if part.is_ratio:
        ours, theirs = _log(ours), _log(theirs)
    known = np.isfinite(ours) & np.isfinite(theirs)
    statistic = f"{'geometric mean ratio' if part.is_ratio else 'mean difference'} paired by seed, 95 % t interval"
    if comparisons > 1:
        statistic += f" that holds jointly for {comparisons} comparisons (Bonferroni)"
    if not known.any():
        return replace(part, n=len(known), statistic=statistic)
    numbers = statistics.difference(ours[known], theirs[known], comparisons)
    return _with(part, int(known.sum()), np.exp(numbers) if part.is_ratio else numbers, statistic)


def level(quantity: Quantity, activations: Iterable[str], claimed: Range) -> Test:
    """A test of the mean over seeds of each activation, with its bootstrap interval, at every depth of the evidence."""

    def test(found: Found, places: int) -> list[Part]:
        return [one(found, depth, name) for depth in found.depths for name in activations]

    def one(found: Found, depth: int, name: str) -> Part:
        values = found.values(quantity, name, depth)
        label = f"{quantity.name} ({quantity.unit})" if quantity.unit else quantity.name
        part = Part(found.name, f"depth {depth}", name, label, claimed, 0)
        if values is None:
            return part
        known = values[np.isfinite(values)]
        part = replace(part, n=len(values), note=_diverged(found, depth, name))
        if not len(known):
            return part
        return _with(part, len(known), (known.mean(), *statistics.interval(known)), MEAN_OVER_SEEDS)

    return test


def factor_per_layer(activations: Iterable[str], claimed: Range) -> Test:
    """A test of the factor by which each further layer changes the gradient norm of the first relative to the last.

    For each seed a line through the logarithm of that ratio against depth, before training; its slope as a factor.
    """

    def test(found: Found, places: int) -> list[Part]:
        return [one(found, name) for name in activations]

    def one(found: Found, name: str) -> Part:
        values = [found.values(GRADIENT_RATIO, name, depth) for depth in found.depths]
        part = Part(found.name, f"depths {found.depths[0]} to {found.depths[-1]}", name,
                    "factor of the gradient norm per further layer", claimed, 0, is_ratio=True)  # fmt: skip
        present = [value for value in values if value is not None]
        if len(present) < len(values):
            return part
        logs = _log(np.stack(present))
        slopes = np.polyfit(found.depths, logs[:, np.isfinite(logs).all(0)], 1)[0]
        numbers = np.exp([slopes.mean(), *statistics.interval(slopes)])
        return _with(part, len(slopes), numbers, f"geometric {MEAN_OVER_SEEDS}")

    return test


def exact(
    found: Found, compared: str, quantity: str, value: float, claimed: Range, at: str = "", is_ratio: bool = False
) -> Part:
    """A number that has no spread."""
    return Part(found.name, at, compared, quantity, claimed, None, value, value, value, "computed", is_ratio=is_ratio)


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm, NaN of what has none."""
    return np.log(values, out=np.full_like(values, np.nan), where=values > 0)


def _with(part: Part, n: int, numbers: Iterable[float], statistic: str) -> Part:
    value, low, high = (float(number) for number in numbers)
    return replace(part, n=n, value=value, low=low, high=high, statistic=statistic)


def _diverged(found: Found, depth: int, *names: str) -> str:
    counts = {name: found.diverged(name, depth) for name in names if found.has(name, depth)}
    return "; ".join(f"{name}: {count} of {len(found.seeds)} diverged" for name, count in counts.items() if count)
