"""The tables of errors on CIFAR-10 and CIFAR-100."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import GREY, context, finish, legend, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.parts import Pairs, differences
from activation_study.papers.xu2015.setup import (
    DESK,
    DESK_CUT,
    PAPERS_OWN,
    PUBLISHED,
    SMOKE,
    SMOKE_CUT,
    kinds,
    nin,
    published,
)

Mark = Literal["quoted", "memory"]
# Error in per cent on training and test images; test errors but that of a = 100 as Apicella et al. 2021 quote them.
PAPER = {
    "cifar10": {"relu": (0.318, 12.45), "lrelu": (0.31, 12.66), "vlrelu": (0.362, 11.20), "prelu": (0.178, 11.79),
                "rrelu": (0.55, 11.19)},
    "cifar100": {"relu": (13.56, 42.9), "lrelu": (11.552, 42.05), "vlrelu": (8.536, 40.42), "prelu": (6.33, 41.63),
                 "rrelu": (11.41, 40.25)},
}  # fmt: skip


def plan(dataset: str) -> Callable[[Scale], dict[str, list[str]]]:
    """What trains all networks of a data set."""

    def networks(scale: Scale) -> dict[str, list[str]]:
        # RReLU's are looked at again with other test rules, so they are kept.
        kept = {"rrelu": ["keep_weights=true"]}
        return {name: [*nin(scale, dataset), chosen, *kept.get(name, [])]
                for name, chosen in kinds(scale).items()}  # fmt: skip

    return networks


def table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation and seed: errors in per cent on training and test images; whether the set-up is the paper's."""
    metrics = made.table("metrics")
    last = metrics[metrics.step == metrics.step.max()]
    error = 100 * (1 - last.accuracy.fillna(0))  # a network that has diverged has learned nothing
    wide = last.assign(error=error).pivot(index=["label", "seed"], columns="split", values="error")
    found = wide[["train", "test"]].reset_index().rename(columns={"label": "activation"})
    return found.assign(published=published(scale))


def _figure(number: int, dataset: str) -> Callable[[pd.DataFrame, str], Figure]:
    def figure(found: pd.DataFrame, note: str) -> Figure:
        with context():
            drawing, axes = panels(2, "", "error (%)", sharey=False, height=0.9)
            for ax, (place, split) in zip(axes, enumerate(("train", "test")), strict=True):
                for x, (name, look) in enumerate(looks(found.activation).items()):
                    ours = statistics.mean(found[found.activation == name][split], within=(0, 100))
                    bars = [[ours.value - ours.low], [ours.high - ours.value]]
                    ax.errorbar([x], [ours.value], np.nan_to_num(bars), color=look.color, marker=look.marker,
                                linestyle="")  # fmt: skip
                    if name in PAPER[dataset]:
                        ax.plot([x + 0.25], [PAPER[dataset][name][place]], "o", color=GREY, fillstyle="none")
                ax.set_xticks([])
                ax.set_title({"train": "training images", "test": "test images"}[split])
            legend(drawing, found.activation)
            drawn = f"{dataset}, Network in Network · points: mean, bars: 95 % t interval · rings: the paper's"
            return finish(drawing, f"Xu et al. 2015, Table {number}", f"{drawn} · {note}")

    return figure


def _cells(dataset: str) -> Callable[[pd.DataFrame], list[Cell]]:
    def cells(found: pd.DataFrame) -> list[Cell]:
        alike = bool(found.published.all())
        rows = []
        for name, errors in PAPER[dataset].items():
            for split, paper in zip(("train", "test"), errors, strict=True):
                ours = found[found.activation == name][split]
                mark: Mark = "memory" if split == "train" or name == "lrelu" else "quoted"
                rows.append(Cell(f"{split} error, {name}", paper, statistics.mean(ours, within=(0, 100)), len(ours),
                                 mark, "%", alike=alike))  # fmt: skip
        return rows

    return cells


def by_seed(found: pd.DataFrame, split: str) -> pd.DataFrame:
    """Errors, one row per seed, one column per activation."""
    return found.pivot(index="seed", columns="activation", values=split).astype(float)


def _claimed(split: str, pairs: Pairs, claimed: Range) -> Callable[[pd.DataFrame, str], list[Part]]:
    def parts(found: pd.DataFrame, where: str) -> list[Part]:
        return differences(by_seed(found, split), where, "at the end", pairs, claimed, f"{split} error in points")

    return parts


def _findings(name: str, dataset: str) -> tuple[Finding, ...]:
    leaky = [(each, "relu") for each in ("vlrelu", "prelu", "rrelu")]
    others = [name for name in PAPERS_OWN if name != "prelu"]
    return (
        Finding(
            f"xu-leaky-{name}",
            f"A slope below zero makes fewer errors on unseen images than ReLU: 1/5.5, learned, or drawn ({dataset}).",
            "Test error, VLReLU, PReLU and RReLU less ReLU: below 0 points.",
            _claimed("test", leaky, Range(high=0)),
            "Agostinelli et al. 2015 found no difference between leaky rectifiers and ReLU in a better trained NIN.",
        ),
        Finding(
            f"xu-small-slope-{name}",
            f"A slope of 1/100 is as good as none, and one of 1/5.5 is clearly better ({dataset}).",
            "Test error, VLReLU less LReLU: below 0 points.",
            _claimed("test", [("vlrelu", "lrelu")], Range(high=0)),
        ),
        Finding(
            f"xu-prelu-fits-{name}",
            f"PReLU makes the fewest errors on training images ({dataset}).",
            "Training error, PReLU less each of the paper's others: below 0 points.",
            _claimed("train", [("prelu", other) for other in others], Range(high=0)),
        ),
        Finding(
            f"xu-rrelu-best-{name}",
            f"RReLU makes the fewest errors on unseen images ({dataset}).",
            "Test error, RReLU less each of the paper's others: below 0 points.",
            _claimed("test", [("rrelu", other) for other in PAPERS_OWN if other != "rrelu"], Range(high=0)),
            "The paper's margin over VLReLU, of single networks, is 0.01 points on CIFAR-10 and 0.17 on CIFAR-100.",
        ),
    )


def _in_words(dataset: str) -> str:
    rows = "; ".join(f"{name} {train:g} and {test:g}" for name, (train, test) in PAPER[dataset].items())
    return (
        f"Error in per cent on training and test images: {rows}. LReLU has a slope of 1/100, VLReLU of 1/5.5. Training "
        "errors and that of LReLU are from memory, the other test errors as quoted elsewhere."
    )


def _item(number: int, dataset: str, short: str) -> Item:
    return Item(
        name=f"table{number}",
        shows=f"Errors of Network in Network on training and test images, {dataset}.",
        paper_says=_in_words(dataset),
        scales={
            "paper": Scale(5, 26000, PUBLISHED),
            "desk": Scale(3, 300, DESK, f"{DESK_CUT} No sigmoid, tanh or ELU."),
            "smoke": Scale(2, 0.6, SMOKE, SMOKE_CUT),
        },
        plan=plan(dataset),
        table=table,
        figure=_figure(number, dataset),
        cells=_cells(dataset),
        findings=_findings(short, dataset),
    )


TABLE1, TABLE2 = _item(1, "cifar10", "10"), _item(2, "cifar100", "100")
