"""What an item of a paper is: the runs behind it, the table that they give, its figure, its numbers and its claims.

A module of this package describes one paper by its items. The command `reproduce` trains what an item needs, makes its
table, keeps that beside the page of the paper, and draws from it; so a page is made again without training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part
from activation_study.comparison.statistics import Estimate
from activation_study.runs import Run

SCALES = ("paper", "desk", "smoke")
MARKS = {
    "read": "",
    "read off": "read off the figure",
    "quoted": "as quoted elsewhere",
    "memory": "from memory, not checked",
}


@dataclass(frozen=True)
class Scale:
    """How much of an item is made.

    Attributes:
        seeds: networks of each kind.
        minutes: what it takes, as measured on REFERENCE; see `commands.reproduce`.
        options: overrides of `train.py` that all its runs share, such as "train.epochs=300".
        cut: what is less than in the paper, in a sentence; empty where nothing is.
    """

    seeds: int
    minutes: float
    options: tuple[str, ...] = ()
    cut: str = ""

    def value(self, key: str) -> str | None:
        """What the options set a key to; None where they leave it to the plan."""
        return dict(option.split("=", 1) for option in self.options).get(key)


@dataclass(frozen=True)
class Made:
    """What has been trained for an item: its finished runs by the labels of its plan.

    Attributes:
        runs: of each label.
        seeds: those that were asked for; a run may hold others.
        rates: the learning rates of each label, likewise.
    """

    runs: Mapping[str, Sequence[Run]]
    seeds: Sequence[int]
    rates: Mapping[str, Sequence[float]]

    def table(self, name: str) -> pd.DataFrame:
        """A table of all runs, such as metrics, layers or units, each row with its label."""
        parts = []
        for label, runs in self.runs.items():
            for run in runs:
                rows = run.table(name)
                wanted = rows["seed"].isin(self.seeds) & rows["learning_rate"].isin(self.rates[label])
                parts.append(rows[wanted].assign(label=label))
        table = pd.concat(parts, ignore_index=True)
        keys = [key for key in ("label", "seed", "learning_rate", "epoch", "step", "split", "layer", "unit", "level")
                if key in table]  # fmt: skip
        return table.drop_duplicates(keys)

    def tuned(self, name: str) -> pd.DataFrame:
        """A table as above, of each label only at the learning rate that does best on validation images at the end.

        That is the one with the highest mean accuracy, diverged networks counting as 0, and of several the lowest.
        """
        metrics = self.table("metrics").query("split == 'valid'")
        last = metrics[metrics["epoch"] == metrics.groupby("label")["epoch"].transform("max")].fillna({"accuracy": 0.0})
        best = last.groupby(["label", "learning_rate"])["accuracy"].mean().unstack().idxmax(axis=1)
        rows = self.table(name)
        return rows[rows["learning_rate"] == rows["label"].map(best)].reset_index(drop=True)


@dataclass(frozen=True)
class Cell:
    """A number of the paper beside ours.

    Attributes:
        what: of which row and column.
        paper: the paper's number.
        ours: ours with its 95 % interval.
        n: networks behind ours.
        mark: how the paper's number was read, one of MARKS.
        unit: of both.
        digits: behind the decimal point.
        alike: whether both are of the same data and network; otherwise ours is an analogue, and is not counted.
    """

    what: str
    paper: float
    ours: Estimate
    n: int
    mark: Literal["read", "read off", "quoted", "memory"] = "read"
    unit: str = ""
    digits: int = 2
    alike: bool = True

    @property
    def is_inside(self) -> bool:
        """Whether the paper's number lies in our interval."""
        return bool(self.ours.low <= self.paper <= self.ours.high)


@dataclass(frozen=True)
class Finding:
    """What a paper says of an item, as a claim that its table decides.

    Attributes:
        id: its name in the ledger of claims.
        statement: what is claimed, in our words.
        measured: the quantity that tests it, and where it would have to lie.
        parts: from the item's table and the name of the item to the numbers that it predicts.
        remark: what else to know, such as what was tried where we contradict it.
    """

    id: str
    statement: str
    measured: str
    parts: Callable[[pd.DataFrame, str], list[Part]]
    remark: str = ""


def nothing(table: pd.DataFrame) -> list[Cell]:
    """No number of the paper's to stand beside ours."""
    return []


@dataclass(frozen=True, eq=False)
class Item:
    """A figure or table of a paper.

    Attributes:
        name: such as figure2; the name of its files.
        shows: what it shows, in a line.
        paper_says: what the paper's own curves or cells look like, in words and numbers.
        scales: how much is made at each scale.
        table: from what was trained, and the scale, to its table.
        figure: from its table, and a note on scale and cuts to stand under it, to our figure in the paper's form.
        plan: what is to be trained at a scale, in this order: overrides of `train.py` by label. None where nothing is.
            model.start_from gives the label of an earlier one, with keep_weights=true, whose layers it begins with.
        cells: from its table to the numbers of the paper beside ours.
        findings: what the paper says of it.
        open_points: what the paper leaves open of it alone, and what was decided.
    """

    name: str
    shows: str
    paper_says: str
    scales: Mapping[str, Scale]
    table: Callable[[Made, Scale], pd.DataFrame]
    figure: Callable[[pd.DataFrame, str], Figure]
    plan: Callable[[Scale], Mapping[str, Sequence[str]]] = lambda scale: {}
    cells: Callable[[pd.DataFrame], list[Cell]] = nothing
    findings: tuple[Finding, ...] = ()
    open_points: str = ""


@dataclass(frozen=True, eq=False)
class Paper:
    """A paper by its items.

    Attributes:
        name: first author and year; the name of its folder.
        reference: authors, year, title, where.
        about: what it found, in two or three sentences.
        items: in its order.
        source: how far the paper itself was read, where that was not in full.
        open_points: what it leaves open, and what was decided, where that concerns several items.
    """

    name: str
    reference: str
    about: str
    items: tuple[Item, ...]
    source: str = ""
    open_points: str = ""

    def item(self, name: str) -> Item:
        """The item of that name."""
        return next(item for item in self.items if item.name == name)
