"""What a claim is, and how its verdict follows from what was measured. No verdict is written by hand."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from activation_study.claims.evidence import Found

SUPPORTED, CONTRADICTED, DEPENDS, UNDECIDED, NOT_RUN = VERDICTS = (
    "supported", "contradicted", "depends", "undecided", "not run"
)  # fmt: skip
NAN, INFINITY = math.nan, math.inf


@dataclass(frozen=True)
class Range:
    """The values that a claim predicts, from `low` to `high`, neither included."""

    low: float = -INFINITY
    high: float = INFINITY

    def verdict(self, low: float, high: float) -> str:
        """Supported if the interval lies inside, contradicted if it lies outside, undecided where it reaches across."""
        if self.low < low and high < self.high:
            return SUPPORTED
        return CONTRADICTED if high < self.low or low > self.high else UNDECIDED

    @property
    def is_equivalence(self) -> bool:
        """Whether it has two edges, for which two one-sided tests are made."""
        return self.low > -INFINITY and self.high < INFINITY

    def __str__(self) -> str:
        if self.low == -INFINITY:
            return f"below {self.high:g}"
        if self.high == INFINITY:
            return f"above {self.low:g}"
        low, high = f"{self.low:.3g}", f"{self.high:.3g}"
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class Part:
    """One number that a claim predicts, with its interval.

    Attributes:
        evidence: name of the evidence that it was measured on.
        at: where within that, such as "depth 8"; may be empty.
        compared: the activation or activations, such as "elu - relu".
        quantity: what was measured, with its unit.
        claimed: the values that the claim predicts.
        n: replicas or pairs behind the number; 0 where the runs are missing, None where it is computed exactly.
        value: the number.
        low: lower end of its 95 % interval; the value itself where it is exact.
        high: upper end.
        statistic: what number and interval are.
        note: what else to know, such as how many replicas diverged.
        is_ratio: whether a logarithmic axis suits it.
        spread: standard deviation over the replicas, of logarithms where it is a ratio; NaN where there is none.
        comparisons: how many such numbers are to hold jointly.
    """

    evidence: str
    at: str
    compared: str
    quantity: str
    claimed: Range
    n: int | None
    value: float = NAN
    low: float = NAN
    high: float = NAN
    statistic: str = ""
    note: str = ""
    is_ratio: bool = False
    spread: float = NAN
    comparisons: int = 1

    @property
    def verdict(self) -> str:
        """That of this number alone."""
        return NOT_RUN if self.n == 0 else self.claimed.verdict(self.low, self.high)

    @property
    def place(self) -> str:
        """The evidence and where in it."""
        return f"{self.evidence}, {self.at}" if self.at else self.evidence


Test = Callable[[Found, int], list[Part]]  # from evidence, and the number of places that the claim is tested at


@dataclass(frozen=True)
class Claim:
    """A claim of the article or of a paper, in our own words, and what would support or contradict it.

    Attributes:
        id: its name, which the page links to.
        source: where it is claimed: section of the article; paper with table or section.
        statement: what is claimed.
        measured: the quantity that tests it, and from where to where it would have to lie.
        tests: for each evidence by name, the test that it is put to.
        disagreement: where article and papers disagree.
        remark: what else to know.
        one_by_one: whether every number is a case of its own, as in "each leaky kind", and not all numbers at a place
            together, as in "better than every other".
        picture: draws its outcome; by default the interval of every part.
    """

    id: str
    source: str
    statement: str
    measured: str
    tests: Mapping[str, Test]
    disagreement: str = ""
    remark: str = ""
    one_by_one: bool = False
    picture: "Callable[[Outcome], Figure] | None" = None


@dataclass(frozen=True)
class Outcome:
    """A claim with what was measured for it.

    Attributes:
        claim: the claim.
        parts: every number that it predicts.
        found: the evidence by name.
    """

    claim: Claim
    parts: list[Part]
    found: Mapping[str, Found]

    @property
    def cases(self) -> dict[str, str]:
        """The verdict of each case, in order: of each place, or of each number there."""
        by_case: dict[str, list[str]] = {}
        for part in self.parts:
            by_case.setdefault(self.case(part), []).append(part.verdict)
        return {case: together(verdicts) for case, verdicts in by_case.items()}

    def case(self, part: Part) -> str:
        """The case that a part belongs to."""
        return f"{part.place}: {part.compared}" if self.claim.one_by_one else part.place

    @property
    def verdict(self) -> str:
        """That of the claim; what functions alone say can refute one about networks, and never support it."""
        computed = {self.case(part) for part in self.parts if part.n is None}
        measured = [verdict for case, verdict in self.cases.items() if case not in computed]
        if measured and any(self.cases[case] == CONTRADICTED for case in computed):
            return CONTRADICTED
        return across(measured or list(self.cases.values()))

    def where(self, verdict: str) -> list[str]:
        """The cases that have come to a verdict."""
        return [case for case, found in self.cases.items() if found == verdict]


def judge(claim: Claim, found: Mapping[str, Found]) -> Outcome:
    """Puts a claim to its tests.

    Args:
        claim: the claim.
        found: the evidence by name, at least what the claim's tests need.
    """
    places = sum(len(found[name].depths) for name in claim.tests)
    return Outcome(claim, [part for name, test in claim.tests.items() for part in test(found[name], places)], found)


def counted(verdicts: Iterable[str]) -> str:
    """How often each verdict is among them, such as "2 supported, 1 undecided"."""
    counts = Counter(verdicts)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)


def together(verdicts: Sequence[str]) -> str:
    """The verdict of numbers that must all be as claimed, as in "better than every other"."""
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    if all(verdict == SUPPORTED for verdict in verdicts):
        return SUPPORTED
    return NOT_RUN if NOT_RUN in verdicts else UNDECIDED


def across(verdicts: Sequence[str]) -> str:
    """The verdict over several cases: that of those which are decided, and "depends" where these disagree."""
    known = [verdict for verdict in verdicts if verdict != NOT_RUN]
    if not known:
        return NOT_RUN
    decided = {SUPPORTED, CONTRADICTED} & set(known)
    if len(decided) == 2:
        return DEPENDS
    return decided.pop() if decided else UNDECIDED
