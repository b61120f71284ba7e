"""How fast two inputs become alike on the edge of chaos, in theory and in networks."""

import math

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from activation_study.activations import build
from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import GREY, context, finish, legend, looks, panels
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences, exact, level
from activation_study.papers.schoenholz2017.maps import BIAS_STD, on_the_edge
from activation_study.seeds import Noise, generator

SMOOTH = ("sigmoid", "tanh", "elu", "softsign", "gelu", "silu")
KINKED = ("relu", "lrelu", "vlrelu", "prelu", "rrelu", "selu")
DRIFTING = ("gelu", "silu")  # on their edge the variance leaves its fixed point, so no network stays there
INPUTS, WIDTH = 8, 2000
LAYERS = (10, 50)  # where networks and theory are compared
SCALES = {
    "paper": Scale(30, 35),
    "desk": Scale(10, 6, ("model.width=1000",), "10 networks of each kind, 1000 wide instead of 2000."),
    "smoke": Scale(2, 0.1, ("model.width=100",), "2 networks, 100 wide and 50 deep; theory to 60 layers."),
}


@torch.no_grad()
def simulated(activation: str, seeds: list[int], width: int, layers: int) -> Tensor:
    """Mean correlation of the pre-activations of inputs that begin uncorrelated, in networks on the edge of chaos.

    Returns:
        Shape (seeds, layers), over all pairs of INPUTS inputs.
    """
    edge = on_the_edge(activation)
    noise = Noise(seeds)
    noise.at(0)
    stack = Stack(seeds, lambda: build(activation), Initialization("edge_of_chaos", bias_std=edge.sigma_b), noise)
    # On a rectifier's edge any variance will do.
    z = torch.stack([torch.randn(INPUTS, width, generator=generator(seed, "inputs")) for seed in seeds]) * edge.q**0.5
    found = []
    for _ in range(layers):
        z = stack.linear(width, width)(stack.activation(width)(z))
        length = z.square().sum(2, keepdim=True).sqrt()
        alike = (z / length) @ (z / length).mT
        found.append((alike.sum((1, 2)) - INPUTS) / (INPUTS * (INPUTS - 1)))
    return torch.stack(found, 1)


def _depth_scales_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation and layer, how far the correlation is from 1: in theory (seed -1), and in every network."""
    width = int(scale.value("model.width") or WIDTH)
    deep = 60 if scale == SCALES["smoke"] else 400
    rows = []
    for name in (*SMOOTH, *KINKED):
        theory = on_the_edge(name).correlations(deep)
        rows += [(name, -1, layer, 1 - theory[layer - 1]) for layer in _chosen(deep)]
        if name not in DRIFTING:
            measured = simulated(name, list(range(scale.seeds)), width, max(LAYERS))
            rows += [(name, seed, layer, 1 - float(measured[seed, layer - 1]))
                     for seed in range(scale.seeds) for layer in _chosen(max(LAYERS))]  # fmt: skip
    return pd.DataFrame(rows, columns=["activation", "seed", "layer", "distance"])


def _chosen(deep: int) -> list[int]:
    few = {round(layer) for layer in np.geomspace(1, deep, 24)} | {*LAYERS, deep, deep // 2}
    return sorted(layer for layer in few if layer <= deep)


def _depth_scales(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "layer", "distance of the correlation from 1", sharey=True, height=0.95)
        for ax, names, power in ((axes[0], SMOOTH, 1), (axes[1], KINKED, 2)):
            _approach_panel(ax, table[table.activation.isin(names)], power)
        axes[0].set_title("smooth: 1 / layers")
        axes[1].set_title("with a kink: 1 / layers²")
        legend(figure, table.activation)
        drawn = (
            "lines: theory; marks: means over random networks; dotted: the power of the title; RReLU's draws keep "
            "inputs apart for good; no marks where the variance is not stable on the edge (GELU, SiLU)"
        )
        return finish(figure, "How fast inputs become alike on the edge of chaos, after Hayou et al. 2019",
                      f"{drawn} · {note}")  # fmt: skip


def _approach_panel(ax: Axes, rows: pd.DataFrame, power: int) -> None:
    for name, look in looks(rows.activation).items():
        own = rows[rows.activation == name]
        theory, measured = own[own.seed == -1], own[own.seed >= 0].groupby("layer")["distance"].mean()
        ax.plot(theory.layer, theory.distance, color=look.color, linestyle=look.dashes, linewidth=1.2)
        ax.plot(measured.index, measured, color=look.color, linestyle="", marker=look.marker, markersize=3.5)
    layers = np.array([rows.layer.max() / 8, rows.layer.max()])
    ax.plot(layers, 0.5 * (layers / layers[0]) ** -power, color=GREY, linestyle=(0, (1, 2)), linewidth=1.5)
    ax.set(xscale="log", yscale="log", ylim=(5e-4, 1.2))


def _powers(table: pd.DataFrame, where: str) -> list[Part]:
    """The power with which the distance falls over the last doubling of the depth, in theory."""
    parts = []
    theory = table[table.seed == -1].set_index(["activation", "layer"])["distance"]
    for name in (*SMOOTH, *KINKED):
        if name == "rrelu":
            continue
        deep = theory[name].index.max()
        power = -math.log2(theory[name, deep] / theory[name, deep // 2])
        claimed = Range(high=1.5) if name in SMOOTH else Range(low=1.5)
        parts.append(exact(power, where, f"layers {deep // 2} to {deep}", name, claimed, "power of the layer"))
    return parts


def _further_apart(table: pd.DataFrame, where: str) -> list[Part]:
    at = table[(table.seed >= 0) & (table.layer == max(LAYERS))]
    distance = at.pivot(index="seed", columns="activation", values="distance")
    return differences(distance, where, f"layer {max(LAYERS)}", [("tanh", "relu"), ("elu", "relu")], Range(low=0),
                       "distance of the correlation from 1")  # fmt: skip


def _as_in_theory(table: pd.DataFrame, where: str) -> list[Part]:
    distance = table.set_index(["seed", "activation", "layer"])["distance"]
    names = [name for name in (*SMOOTH, *KINKED) if name not in DRIFTING]
    apart = {
        (name, layer): distance.xs((name, layer), level=(1, 2)).drop(-1) - distance[-1, name, layer]
        for name in names for layer in LAYERS
    }  # fmt: skip
    return [level(values, where, f"layer {layer}", name, Range(-0.02, 0.02), "correlation, network less theory",
                  len(apart)) for (name, layer), values in apart.items()]  # fmt: skip


DEPTH_SCALES = Item(
    name="depth_scales",
    shows="How far the correlation of two uncorrelated inputs is from 1, layer by layer on the edge of chaos.",
    paper_says="On the edge correlations near 1 no longer exponentially: as 1 / layers for smooth functions such as "
    "tanh, ELU and Swish, and as 1 / layers² for ReLU, so that smooth functions keep information deeper (Hayou).",
    scales=SCALES,
    table=_depth_scales_table,
    figure=_depth_scales,
    findings=(
        Finding(
            "hayou-rates",
            "On the edge of chaos correlations near 1 as 1 / layers with smooth functions, as 1 / layers² with kinks.",
            "The power of the layer over the last doubling of the depth, in theory: below 1.5 if f' is continuous, "
            "above 1.5 if it jumps.",
            _powers,
        ),
        Finding(
            "hayou-smooth-deeper",
            "Smooth functions keep inputs apart deeper than ReLU.",
            "The distance of the correlation from 1 at layer 50 of random networks, tanh and ELU less ReLU: above 0.",
            _further_apart,
        ),
        Finding(
            "mean-field-holds",
            "The theory of infinite width tells how alike inputs become in networks of finite width.",
            "Correlation at layers 10 and 50 of random networks less that of theory: -0.02 to 0.02, jointly.",
            _as_in_theory,
        ),
    ),
    open_points=f"The biases' standard deviation on the edge is ours, {BIAS_STD} (0 for rectifiers).",
)  # fmt: skip
