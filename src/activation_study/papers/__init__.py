"""The papers behind the activations, item by item; in the order of time."""

from pathlib import Path

from activation_study.claims.ledger import Outcome
from activation_study.papers import (
    clevert2016,
    glorot2010,
    glorot2011,
    he2015,
    lu2020,
    maas2013,
    nair2010,
    page,
    ramachandran2017,
    results,
    schoenholz2017,
    xu2015,
)
from activation_study.papers.item import Finding, Item, Paper

PAPERS: dict[str, Paper] = {
    paper.name: paper
    for paper in (
        nair2010.PAPER,
        glorot2010.PAPER,
        glorot2011.PAPER,
        maas2013.PAPER,
        he2015.PAPER,
        xu2015.PAPER,
        clevert2016.PAPER,
        schoenholz2017.PAPER,
        ramachandran2017.PAPER,
        lu2020.PAPER,
    )
}
FINDINGS: dict[str, Finding] = {
    finding.id: finding for paper in PAPERS.values() for item in paper.items for finding in item.findings
}

__all__ = ["FINDINGS", "PAPERS", "Finding", "Item", "Paper", "judged_in"]


def judged_in(out: Path) -> list[Outcome]:
    """The papers' claims of all items that have been made in a folder of results."""
    return [
        outcome
        for paper in PAPERS.values()
        for item in paper.items
        if (result := results.read(out, paper, item)) is not None
        for outcome in page.outcomes(paper, item, result)
    ]
