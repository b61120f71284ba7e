"""Figure 1: what the units are expected to give, and that networks of rectifiers are equivariant to intensity."""

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from scipy.special import expit, log_expit, ndtr

from activation_study import activations
from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import context, finish, panels
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.networks.models import build
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import exact

COPIES = 200  # of a stepped sigmoid unit; those beyond are off below 100


def stepped(x: np.ndarray) -> np.ndarray:
    """The expected sum of binary units that share weights and have biases of -0.5, -1.5, -2.5, ... (Section 2)."""
    return expit(x[..., None] - np.arange(COPIES) - 0.5).sum(-1)


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + e^x)."""
    return -log_expit(-x)


def noisy_rectifier(x: np.ndarray) -> np.ndarray:
    """The expectation of max(0, x + N(0, V)) with the variance V = sigmoid(x)."""
    spread = np.sqrt(expit(x))
    return x * ndtr(x / spread) + spread * np.exp(-((x / spread) ** 2) / 2) / np.sqrt(2 * np.pi)


def equivariance(seed: int, scale: float) -> float:
    """How far a zero-bias ReLU network's output at `scale` times an image is from `scale` times that at the image."""
    stack = Stack([seed], lambda: activations.build("relu"), Initialization())
    network = build({"name": "mlp", "depth": 4, "width": 64}, stack, (1, 8, 8), 10).double()
    images = torch.randn(1, 20, 1, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with torch.no_grad():
        whole, scaled = network(images), network(scale * images)
    return float((scaled - scale * whole).abs().max() / (scale * whole).abs().max())


def _figure1_table(made: Made, scale: Scale) -> pd.DataFrame:
    """The three curves, and in `equivariance` the largest error over ten networks and four scales."""
    x = np.linspace(-5, 10, 601)
    worst = max(equivariance(seed, scale) for seed in range(10) for scale in (0.1, 0.5, 3.0, 100.0))
    return pd.DataFrame({"x": x, "stepped": stepped(x), "softplus": softplus(x), "noisy": noisy_rectifier(x),
                         "equivariance": worst})  # fmt: skip


def _figure1(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, (ax,) = panels(1, "total input $x$", "expected value", height=0.8)
        curves = {"stepped": ("sum of stepped sigmoids", "-"), "softplus": ("log(1 + e$^x$)", "--"),
                  "noisy": ("noisy rectifier", "-.")}  # fmt: skip
        for column, (label, style) in curves.items():
            ax.plot(table.x, table[column], style, label=label, linewidth=1.5)
        ax.set(xlim=(-5, 10), ylim=(-0.2, 10))
        ax.legend()
        return finish(figure, "Nair & Hinton 2010, Figure 1", note)


def _agree(table: pd.DataFrame, where: str) -> list[Part]:
    distance = float((table.stepped - table.softplus).abs().max())
    return [exact(distance, where, "-5 to 10", "sum - softplus", Range(high=0.02), "largest distance")]


def _near(table: pd.DataFrame, where: str) -> list[Part]:
    distance = float((table.noisy - table.softplus).abs().max())
    return [exact(distance, where, "-5 to 10", "noisy - softplus", Range(high=0.5), "largest distance")]


def _equivariant(table: pd.DataFrame, where: str) -> list[Part]:
    error = float(table.equivariance.iloc[0])
    return [exact(error, where, "scales 0.1 to 100", "output", Range(high=1e-9), "largest relative error")]


FIGURE1 = Item(
    name="figure1",
    shows="What a unit is expected to give: the sum of stepped sigmoids, softplus, and the noisy rectifier.",
    paper_says="From -5 to 10 the sum and log(1 + e^x) cannot be told apart; the noisy rectifier is close to them.",
    scales={"paper": Scale(1, 0.1), "desk": Scale(1, 0.1), "smoke": Scale(1, 0.1, cut="Nothing is cut: it is exact.")},
    table=_figure1_table,
    figure=_figure1,
    findings=(
        Finding(
            "nair-softplus",
            "log(1 + e^x) is the expected sum of infinitely many sigmoid units with stepped biases, to the eye.",
            "The largest distance between the two from -5 to 10: below 0.02, a five-hundredth of the axis.",
            _agree,
        ),
        Finding(
            "nair-noisy-rectifier",
            "The expectation of a noisy rectified unit is close to log(1 + e^x).",
            "The largest distance from -5 to 10: below 0.5, a twentieth of the axis.",
            _near,
            remark="It lies below by up to 0.41, at x = 0: close on an axis to 10, not for small inputs.",
        ),
        Finding(
            "nair-equivariance",
            "Networks of rectifiers without biases are equivariant to the intensity of an image, exactly.",
            "The largest relative error of the output over ten networks and four scales, in float64: below 1e-9.",
            _equivariant,
        ),
    ),
)  # fmt: skip
