"""The papers behind the activations, item by item; in the order of time."""

from activation_study.papers import clevert2016
from activation_study.papers.item import Item, Paper

PAPERS: dict[str, Paper] = {paper.name: paper for paper in (clevert2016.PAPER,)}

__all__ = ["PAPERS", "Item", "Paper"]
