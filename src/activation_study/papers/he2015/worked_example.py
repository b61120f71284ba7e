"""The paper's worked example: what a fixed standard deviation does to the gradient of VGG's model B."""

import math

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from activation_study import activations
from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import GREY, context, finish, panels
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack, StackedMaxPool2d
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import exact, level
from activation_study.seeds import generator

FILTERS = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)  # of the ten 3x3 convolutions; pooling behind every second
FIXED = 0.01  # the standard deviation that was usual before
PIXELS = 32  # height of the images; the ratios do not depend on it
ROUNDED, EXACT, MEASURED = "the paper's rounded numbers", "exact", "measured in the network"


def deviation(filters: int) -> float:
    """Standard deviation of the weights of a 3x3 layer of so many filters, sqrt(2 / fan-out) (their Eqn. 14)."""
    return math.sqrt(2 / (9 * filters))


def short(layer: int = 2, digits: int | None = None) -> float:
    """By how much the gradient falls short from the output of layer 10 to the input of another.

    Args:
        layer: that other one.
        digits: behind the decimal point of each layer's factor; None: all.
    """
    factors = [deviation(filters) / FIXED for filters in FILTERS[layer - 1 :]]
    return math.prod(factors if digits is None else [round(factor, digits) for factor in factors])


def errors(initialization: Initialization, seed: int) -> list[float]:
    """Root mean square of the errors before the activations 1 to 10, that of the last one being random, about 1."""
    stack = Stack([seed], lambda: activations.build("relu"), initialization)
    before: list[Tensor] = []
    x = torch.randn(1, 1, 3, PIXELS, PIXELS, generator=generator(seed, "inputs"))
    channels = 3
    for number, filters in enumerate(FILTERS):
        z = stack.conv(channels, filters, 3, padding=1)(x)
        z.retain_grad()
        before.append(z)
        x = stack.activation(filters)(z)
        if number % 2 and number < 9:
            x = StackedMaxPool2d(2)(x)
        channels = filters
    z.backward(torch.randn(z.shape, generator=generator(seed, "errors")))
    return [float(each.grad.double().square().mean().sqrt()) for each in before if each.grad is not None]


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By how much the gradient falls short at the input of layer 2, 3, ..., 10: computed, and measured by seed."""
    fixed = Initialization("normal", std=FIXED)
    rows = [{"how": how, "seed": -1, "layer": layer, "short": short(layer, digits)}
            for how, digits in ((ROUNDED, 1), (EXACT, None)) for layer in range(2, 11)]  # fmt: skip
    for seed in made.seeds:
        ours, theirs = errors(Initialization("he", "fan_out"), seed), errors(fixed, seed)
        kept, lost = [[each[9] / error for error in each] for each in (ours, theirs)]  # from layer 10 down
        rows += [{"how": MEASURED, "seed": seed, "layer": layer, "short": lost[layer - 2] / kept[layer - 2]}
                 for layer in range(2, 11)]  # fmt: skip
    return pd.DataFrame(rows)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, (ax,) = panels(1, "at the input of convolution", "gradient, He's initialization / 0.01", height=0.8)
        computed = table[table.how == EXACT]
        ax.plot(computed.layer, computed.short, color=GREY, linewidth=1.2, label="computed")
        measured = table[table.how == MEASURED].groupby("layer")["short"].mean()
        ax.plot(measured.index, measured, "o", color="#0072B2", fillstyle="none", label="measured")
        ax.set_yscale("log")
        ax.set_xticks(range(2, 11))
        ax.legend()
        drawn = "VGG model B, ten 3x3 convolutions · measured: one random image and error for each network"
        return finish(figure, "He et al. 2015, worked example of Section 2.2", f"{drawn} · {note}")


def _at_layer_2(table: pd.DataFrame, how: str) -> pd.Series:
    return table[(table.how == how) & (table.layer == 2)].set_index("seed")["short"].astype(float)


def _seventeen_thousand(table: pd.DataFrame, where: str) -> list[Part]:
    claimed = Range(1.65e4, 1.75e4)  # 1.7e4 to two digits
    quantity = "factor by which the gradient falls short"
    parts = [exact(float(_at_layer_2(table, how).iloc[0]), where, "computed", how, claimed, quantity)
             for how in (ROUNDED, EXACT)]  # fmt: skip
    return [*parts, level(_at_layer_2(table, MEASURED), where, "measured", "std 0.01", claimed, quantity)]


WORKED_EXAMPLE = Item(
    name="worked_example",
    shows="How far the gradient falls short in VGG's model B if all weights begin with standard deviation 0.01.",
    paper_says="He's standard deviations for 3x3 layers of 64, 128, 256 and 512 filters are 0.059, 0.042, 0.029 and "
    "0.021. With 0.01 instead, the gradient from convolution 10 to 2 is 1/(5.9 x 4.2^2 x 2.9^2 x 2.1^4) = 1/(1.7e4) "
    "of what it would be.",
    scales={
        "paper": Scale(5, 1),
        "desk": Scale(5, 1),
        "smoke": Scale(2, 0.1, cut="2 networks; nothing else, for this is computed."),
    },
    table=_table,
    figure=_figure,
    findings=(
        Finding(
            "he-worked-example",
            "With weights of standard deviation 0.01 the gradient in VGG's model B falls short by 1.7e4 over nine "
            "layers.",
            "The product of the ratios of standard deviations, from the paper's rounded numbers (17,022) and exact "
            "(16,729), and the ratio in the network itself: 1.65e4 to 1.75e4.",
            _seventeen_thousand,
        ),
    ),
    open_points="The images are noise of 32 x 32 pixels. With ReLU and without biases the two networks are one but for "
    "the scale of their layers, so measured and computed must agree to rounding.",
)
