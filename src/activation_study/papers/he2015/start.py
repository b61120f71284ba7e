"""Errors and gradients of every layer before training: He's initialization, Xavier's, and a tailored slope."""

import numpy as np
import pandas as pd
import torch
from hydra import compose
from matplotlib.figure import Figure
from torch import Tensor

from activation_study import activations
from activation_study.activations import Activation
from activation_study.claims.ledger import Part, Range
from activation_study.config import settings
from activation_study.figures.style import context, finish, legend, looks, panels
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import AFFINE, Stack
from activation_study.papers.he2015.setup import (
    HE,
    THIRTY,
    TWENTY_TWO,
    XAVIER,
    Network,
    begin,
    tailored,
    width_of,
)
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import level
from activation_study.seeds import Noise, generator

CLASSES, SHAPE = 10, (3, 32, 32)
EXAMPLES = 4
TAILORED = "lrelu, tailored"
QUANTITIES = {"error": "error before the activation", "gradient": "norm of the weights' gradient"}
HALVED = Range(0.69, 0.725)  # around 1 / sqrt(2), of a standard deviation


def kinds(network: Network) -> dict[str, tuple[str, str]]:
    """What is looked at: activation and rule of initialization, by label."""
    plain = {name: (f"activation={name}", HE) for name in ("lrelu", "vlrelu", "prelu", "rrelu", "elu", "tanh")}
    return {
        "relu, He": ("activation=relu", HE),
        "relu, Xavier": ("activation=relu", XAVIER),
        TAILORED: (tailored(network), HE),
        **plain,
    }


def forward_and_back(network: Network, activation: str, rule: str, width: int, seed: int) -> list[tuple[float, float]]:
    """Root mean square of the error, and norm of the weights' gradient, of every layer with an activation.

    In float64, for a few images of noise with drawn labels; the error is that of one example's own loss, the gradient
    that of the mean loss.
    """
    chosen = settings(compose("train", [*activation.split(), *begin(network, rule, width), f"model.width={width}",
                                        "model.dropout=0"]))  # fmt: skip
    noise = Noise([seed])
    stack = Stack(
        [seed], lambda: activations.build(**chosen["activation"]), Initialization.checked(chosen["init"]), noise
    )
    built = models.build(chosen["model"], stack, SHAPE, CLASSES).double()
    noise.at(0)
    before: list[Tensor] = []

    def keep(module: Activation, inputs: tuple[Tensor], output: Tensor) -> None:
        inputs[0].retain_grad()
        before.append(inputs[0])

    for module in built.modules():
        if isinstance(module, Activation):
            module.register_forward_hook(keep)
    images = torch.randn(1, EXAMPLES, *SHAPE, generator=generator(seed, "inputs")).double()
    labels = torch.randint(CLASSES, (EXAMPLES,), generator=generator(seed, "labels"))
    torch.nn.functional.cross_entropy(built(images)[0], labels, reduction="sum").backward()
    weights = [module.weight for module in built.modules() if isinstance(module, AFFINE)]
    found = []
    for z, weight in zip(before, weights, strict=False):  # the last layer has no activation
        assert z.grad is not None
        assert weight.grad is not None
        found.append((float(z.grad.square().mean().sqrt()), float(weight.grad.norm()) / EXAMPLES))
    return found


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By network, kind, seed and layer: common logarithms of error and gradient."""
    rows = []
    for network in (TWENTY_TWO, THIRTY):
        width = width_of(scale, network)
        for kind, (activation, rule) in kinds(network).items():
            for seed in made.seeds:
                with np.errstate(divide="ignore"):
                    found = np.log10(forward_and_back(network, activation, rule, width, seed))
                rows += [{"layers": network.layers, "kind": kind, "seed": seed, "layer": layer, "error": error,
                          "gradient": gradient} for layer, (error, gradient) in enumerate(found, 1)]  # fmt: skip
    return pd.DataFrame(rows)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(4, "layer", "", sharex=False, sharey=False, height=0.9)
        shown = [(layers, quantity) for quantity in QUANTITIES for layers in (22, 30)]
        for ax, (layers, quantity) in zip(axes, shown, strict=True):
            rows = table[table.layers == layers]
            for kind, look in looks(rows.kind).items():
                mean = rows[rows.kind == kind].groupby("layer")[quantity].mean()
                ax.plot(mean.index, 10**mean, color=look.color, linestyle=look.dashes, linewidth=1.2)
            ax.set_yscale("log")
            ax.set(title=f"{layers} weight layers", ylabel=QUANTITIES[quantity])
        legend(figure, table.kind)
        drawn = "before training, 4 images of noise · geometric means over seeds"
        return finish(figure, "He et al. 2015, Section 2.2, at the start", f"{drawn} · {note}")


def _over_he(table: pd.DataFrame, layers: int) -> pd.DataFrame:
    """Logarithm of Xavier's error over He's, one row per seed, one column per convolution."""
    rows = table[(table.layers == layers) & (table.layer <= layers - 3)].astype({"error": float})
    errors = rows.pivot(index="seed", columns=["kind", "layer"], values="error")
    return errors["relu, Xavier"] - errors["relu, He"]


def _halves(table: pd.DataFrame, where: str) -> list[Part]:
    parts = []
    for layers in (22, 30):
        apart = _over_he(table, layers)
        first, last = apart.columns.min(), apart.columns.max()
        factor = 10 ** ((apart[first] - apart[last]) / (last - first))
        parts.append(level(factor, where, f"{layers} layers", "Xavier over He, ReLU", HALVED,
                           "factor of the error's standard deviation per layer", 2))  # fmt: skip
    return parts


def _vanishes(table: pd.DataFrame, where: str) -> list[Part]:
    rows = table[(table.layers == 30) & (table.layer == 1)].astype({"gradient": float})
    gradient = rows.pivot(index="seed", columns="kind", values="gradient")
    decades = gradient["relu, He"] - gradient["relu, Xavier"]
    return [level(decades, where, "30 layers", "He over Xavier, ReLU", Range(low=3),
                  "decades between the gradients of layer 1")]  # fmt: skip


START = Item(
    name="start",
    shows="Errors and gradients of every layer of the networks of 22 and 30 layers before training.",
    paper_says="With the paper's initialization the variance of errors is the same in all layers of rectifiers; with "
    "Xavier's it halves from layer to layer, a standard deviation by sqrt(1/2): over 30 layers the gradient vanishes.",
    scales={
        "paper": Scale(5, 20),
        "desk": Scale(5, 20),
        "smoke": Scale(2, 0.2, ("model.width=4",), "4 channels in the first layer, 2 networks of each kind."),
    },
    table=_table,
    figure=_figure,
    findings=(
        Finding(
            "he-xavier-halves",
            "From layer to layer errors lose half of their variance with Xavier's initialization, against He's.",
            "The factor per convolution of the error's standard deviation with ReLU, Xavier's over He's, 22 and 30 "
            "layers: 0.69 to 0.725, around 1/sqrt(2).",
            _halves,
        ),
        Finding(
            "he-xavier-vanishes",
            "In 30 layers of ReLU the first layer's gradient is too small to learn with Xavier's initialization.",
            "Common logarithm of the norm of the first layer's gradient at the start, He less Xavier: above 3.",
            _vanishes,
        ),
    ),
    open_points="Networks at their published width see images of noise, 32 x 32. Maps of so few pixels "
    "lose part of the error at their borders in every layer, with any weights; so the two rules are compared with each "
    "other. tanh, ELU and the leaky rectifiers are ours.",
)
