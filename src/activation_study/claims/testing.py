"""The tests that claims are put to: levels, paired differences, trends over depth, and exact values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from activation_study.claims.evidence import Found
from activation_study.claims.ledger import Part, Range, Test
from activation_study.comparison import statistics
from activation_study.comparison.quantities import ACCURACY, GRADIENT_RATIO, Quantity
from activation_study.comparison.statistics import Estimate

Claimed = Callable[[Found], Range]
Pairs = Sequence[tuple[str, str]]
FACTOR = "factor of the gradient norm per further layer"
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
    has no value is left out.

    Args:
        quantity: what is compared.
        pairs: ours and theirs; the difference is ours less theirs.
        claimed: where each difference would have to lie.
    """

    def test(found: Found, places: int) -> list[Part]:
        return [one(found, depth, *pair, places) for depth in found.depths for pair in pairs]

    def one(found: Found, depth: int, ours: str, theirs: str, places: int) -> Part:
        sign, kind = ("/", "ratio") if quantity.logarithmic else ("-", "difference")
        unit = f" ({quantity.unit})" if quantity.unit and not quantity.logarithmic else ""
        range_ = claimed if isinstance(claimed, Range) else claimed(found)
        part = Part(found.name, f"depth {depth}", f"{ours} {sign} {theirs}", f"{quantity.name}, {kind}{unit}", range_,
                    0, is_ratio=quantity.logarithmic)  # fmt: skip
        a, b = found.values(quantity, ours, depth), found.values(quantity, theirs, depth)
        if a is None or b is None:
            return part
        part = replace(part, note=_diverged(found, quantity, depth, ours, theirs))
        if quantity is ACCURACY:
            both = np.isfinite(a) & np.isfinite(b)
            share, low, high = statistics.probability_of_improvement(a[both], b[both])
            better = f"P({ours} better) {share:.2f} [{low:.2f}, {high:.2f}]"
            part = replace(part, note="; ".join(filter(None, [better, part.note])))
        statistic = f"{'geometric mean ratio' if quantity.logarithmic else 'mean difference'} paired by seed"
        comparisons = len(pairs) * places
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(np.divide(a, b)) if quantity.logarithmic else a - b
        return _with(part, quantity, values, quantity.difference(a, b, _tested(range_, comparisons)), statistic,
                     comparisons)  # fmt: skip

    return test


def level(quantity: Quantity, activations: Sequence[str], claimed: Range) -> Test:
    """A test of the mean over seeds of each activation at every depth of the evidence.

    The intervals hold jointly for all activations at all places of the claim.
    """

    def test(found: Found, places: int) -> list[Part]:
        return [one(found, depth, name, len(activations) * places) for depth in found.depths for name in activations]

    def one(found: Found, depth: int, name: str, comparisons: int) -> Part:
        values = found.values(quantity, name, depth)
        label = f"{quantity.name} ({quantity.unit})" if quantity.unit else quantity.name
        part = Part(found.name, f"depth {depth}", name, label, claimed, 0)
        if values is None:
            return part
        part = replace(part, note=_diverged(found, quantity, depth, name))
        spread = np.log(values) if quantity.logarithmic else values
        return _with(part, quantity, spread, quantity.mean(values, _tested(claimed, comparisons)), "mean over seeds",
                     comparisons)  # fmt: skip

    return test


def factor_per_layer(activations: Sequence[str], claimed: Range) -> Test:
    """A test of the factor by which each further layer changes the gradient norm of the first relative to the last.

    For each seed a line through the logarithm of that ratio against depth, before training; its slope as a factor. The
    intervals hold jointly for all activations.
    """

    def test(found: Found, places: int) -> list[Part]:
        return [one(found, name, len(activations)) for name in activations]

    def one(found: Found, name: str, comparisons: int) -> Part:
        values = [found.values(GRADIENT_RATIO, name, depth) for depth in found.depths]
        part = Part(found.name, f"depths {found.depths[0]} to {found.depths[-1]}", name,
                    FACTOR, claimed, 0, is_ratio=True)  # fmt: skip
        present = [value for value in values if value is not None]
        if len(present) < len(values):
            return part
        logs = np.log(np.stack(present))
        slopes = np.exp(np.polyfit(found.depths, logs[:, np.isfinite(logs).all(0)], 1)[0])
        estimate = statistics.geometric_mean(slopes, _tested(claimed, comparisons))
        return _with(part, GRADIENT_RATIO, np.log(slopes), estimate, "geometric mean over seeds", comparisons)

    return test


def exact(
    found: Found, compared: str, quantity: str, value: float, claimed: Range, at: str = "", is_ratio: bool = False
) -> Part:
    """A number that has no spread."""
    return Part(found.name, at, compared, quantity, claimed, None, value, value, value, "computed", is_ratio=is_ratio)


def _with(
    part: Part, quantity: Quantity, values: NDArray[np.float64], estimate: Estimate, statistic: str, comparisons: int
) -> Part:
    """The part with its number, as it is shown, and what that is."""
    statistic += ", 95 % t interval" if not part.claimed.is_equivalence else ", 90 % t interval (two one-sided tests)"
    if comparisons > 1:
        statistic += f" that holds jointly for {comparisons} comparisons (Bonferroni)"
    factor = 1.0 if quantity.logarithmic else quantity.factor
    value, low, high = (factor * number for number in estimate)
    known = values[np.isfinite(values)]
    spread = factor * float(np.std(known, ddof=1)) if len(known) > 1 else np.nan
    return replace(part, n=len(known) or len(values), value=value, low=low, high=high, statistic=statistic,
                   spread=spread, comparisons=comparisons)  # fmt: skip


def _tested(claimed: Range, comparisons: int) -> float:
    """As many comparisons as an interval is widened for."""
    return comparisons * (statistics.TWO_ONE_SIDED if claimed.is_equivalence else 1)


def _diverged(found: Found, quantity: Quantity, depth: int, *names: str) -> str:
    counts = {name: found.diverged(name, depth, quantity.tuned_for) for name in names}
    return "; ".join(f"{name}: {count} of {len(found.seeds)} diverged" for name, count in counts.items() if count)
