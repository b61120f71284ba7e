"""The factor (1 + a^2): what the slope below zero does to the size of a signal, and of its error."""

import math

import pandas as pd
import torch
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import context, finish, legend, looks, panels
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import level
from activation_study.seeds import generator

SLOPES = (0.0, 0.01, 0.1, 1 / 5.5, 0.25, 0.5, 1.0)
RULES = {
    "2 / (1 + a^2)": lambda a: 2 / (1 + a * a),
    "2": lambda a: 2.0,
    "2 / (1 + a)": lambda a: 2 / (1 + a),
}  # n Var[w]: the paper's Eqn. 15, that of ReLU, and what some notes make of it
FINE = [place / 100 for place in range(101)]  # slopes, for the lines of theory
LAYERS, WIDTH = 30, 1000
EXAMPLES = 30
QUANTITIES = ("forward", "backward")


def predicted(slope: float, scaled_variance: float) -> float:
    """The factor of a standard deviation from layer to layer, either way: sqrt(n Var[w] (1 + a^2) / 2)."""
    return math.sqrt(scaled_variance * (1 + slope * slope) / 2)


@torch.no_grad()
def measured(slope: float, scaled_variance: float, width: int, seed: int) -> tuple[float, float]:
    """The geometric mean factors of a layer's pre-activations and of its errors, in a network of 30 equal layers."""
    std = math.sqrt(scaled_variance / width)
    z = torch.randn(EXAMPLES, width, generator=generator(seed, "inputs"), dtype=torch.float64)
    weights, slopes, sizes = [], [], [_size(z)]
    for layer in range(LAYERS):
        stream = generator(seed, "weights", layer)
        weights.append(std * torch.randn(width, width, generator=stream, dtype=torch.float64))
        slopes.append(torch.where(z > 0, 1.0, slope))
        z = (z * slopes[-1]) @ weights[-1]
        sizes.append(_size(z))
    error = torch.randn(EXAMPLES, width, generator=generator(seed, "errors"), dtype=torch.float64)
    began = _size(error)
    for weight, each in zip(reversed(weights), reversed(slopes), strict=True):
        error = (error @ weight.T) * each
    return (sizes[-1] / sizes[0]) ** (1 / LAYERS), (_size(error) / began) ** (1 / LAYERS)


def _size(x: torch.Tensor) -> float:
    return float(x.square().mean().sqrt())


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By rule, slope and seed: the predicted factor per layer, and the measured ones forward and back."""
    width = int(scale.value("model.width") or WIDTH)
    rows = []
    for rule, variance in RULES.items():
        for slope in SLOPES:
            for seed in made.seeds:
                forward, backward = measured(slope, variance(slope), width, seed)
                rows.append({"rule": rule, "slope": slope, "seed": seed, "predicted": predicted(slope, variance(slope)),
                             "forward": forward, "backward": backward})  # fmt: skip
    return pd.DataFrame(rows)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "slope below zero, a", "factor per layer", height=0.8)
        for ax, quantity in zip(axes, QUANTITIES, strict=True):
            for rule, look in looks(RULES).items():
                factors = table[table.rule == rule].groupby("slope")[quantity].mean()
                theory = [predicted(slope, RULES[rule](slope)) for slope in FINE]
                ax.plot(FINE, theory, color=look.color, linestyle=look.dashes, linewidth=1.2)
                ax.plot(factors.index, factors, color=look.color, linestyle="", marker=look.marker,
                        fillstyle="none", markersize=4)  # fmt: skip
            ax.set_title({"forward": "of the signal", "backward": "of the error"}[quantity])
        legend(figure, RULES)
        drawn = "n Var[w] as in the key · lines: theory, marks: networks of 30 layers, standard deviations"
        return finish(figure, "He et al. 2015, Equation 15", f"{drawn} · {note}")


def _keeps(table: pd.DataFrame, where: str) -> list[Part]:
    rows = table[(table.rule == "2 / (1 + a^2)") & table.slope.astype(float).round(4).isin([0.01, 0.1818, 0.25, 0.5])]
    return _levels(rows, where, Range(0.97, 1.03))


def _grows(table: pd.DataFrame, where: str) -> list[Part]:
    rows = table[(table.rule == "2") & (table.slope == 0.5)]
    return _levels(rows, where, Range(1.08, 1.16))


def _levels(rows: pd.DataFrame, where: str, claimed: Range) -> list[Part]:
    slopes = rows.slope.unique()
    return [
        level(rows[rows.slope == slope].set_index("seed")[quantity], where, f"a = {slope:.3g}", f"lrelu, {quantity}",
              claimed, "factor of the standard deviation per layer", len(slopes) * len(QUANTITIES))
        for slope in slopes for quantity in QUANTITIES
    ]  # fmt: skip


FACTOR = Item(
    name="factor",
    shows="What a layer does to the size of a signal and of its error, by the slope below zero, for three rules.",
    paper_says="A leaky rectifier of slope a passes on (1 + a^2) / 2 of the variance, so weights need n Var[w] = "
    "2 / (1 + a^2): that of ReLU for a = 0, that of Glorot & Bengio for a = 1. The same holds for errors.",
    scales={
        "paper": Scale(5, 2),
        "desk": Scale(5, 2),
        "smoke": Scale(2, 0.1, ("model.width=100",), "100 units instead of 1000, 2 networks of each kind."),
    },
    table=_table,
    figure=_figure,
    findings=(
        Finding(
            "he-factor",
            "With n Var[w] = 2 / (1 + a^2) signals and errors keep their size.",
            "Their standard deviation's factor per layer, over 30 layers, for slopes of 0.01, 1/5.5, 0.25 and 0.5: "
            "0.97 to 1.03.",
            _keeps,
        ),
        Finding(
            "he-factor-left-out",
            "Without the factor (1 + a^2) signals and errors grow: at a = 0.5 by 1.118 a layer.",
            "The same factor with n Var[w] = 2 and a = 0.5: 1.08 to 1.16.",
            _grows,
        ),
    ),
    open_points="Networks of 30 dense layers of 1000 units, Gaussian inputs and errors; some notes on the web have "
    "(1 + a) in place of (1 + a^2), which is drawn beside it.",
)
