"""The page of a paper, and the page over all of them, from the results on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from activation_study.claims.evidence import Evidence, Found
from activation_study.claims.ledger import CONTRADICTED, SUPPORTED, Claim, Outcome, counted
from activation_study.comparison import text
from activation_study.papers import results
from activation_study.papers.item import MARKS, Cell, Item, Paper
from activation_study.papers.results import Result


def outcomes(paper: Paper, item: Item, result: Result) -> list[Outcome]:
    """The paper's claims of an item, judged by its table; not those of networks that its scale leaves out."""
    where = f"{paper.name} {item.name}"
    found = {where: Found(Evidence(where, about=item.shows), result.scale, command(paper, item, result), item.shows)}
    source = f"{paper.reference.split(',')[0]} {paper.name[-4:]}, {item.name}"
    return [
        Outcome(
            Claim(finding.id, source, finding.statement, finding.measured, {}, remark=finding.remark),
            parts,
            found,
        )
        for finding in item.findings
        if (parts := finding.parts(result.table, where))
    ]


def command(paper: Paper, item: Item, result: Result | None) -> str:
    """What makes an item as a result was made; without a result, at scale=desk."""
    scale = "desk" if result is None else result.scale
    precision = "" if result is None or result.precision == "float32" else f" precision={result.precision}"
    return f"python experiments/reproduce.py paper={paper.name} item={item.name} scale={scale}{precision}"


def _scale_told(result: Result) -> str:
    return result.scale if result.precision == "float32" else f"{result.scale} in {result.precision}"


def note(item: Item, result: Result) -> str:
    """What stands under an item's figure: at which scale it was made, and what was cut."""
    cut = item.scales[result.scale].cut
    return f"scale {_scale_told(result)}, {seeds_told(result.seeds)}{f': {cut}' if cut else ''}"


def verdict(judged: Sequence[Outcome]) -> str:
    """What the claims of an item have come to, in a sentence each."""
    if not judged:
        return "The paper claims nothing here that a number decides."
    return " ".join(f"{_of_how_many(outcome)}: {outcome.claim.statement}" for outcome in judged)


def _of_how_many(outcome: Outcome) -> str:
    """The verdict, and how many cases it is that of, where others came to none: "Supported (1 of 2 cases)"."""
    alike, cases = len(outcome.where(outcome.verdict)), len(outcome.cases)
    counted = f" ({alike} of {cases} cases)" if 0 < alike < cases else ""
    return f"{outcome.verdict.capitalize()}{counted}"


def paper_page(paper: Paper, out: Path) -> str:
    """The page of a paper as Markdown."""
    parts = [f"# {paper.reference}\n", f"{paper.about}\n"]
    if paper.source:
        parts.append(f"{paper.source}\n")
    if paper.open_points:
        parts.append(_left_open(paper))
    made = {item: results.read(out, paper, item) for item in paper.items}
    if len(made) > 1:
        parts.append(text.markdown(_contents(paper, made), ["item"]))
    for item, result in made.items():
        parts.append(f"## {item.name}\n")
        parts.append(f"{item.shows}\n")
        if result is None:
            parts.append(f"Not made yet: {text.as_code(command(paper, item, None))}.\n")
            continue
        parts += _section(paper, item, result)
    return "\n".join(parts)


def _contents(paper: Paper, made: Mapping[Item, Result | None]) -> pd.DataFrame:
    """One row per item: what it shows, and what has become of its claims."""
    return pd.DataFrame(
        {
            "item": f"[{item.name}](#{item.name})",
            "shows": item.shows,
            "scale": "not made yet" if result is None else _scale_told(result),
            "claims": "" if result is None else counted(outcome.verdict for outcome in outcomes(paper, item, result)),
        }
        for item, result in made.items()
    )


def _section(paper: Paper, item: Item, result: Result) -> list[str]:
    scale = item.scales[result.scale]
    parts = [f"![{item.name}, made again]({item.name}.png)\n", f"**The paper.** {item.paper_says}\n"]
    if cells := item.cells(result.table):
        parts.append(text.markdown(table_of(cells)))
    judged = outcomes(paper, item, result)
    parts.append(f"**Verdict.** {verdict(judged)}\n")
    if judged:
        parts.append(text.markdown(_numbers(judged)))
    if scale.cut:
        parts.append(f"**Cut.** {scale.cut}\n")
    if item.open_points:
        parts.append(_left_open(item))
    remarks = [f"{outcome.claim.id}: {outcome.claim.remark}" for outcome in judged if outcome.claim.remark]
    if remarks:
        parts.append(f"**To know.** {' '.join(remarks)}\n")
    hardware = "; ".join(result.hardware)
    minutes = f"{result.minutes:.0f} minutes" if result.minutes >= 1.5 else "about a minute"
    made = f"Scale {_scale_told(result)}, {seeds_told(result.seeds)}, {hardware}, {minutes} of computing."
    parts.append(f"{made} Made by {text.as_code(command(paper, item, result))}.\n")
    return parts


def _left_open(whole: Paper | Item) -> str:
    return f"**Left open by the paper.** {whole.open_points}\n"


def seeds_told(count: int) -> str:
    """Such as `5 seeds`."""
    return f"{count} seed{'' if count == 1 else 's'}"


def table_of(cells: Sequence[Cell]) -> pd.DataFrame:
    """Cells as a person reads them."""
    return pd.DataFrame(
        {
            "what": cell.what,
            "paper": f"{cell.paper:.{cell.digits}f}{f' ({MARKS[cell.mark]})' if MARKS[cell.mark] else ''}",
            "ours": f"{cell.ours.value:.{cell.digits}f}",
            "95 % interval": f"{cell.ours.low:.{cell.digits}f} to {cell.ours.high:.{cell.digits}f}"
            if cell.ours.low == cell.ours.low
            else "-",
            "n": cell.n,
            "unit": cell.unit,
            "paper's in ours": ("yes" if cell.is_inside else "no") if cell.alike else "an analogue",
        }
        for cell in cells
    )


def _numbers(judged: Sequence[Outcome]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "claim": outcome.claim.id,
            "where": part.place.split(", ", 1)[-1],
            "compared": part.compared,
            "quantity": part.quantity,
            "value": f"{part.value:.3g}",
            "95 % interval": "exact" if part.n is None else f"{part.low:.3g} to {part.high:.3g}",
            "claimed": str(part.claimed),
            "n": "-" if part.n is None else str(part.n),
            "verdict": part.verdict,
        }
        for outcome in judged
        for part in outcome.parts
    )


def overview(papers: Sequence[Paper], out: Path) -> pd.DataFrame:
    """One row per paper: items made, cells inside our intervals, and what has become of its claims."""
    rows = []
    for paper in papers:
        made = {item: result for item in paper.items if (result := results.read(out, paper, item))}
        cells = [cell for item, result in made.items() for cell in item.cells(result.table)]
        judged = [outcome.verdict for item, result in made.items() for outcome in outcomes(paper, item, result)]
        alike = [cell for cell in cells if cell.alike]
        rows.append(
            {
                "paper": f"[{paper.name}]({paper.name}/README.md)",
                "items made": f"{len(made)} of {len(paper.items)}",
                "numbers set beside ours": len(cells),
                "of the same set-up": len(alike),
                "of these in our interval": sum(cell.is_inside for cell in alike),
                "claims supported": judged.count(SUPPORTED),
                "contradicted": judged.count(CONTRADICTED),
                "undecided, or depends": len(judged) - judged.count(SUPPORTED) - judged.count(CONTRADICTED),
                "scale": ", ".join(sorted({result.scale for result in made.values()})) or "-",
            }
        )
    return pd.DataFrame(rows)


def overview_page(papers: Sequence[Paper], out: Path) -> str:
    """The page over all papers as Markdown."""
    return "\n".join(
        [
            "# The papers, made again\n",
            "Every figure and table that can be made here, each on a page of its paper: our figure in the paper's "
            "form, the paper's numbers beside ours with their intervals, what was cut, and a verdict. A number of the "
            "paper counts as in our interval only where data and network are the same.\n",
            text.markdown(overview(papers, out), ["paper"]),
            "Made by `python experiments/reproduce.py item=all`; without arguments it lists every item with the time "
            "that it takes.\n",
        ]
    )
