"""The ledger of claims as a table, as a page, and as a picture of each claim."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from activation_study.claims import pictures, strips
from activation_study.claims.evidence import Found, own_command
from activation_study.claims.ledger import (
    CONTRADICTED,
    DEPENDS,
    NOT_RUN,
    SUPPORTED,
    UNDECIDED,
    VERDICTS,
    Outcome,
    Part,
)
from activation_study.comparison import text
from activation_study.figures import save

INTRODUCTION = """\
# Claims

What the article and the papers claim, in our words, and what the runs say. Every verdict is computed. The 95 % interval
of a number lies inside the values that the claim predicts: supported; outside: contradicted; across their edge:
undecided; its runs are missing: not run. Where a claim says that something makes no difference, two one-sided tests
against the margin take the place of the interval (it is one of 90 % then). The cases of a claim are places, a data set
and a depth each, where all its numbers must be as claimed; where it is about several activations one by one, each at
each place is a case. A claim is supported if it is in one case and contradicted in none, and contradicted the other way
round; where one case supports and another contradicts it, it *depends*, and the claim's section says on what. No
support is not yet a contradiction, and a verdict holds for these data, networks and training times.
"""


def draw(outcome: Outcome, folder: Path) -> Path | None:
    """Draws a claim; None where nothing has been run that it could show."""
    if outcome.verdict == NOT_RUN:
        return None
    picture = outcome.claim.picture or strips.intervals
    return save(picture(outcome), folder / outcome.claim.id)[0]


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Every number of the claims, one per row, with its own verdict, that of its place and that of the claim."""
    return pd.DataFrame(
        {
            "claim": outcome.claim.id,
            "claim_verdict": outcome.verdict,
            "place": part.place,
            "case_verdict": outcome.cases[outcome.case(part)],
            "compared": part.compared,
            "quantity": part.quantity,
            "claimed": str(part.claimed),
            "value": part.value,
            "low": part.low,
            "high": part.high,
            "n": "exact" if part.n is None else part.n,
            "verdict": part.verdict,
            "statistic": part.statistic,
            "note": part.note,
            "scale": outcome.found[part.evidence].scale,
            "source": outcome.claim.source,
            "command": outcome.found[part.evidence].command,
        }
        for outcome in outcomes
        for part in outcome.parts
    )


def draw_map(outcomes: Sequence[Outcome], folder: Path) -> Path | None:
    """Draws the verdicts of the article's claims by data set and depth; None where nothing has been run."""
    ours = [outcome for outcome in outcomes if outcome.claim.tests and outcome.verdict != NOT_RUN]
    return save(pictures.everywhere(ours), folder / "map")[0] if ours else None


def page(
    outcomes: Sequence[Outcome], found: Mapping[str, Found], drawn: Mapping[str, Path], out: Path,
    whole: Path | None = None,
) -> str:  # fmt: skip
    """The ledger as Markdown: all verdicts, the evidence, then a section per claim.

    Args:
        outcomes: of all claims.
        found: the evidence by name.
        drawn: the picture of each claim.
        out: the folder of the page.
        whole: the picture of all verdicts by data set and depth.
    """
    counts = [f"{sum(outcome.verdict == verdict for outcome in outcomes)} {verdict}" for verdict in VERDICTS]
    scale = next(iter(found.values())).scale
    parts = [
        INTRODUCTION,
        f"{', '.join(counts)}; scale {scale}. Made by `{own_command(scale)}`.\n",
        *(
            [f"![The verdict of each of the article's claims, by data set and depth]({whole.relative_to(out)})\n"]
            if whole
            else []
        ),
        text.markdown(overview(outcomes).assign(claim=[_link(outcome) for outcome in outcomes]), ["claim"]),
        "## Evidence\n",
        text.markdown(_evidence(found), ["command"]),
        *(section(outcome, drawn.get(outcome.claim.id), out) for outcome in outcomes),
    ]
    return "\n".join(parts)


def section(outcome: Outcome, picture: Path | None, out: Path) -> str:
    """One claim on the page."""
    claim = outcome.claim
    lines = [f"## {claim.id}\n", f"**{outcome.verdict}**: {claim.statement}\n", f"- Source: {claim.source}.",
             f"- Measured: {claim.measured}"]  # fmt: skip
    if claim.disagreement:
        lines.append(f"- **Article and papers disagree**: {claim.disagreement}")
    if claim.remark:
        lines.append(f"- To know: {claim.remark}")
    lines += [f"- Statistic: {'; '.join(statistics)}." for statistics in [_statistics(outcome)] if statistics]
    scale = next(iter(outcome.found.values())).scale
    own = own_command(scale)
    commands = [
        *dict.fromkeys(found.command for name in claim.tests if (found := outcome.found[name]).command != own),
        own,
    ]
    lines.append(f"- Made by: {', then '.join(f'`{command}`' for command in commands)}; scale {scale}.")
    if outcome.verdict == DEPENDS:
        for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED):
            if cases := outcome.where(verdict):
                lines.append(f"- {verdict.capitalize()} in: {'; '.join(cases)}.")
    if missing := outcome.where(NOT_RUN):
        lines.append(f"- Not run: {'; '.join(missing)}. The commands above train what is missing.")
    if picture:
        lines.append(f"\n![{claim.id}: {outcome.verdict}]({picture.relative_to(out)})")
    shown = [part for part in outcome.parts if part.verdict != NOT_RUN]
    if shown:
        lines += ["", text.markdown(numbers(shown))]
    return "\n".join(lines) + "\n"


def overview(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Every claim with its verdict, one per row."""
    return pd.DataFrame(
        {
            "claim": outcome.claim.id,
            "what is claimed": outcome.claim.statement,
            "verdict": outcome.verdict,
            "cases": _cases(outcome),
            "article and papers": "disagree" if outcome.claim.disagreement else "",
        }
        for outcome in outcomes
    )


def _link(outcome: Outcome) -> str:
    return f"[{outcome.claim.id}](#{outcome.claim.id})"


def _cases(outcome: Outcome) -> str:
    counts = pd.Series(list(outcome.cases.values())).value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)


def _evidence(found: Mapping[str, Found]) -> pd.DataFrame:
    rows = []
    for name, one in found.items():
        hardware = ", ".join(text.hardware(one.tables().runs))
        about = "; ".join(filter(None, [one.about, hardware]))
        rows.append({"evidence": name, "what it is": about, "scale": one.scale, "command": f"`{one.command}`"})
    return pd.DataFrame(rows)


def numbers(parts: Sequence[Part]) -> pd.DataFrame:
    """What was measured for a claim, as a person reads it."""
    rows = [
        {
            "where": part.place,
            "compared": part.compared,
            "quantity": part.quantity,
            "value": "-" if part.n == 0 else f"{part.value:.3g}",
            "95 % interval": _interval(part),
            "claimed": str(part.claimed),
            "n": "-" if part.n is None else str(part.n),
            "verdict": part.verdict,
            "note": part.note,
        }
        for part in parts
    ]
    shown = pd.DataFrame(rows)
    return shown if shown["note"].any() else shown.drop(columns="note")


def _interval(part: Part) -> str:
    if part.n is None:
        return "exact"
    of_two_tests = " (90 %)" if "90 %" in part.statistic else ""
    return "-" if part.low != part.low else f"{part.low:.3g} to {part.high:.3g}{of_two_tests}"


def _statistics(outcome: Outcome) -> list[str]:
    return list(dict.fromkeys(part.statistic for part in outcome.parts if part.statistic))
