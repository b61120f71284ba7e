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
    Outcome,
    Part,
    counted,
)
from activation_study.comparison import text
from activation_study.figures import save

ORDER = (CONTRADICTED, DEPENDS, UNDECIDED, NOT_RUN, SUPPORTED)  # what a reader may not expect comes first
TITLE = """\
# Claims

What the article and the papers claim, in our words, and what the runs say. Every verdict is computed.
"""
VERDICT_MEANS = """\
## How a verdict is reached

- **Supported**: the whole interval agrees with the prediction.
- **Contradicted**: the whole interval disagrees with the prediction.
- **Undecided**: the interval includes both.
- **Not run**: the runs are missing.
- **Depends**: one case supports the claim and another contradicts it. Its section says which.

Intervals are of 95 %. Where a claim says that something makes no difference, two one-sided tests against a margin take
their place; such an interval is of 90 % and says so.

A case is a data set and a depth. All numbers of a claim must be as predicted there. Where a claim is about several
activations one by one, each of them is a case of its own. A claim is supported if it is in one case and contradicted in
none, and contradicted the other way round.

A verdict holds for these data, networks and training times. Lack of support is not yet a contradiction.
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
    """The ledger as Markdown: the claims by verdict, what verdicts mean, the evidence, then a section per claim.

    Args:
        outcomes: of all claims.
        found: the evidence by name.
        drawn: the picture of each claim.
        out: the folder of the page.
        whole: the picture of all verdicts by data set and depth.
    """
    counts = {verdict: sum(outcome.verdict == verdict for outcome in outcomes) for verdict in ORDER}
    scale = next(iter(found.values())).scale
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    parts = [TITLE, f"{told}; scale {scale}. Made by `{own_command(scale)}`.\n"]
    if whole:
        parts.append(
            f"![The verdict of each of the article's claims, by data set and depth]({whole.relative_to(out)})\n"
        )
    for verdict in (verdict for verdict, count in counts.items() if count):
        listed = [outcome for outcome in outcomes if outcome.verdict == verdict]
        rows = overview(listed).drop(columns="verdict")
        rows = rows.assign(claim=list(map(_link, listed)), evidence=[_sources(one, out) for one in listed])
        parts += [f"## {verdict.capitalize()}\n", text.markdown(rows, ["claim", "evidence"])]
    parts += [VERDICT_MEANS, "## Evidence\n", text.markdown(_evidence(found), ["command"])]
    return "\n".join([*parts, *(section(outcome, drawn.get(outcome.claim.id), out) for outcome in outcomes)])


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
            "cases": counted(outcome.cases.values()),
            "article and papers": "disagree" if outcome.claim.disagreement else "",
        }
        for outcome in outcomes
    )


def _link(outcome: Outcome) -> str:
    return f"[{outcome.claim.id}](#{outcome.claim.id})"


def _sources(outcome: Outcome, out: Path) -> str:
    """Links to the pages of the evidence that a claim was put to, those in the folder of the page."""
    links = []
    for name in dict.fromkeys(part.evidence for part in outcome.parts):
        page = _page_of(outcome.found[name])
        links.append(f"[{name}]({page})" if (out / page).is_file() else f"[{name}](#evidence)")
    return ", ".join(links)


def _page_of(found: Found) -> str:
    """Where the page of some evidence lies beside the ledger: that of a comparison, or that of a paper."""
    paper, _, item = found.name.partition(" ")
    return f"papers/{paper}/README.md" if item else f"{found.evidence.preset}/summary.md"


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
