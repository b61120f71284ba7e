"""What others have found who trained the same kinds side by side, beside the networks of the tables."""

import math
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from scipy.special import stdtrit  # scipy.stats has it too, and takes half a second to import

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.comparison.statistics import Estimate
from activation_study.figures.style import GREY, context, finish, legend, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.parts import differences
from activation_study.papers.xu2015 import errors

REFERENCE = "relu"


class Study(NamedTuple):
    """Accuracies of others, in per cent: mean, standard deviation over networks, and their number.

    Attributes:
        source: whose.
        differs: network and training, where they are not ours.
        found: by activation, as the study calls it; LReLU's slope is in `differs`.
    """

    source: str
    differs: str
    found: dict[str, tuple[float, float, int]]


STUDIES = (
    Study("Agostinelli 2015", "NIN on CIFAR-10, 640 epochs, ReLU and the best leaky slope of eight, 0.05",
          {"relu": (90.33, 0.11, 5), "lrelu": (90.25, 0.22, 5)}),
    Study("Agostinelli 2015, CNN", "three convolutions and two dense layers on CIFAR-10, best leaky slope 0.05",
          {"relu": (87.44, 0.26, 5), "lrelu": (88.14, 0.04, 5)}),
    Study("Thoma 2017", "VGG-like with normalisation on CIFAR-100, Adam, LReLU 0.3",
          {"relu": (62.18, 0.99, 10), "lrelu": (61.86, 1.23, 10), "prelu": (62.16, 0.73, 10),
           "tanh": (55.70, 1.44, 10), "sigmoid": (46.54, 3.22, 10)}),
    Study("Misra 2020", "SqueezeNet on CIFAR-10, Adam, 50 epochs, LReLU 0.3",
          {"relu": (86.66, 0.584, 23), "lrelu": (86.85, 0.457, 23), "rrelu": (86.87, 0.448, 23),
           "prelu": (85.66, 2.24, 23), "elu": (86.41, 0.337, 23), "tanh": (82.72, 0.583, 23),
           "sigmoid": (74.82, 5.77, 23)}),
    Study("Mishkin 2016", "CaffeNet on ImageNet of 128 pixels, LReLU 1/3, one network each",
          {"relu": (47.1, math.nan, 1), "vlrelu": (46.9, math.nan, 1), "rrelu": (47.8, math.nan, 1),
           "prelu": (48.5, math.nan, 1), "elu": (48.8, math.nan, 1), "tanh": (40.1, math.nan, 1)}),
)  # fmt: skip
OURS = "ours"


def lead(study: Study, name: str) -> Estimate:
    """Points of accuracy that an activation has on ReLU, with Welch's 95 % interval: networks are not paired."""
    (ours, s1, n1), (relu, s2, n2) = study.found[name], study.found[REFERENCE]
    if n1 < 2:
        return Estimate(ours - relu, math.nan, math.nan)
    v1, v2 = s1 * s1 / n1, s2 * s2 / n2
    freedom = (v1 + v2) ** 2 / (v1 * v1 / (n1 - 1) + v2 * v2 / (n2 - 1))
    half = float(stdtrit(freedom, 0.5 + statistics.CONFIDENCE / 2)) * math.sqrt(v1 + v2)
    return Estimate(ours - relu, ours - relu - half, ours - relu + half)


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By study and activation: the lead on ReLU in points; ours by seed, with its columns low and high left open."""
    rows = []
    for study in STUDIES:
        for name in study.found:
            if name != REFERENCE:
                rows.append({"study": study.source, "activation": name, "seed": -1, **lead(study, name)._asdict()})
    accuracy = 100 - errors.by_seed(errors.table(made, scale), "test")
    for name in accuracy.columns:
        if name != REFERENCE:
            rows += [{"study": OURS, "activation": name, "seed": seed, "value": value}
                     for seed, value in (accuracy[name] - accuracy[REFERENCE]).items()]  # fmt: skip
    return pd.DataFrame(rows)


def _ours(table: pd.DataFrame, name: str) -> pd.Series:
    return table[(table.study == OURS) & (table.activation == name)].set_index("seed")["value"].astype(float)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    studies = [OURS, *dict.fromkeys(study.source for study in STUDIES)]
    with context():
        figure, (ax,) = panels(1, "points of accuracy more than ReLU", "", height=1.3)
        shown = looks(table.activation)
        for row, study in enumerate(studies):
            for place, (name, look) in enumerate(shown.items()):
                found = table[(table.study == study) & (table.activation == name)]
                if found.empty:
                    continue
                value, low, high = (statistics.mean(found.value) if study == OURS
                                    else found[["value", "low", "high"]].iloc[0])  # fmt: skip
                y = row + 0.8 * (place / max(len(shown) - 1, 1) - 0.5)
                ax.plot([low, high], [y, y], color=look.color, linewidth=1)
                ax.plot([value], [y], color=look.color, marker=look.marker)
        ax.set_yticks(range(len(studies)), studies)
        ax.set_xscale("symlog", linthresh=2)
        ax.axvline(0, color=GREY, linewidth=0.6)
        ax.invert_yaxis()
        legend(figure, table.activation)
        drawn = "bars: 95 % intervals, of others from their means and deviations · linear from -2 to 2"
        return finish(figure, "Xu et al. 2015, and what others found", f"{drawn} · {note}")


def _cells(table: pd.DataFrame) -> list[Cell]:
    cells = []
    for study in STUDIES:
        for name in study.found:
            if name != REFERENCE:
                if (ours := _ours(table, name)).empty:
                    continue
                cells.append(Cell(f"{name} less relu, {study.source}", lead(study, name).value, statistics.mean(ours),
                                  len(ours), unit="points of accuracy", alike=False))  # fmt: skip
    return cells


def _bounded_lose(table: pd.DataFrame, where: str) -> list[Part]:
    found = table[table.study == OURS].pivot(index="seed", columns="activation", values="value").astype(float)
    leads = found.assign(relu=0.0)
    pairs = [(name, "relu") for name in ("sigmoid", "tanh") if name in leads]
    return differences(leads, where, "ours", pairs, Range(high=-1), "points of accuracy")


REPLICATIONS = Item(
    name="replications",
    shows="How far each kind is ahead of ReLU: here, and where others trained several side by side.",
    paper_says="Others: "
    + "; ".join(f"{study.source} ({study.differs})" for study in STUDIES)
    + ". Their rectifiers differ by less than a point where networks are well trained, and sigmoid and tanh lose.",
    scales=errors.TABLE1.scales,
    plan=errors.plan("cifar10"),
    table=_table,
    figure=_figure,
    cells=_cells,
    findings=(
        Finding(
            "others-bounded-lose",
            "Sigmoid and tanh lose more than a point to ReLU, as in all studies that have them.",
            "Test accuracy on CIFAR-10, sigmoid and tanh less ReLU: below -1 points.",
            _bounded_lose,
        ),
    ),
    open_points="None of the others trained just what the paper did, so all of them are analogues: nearest is "
    "Agostinelli et al.'s NIN, whose schedule is longer. Ours are the networks of Table 1.",
)
