"""How many seeds it would take to decide each claim, from the spread that the runs show.

Looking again and again until something is significant finds effects that are not there: a plan is made once, its runs
are trained, and they are judged once.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from activation_study.claims.evidence import Found
from activation_study.claims.ledger import UNDECIDED, Outcome, Part
from activation_study.claims.testing import FACTOR
from activation_study.comparison import quantities as quantity
from activation_study.comparison import statistics


@dataclass(frozen=True)
class Matter:
    """The smallest effect that matters.

    Attributes:
        effect: in the quantity's unit, a factor for a ratio; NaN where the data have a margin of their own.
        reason: why.
    """

    effect: float
    reason: str


POINTS = "nobody chooses an activation for less on these data"
MATTERS: dict[str, Matter] = {  # by the name of the quantity
    quantity.ACCURACY.name: Matter(math.nan, POINTS),
    quantity.GAP.name: Matter(math.nan, POINTS),
    quantity.TRAINING_LOSS.name: Matter(1.05, "5 % of a loss is about an epoch in twenty"),
    quantity.SPARSITY.name: Matter(5, "one unit in twenty"),
    quantity.SATURATED.name: Matter(5, "one unit in twenty"),
    quantity.SATURATED_BEFORE.name: Matter(5, "one unit in twenty"),
    quantity.DEAD.name: Matter(0.5, "one unit of a layer of 128 is 0.8 %"),
    quantity.MEAN.name: Matter(0.05, "a twentieth of the spread that layers start with"),
    FACTOR: Matter(1.1, "a tenth a layer is what the claim itself allows"),
    quantity.NOISE.name: Matter(1, "a hundredth of the logits' spread changes few answers"),
    quantity.ANGLE.name: Matter(1, "a degree shortens a step's way by little"),
    quantity.UNIT_ANGLE.name: Matter(1, "a degree shortens a step's way by little"),
    quantity.SHIFT.name: Matter(0.01, "a hundredth of a step"),
}


def plan(outcomes: Sequence[Outcome], found: Mapping[str, Found]) -> pd.DataFrame:
    """What it takes to decide what is undecided, one row per claim and set of runs.

    Args:
        outcomes: the claims as they stand.
        found: the evidence by name.

    Returns:
        Columns: claim, evidence, undecided (numbers of it), n (seeds so far), spread (standard deviation over seeds, of
        the number that needs most), effect (the smallest that matters; a ratio's is a factor), seeds (that decide it
        with a probability of 0.8; infinite beyond 100,000), minutes (of training on the machine of the runs, for all
        variants and depths of the evidence), why (that effect).
    """
    rows = []
    for outcome in outcomes:
        for name in outcome.claim.tests:
            parts = [part for part in outcome.parts if part.evidence == name and _can_be_planned(part)]
            if not parts:
                continue
            needed = {part: seeds(part, found[name]) for part in parts}
            hardest = max(parts, key=needed.__getitem__)
            more = max(needed[hardest] - (hardest.n or 0), 0)
            rows.append(
                {
                    "claim": outcome.claim.id,
                    "evidence": name,
                    "undecided": len(parts),
                    "n": hardest.n,
                    "spread": hardest.spread,
                    "effect": effect(hardest, found[name]),
                    "seeds": needed[hardest],
                    "minutes": more * found[name].tables().seconds_per_seed() / 60,
                    "why": _matter(hardest).reason,
                }
            )
    return pd.DataFrame(rows)


def seeds(part: Part, found: Found) -> float:
    """How many seeds decide a number at the effect that matters; see `statistics.seeds_to_tell`."""
    least = effect(part, found)
    distance = math.log(least) if part.is_ratio else least
    is_equivalence = part.claimed.is_equivalence
    comparisons = part.comparisons * (statistics.TWO_ONE_SIDED if is_equivalence else 1)
    return statistics.seeds_to_tell(part.spread, distance, comparisons, is_equivalence)


def effect(part: Part, found: Found) -> float:
    """The smallest effect that matters, of a number on some data: in its unit, or a factor for a ratio."""
    least = _matter(part).effect
    return found.evidence.margin if math.isnan(least) else least


def _can_be_planned(part: Part) -> bool:
    return part.verdict == UNDECIDED and part.n is not None and part.spread == part.spread


def _matter(part: Part) -> Matter:
    return next(matter for name, matter in MATTERS.items() if part.quantity.startswith(name))
