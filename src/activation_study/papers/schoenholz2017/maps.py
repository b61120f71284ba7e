"""How the correlation of two inputs changes from layer to layer, and where the edge of chaos lies."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from activation_study.activations import build
from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import GREY, context, finish, legend, looks, ordered, panels
from activation_study.networks.mean_field import WideNetwork, edge_at, edge_of_chaos
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import exact

PAPERS_OWN = ("tanh", "relu", "elu", "silu")  # Hayou et al.'s; Schoenholz et al. have tanh
ADDED = ("sigmoid", "lrelu", "vlrelu", "prelu", "rrelu", "softsign", "selu", "gelu")
BIAS_STD = 0.2  # of the point on each edge that is looked at, but for rectifiers, whose edge has none


def on_the_edge(activation: str) -> WideNetwork:
    """The network on the edge of chaos with biases of BIAS_STD, or without where there is none with them."""
    network = edge_of_chaos(build(activation), BIAS_STD) or edge_of_chaos(build(activation), 0.0)
    assert network is not None, activation
    return network


def _maps_table(made: Made, scale: Scale) -> pd.DataFrame:
    """Curves of every activation, x and y by kind: map, chi, scale (in layers) and edge (sigma_b over sigma_w)."""
    points = 9 if scale.cut else 61
    rows = []
    for name in ordered((*PAPERS_OWN, *ADDED)):
        activation, edge = build(name), on_the_edge(name)
        for c in np.linspace(0, 1, 21):
            rows.append((name, "map", c, edge.correlation(c)))
        for sigma_w in np.geomspace(0.5, 4, points):
            network = WideNetwork(activation, sigma_w, BIAS_STD)
            rows.append((name, "chi", sigma_w, network.chi))
            rows.append((name, "scale", sigma_w, network.depth_scale))
        on_edge = [edge_of_chaos(activation, 0.0), *(edge_at(activation, q) for q in np.geomspace(1e-3, 1e3, points))]
        rows += [(name, "edge", point.sigma_w, point.sigma_b) for point in on_edge if point]
    return pd.DataFrame(rows, columns=["activation", "kind", "x", "y"]).round(9).drop_duplicates()


def _maps(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(4, "", "", sharex=False, sharey=False, height=0.95)
        for ax, kind in zip(axes, ("map", "chi", "scale", "edge"), strict=True):
            rows = table[(table.kind == kind) & np.isfinite(table.y)]
            for name, look in looks(table.activation).items():
                x, y = (rows[rows.activation == name][axis] for axis in "xy")
                ax.plot(x, y, color=look.color, linestyle=look.dashes, linewidth=1.2,
                        marker=look.marker if len(x) == 1 else "", markersize=5)  # fmt: skip
        axes[0].plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
        axes[0].set(title="correlation map on the edge", xlabel="correlation in a layer", ylabel="in the next layer")
        axes[1].axhline(1, color=GREY, linewidth=0.6)
        axes[1].set(title="gradient factor", xlabel=r"$\sigma_w$", ylabel=r"$\chi$", yscale="log")
        axes[2].set(title="depth scale", xlabel=r"$\sigma_w$", ylabel="layers", yscale="log", ylim=(0.2, 2000))
        axes[3].set(title="edge of chaos", xlabel=r"$\sigma_w$", ylabel=r"$\sigma_b$", xlim=(0.6, 4), ylim=(-0.05, 1.5))
        legend(figure, table.activation)
        drawn = (
            rf"map at $\sigma_b$ = {BIAS_STD} (0 for rectifiers); $\chi$ and $\xi$ with $\sigma_b$ = {BIAS_STD}; "
            r"where $\xi$ is infinite it is not drawn; a rectifier's edge is one point, the sigmoid's begins at "
            r"$\sigma_w$ = 10.1, outside"
        )
        return finish(figure, "Wide random networks, after Schoenholz et al. 2017 and Hayou et al. 2019",
                      f"{drawn} · {note}")  # fmt: skip


# sigma_b^2 and sigma_w^2 of points on tanh's edge as they circulate, and half a unit of their last digit.
PUBLISHED = ((0.05, 1.76, 0.005), (2.01e-5, 1.05, 0.005))


def _published_edge(table: pd.DataFrame, where: str) -> list[Part]:
    parts = []
    for bias_variance, published, within in PUBLISHED:
        network = edge_of_chaos(build("tanh"), math.sqrt(bias_variance))
        assert network is not None
        claimed = Range(published - within, published + within)
        parts.append(exact(network.sigma_w**2, where, f"sigma_b^2 = {bias_variance:g}", "tanh", claimed, "sigma_w^2"))
    return parts


MAPS = Item(
    name="maps",
    shows="Of every activation in wide random networks: how correlations of two inputs change from layer to layer, "
    "the factor of the squared gradient and the depth scale by the size of the weights, and the edge of chaos.",
    paper_says="Below the edge of chaos inputs become alike and gradients vanish, above it they become unlike and "
    "gradients explode; the depth scale diverges at the edge, on a line through the plane of weights and biases "
    "(Schoenholz et al., tanh). ReLU's edge is a single point, without biases (Hayou et al.).",
    scales={
        "paper": Scale(1, 4),
        "desk": Scale(1, 4),
        "smoke": Scale(1, 0.6, cut="A coarse grid."),
    },
    table=_maps_table,
    figure=_maps,
    findings=(
        Finding(
            "schoenholz-edge",
            "The edge of chaos of tanh lies at weights of variance 1.76 with biases of variance 0.05.",
            "sigma_w^2 by quadrature: 1.755 to 1.765; and 1.045 to 1.055 where sigma_b^2 is 2.01e-5.",
            _published_edge,
            remark="Both pairs are from memory.",
        ),
    ),
    open_points="RReLU counts by the mean and variance of its slopes; the draws of two inputs are independent, so "
    "they do not become wholly alike even on the edge.",
)  # fmt: skip
