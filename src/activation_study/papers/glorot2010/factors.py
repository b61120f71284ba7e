"""The factor by which a layer changes the back-propagated error: as theory has it, and as it is measured."""

import itertools

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, looks, panels
from activation_study.papers.glorot2010.drawing import key
from activation_study.papers.glorot2010.networks import option
from activation_study.papers.glorot2010.passes import ACTIVATIONS, RULES, Layer, forward_and_back, root_mean_square
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.parts import level

EXAMPLES = 100
JACOBIANS = 4  # between the paper's five hidden layers
COLORS = dict(zip(RULES.values(), ("#0072B2", "#D55E00", "#009E73"), strict=True))
HALF = 0.5  # a factor above which errors can be called kept over a few layers


def factors(layers: list[Layer]) -> pd.DataFrame:
    """Of every hidden layer but the last: what its error is, as a multiple of that of the layer above it.

    Theory: the error of a layer is f'(z) W^T times that above it. Where slopes, weights and errors are independent, the
    root mean square grows by sqrt(n Var[w] E[f'(z)^2]); n is the number of units above, and the mean is over the z that
    are in the layer. (Hochreiter 1991; Glorot & Bengio 2010, Eqns. 5 to 7, without their f' = 1.)

    Returns:
        Columns layer, measured, predicted.
    """
    rows = []
    for number, (layer, above) in enumerate(itertools.pairwise(layers), 1):
        scale = above.weight.shape[1] ** 0.5 * root_mean_square(above.weight)
        rows.append({"layer": number, "measured": layer.size / above.size,
                     "predicted": scale * root_mean_square(layer.slope)})  # fmt: skip
    return pd.DataFrame(rows)


def mean_singular_value(layer: Layer, above: Layer) -> float:
    """Of the Jacobian of the z above with respect to the z of a layer, for the first example."""
    return float(torch.linalg.svdvals(layer.slope[0].unsqueeze(1) * above.weight).mean())


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By initialization, activation, seed and layer: measured and predicted; for tanh the mean singular values too."""
    depth, width = int(option(scale, "model.depth")), int(option(scale, "model.width"))
    parts = []
    for activation, rule, seed in itertools.product(ACTIVATIONS, RULES, made.seeds):
        layers = forward_and_back(activation, rule, depth, width, seed, EXAMPLES)
        found = factors(layers).assign(init=rule, activation=activation, seed=seed)
        if activation == "tanh":
            pairs = itertools.pairwise(layers[: JACOBIANS + 1])
            found["singular"] = pd.Series([mean_singular_value(*pair) for pair in pairs])
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(len(ACTIVATIONS), "layer", "error over that of the layer above", height=0.9)
        for ax, activation in zip(axes, looks(table.activation), strict=True):
            for rule, name in RULES.items():
                rows = table[(table.activation == activation) & (table.init == rule)].groupby("layer")
                predicted, measured = rows["predicted"].mean(), rows["measured"].mean()
                ax.plot(predicted.index, predicted, color=COLORS[name], linewidth=1.2)
                ax.plot(measured.index, measured, color=COLORS[name], linestyle="", marker="o", markersize=3)
            ax.axhline(1, color="#666666", linewidth=0.6)
            ax.set_title(activation)
        axes[0].set_ylim(bottom=0)
        names = {name: {"color": color} for name, color in COLORS.items()}
        kinds = {"predicted": {}, "measured": {"linestyle": "", "marker": "o", "markersize": 3}}
        key(figure, lines=names | kinds)
        drawn = "at the start, Gaussian inputs · mean over seeds"
        return finish(figure, "Factor of the back-propagated error from layer to layer", f"{drawn} · {note}")


def _cells(table: pd.DataFrame) -> list[Cell]:
    rows = table[(table.activation == "tanh") & (table.layer <= JACOBIANS)]
    cells = []
    for rule, paper in (("glorot_standard", 0.5), ("xavier", 0.8)):
        by_seed = rows[rows.init == rule].groupby("seed")["singular"].mean()
        what = f"mean singular value of a layer's Jacobian, tanh, {RULES[rule]}"
        cells.append(Cell(what, paper, statistics.mean(by_seed), len(by_seed), unit="around, in the paper", digits=2,
                          alike=False))  # fmt: skip
    return cells


def by_network(table: pd.DataFrame) -> pd.DataFrame:
    """The geometric means of both over the layers, by initialization, activation and seed."""
    known = table.astype({"measured": float, "predicted": float})
    logarithms = known.assign(measured=np.log(known.measured), predicted=np.log(known.predicted))
    return np.exp(logarithms.groupby(["init", "activation", "seed"])[["measured", "predicted"]].mean())


def _agree(table: pd.DataFrame, where: str) -> list[Part]:
    found = by_network(table)
    ratio = found.measured / found.predicted
    kinds = [(rule, activation) for rule in RULES for activation in ACTIVATIONS]
    said = "measured factor over the predicted one, geometric mean over layers"
    return [level(ratio[kind], where, RULES[kind[0]], kind[1], Range(0.98, 1.02), said, comparisons=len(kinds))
            for kind in kinds]  # fmt: skip


def _vanishes(table: pd.DataFrame, where: str) -> list[Part]:
    found = by_network(table).measured
    return [level(found[rule, "sigmoid"], where, name, "sigmoid", Range(high=HALF), "measured factor",
                  comparisons=len(RULES)) for rule, name in RULES.items()]  # fmt: skip


FACTORS = Item(
    name="factors",
    shows="The factor by which every layer changes the back-propagated error, predicted and measured, before training.",
    paper_says="Hochreiter: an error that flows back through q units is multiplied by q slopes and weights, so it "
    "decays exponentially where their products are below 1; the logistic function's slope is at most 1/4. Glorot and "
    "Bengio: near z = 0 the variance of the errors changes by n Var[w] from layer to layer, which is 1/3 for the "
    "standard and 1 for the normalised initialization; the mean singular value of a layer's Jacobian is about 0.5 and "
    "0.8, tanh.",
    scales={
        "paper": Scale(10, 5, ("model.width=1000", "model.depth=20")),
        "desk": Scale(5, 3, ("model.width=1000", "model.depth=20"), "5 networks of each kind instead of 10."),
        "smoke": Scale(2, 0.1, ("model.width=100", "model.depth=5"), "100 units, 5 layers, 2 networks of each kind."),
    },
    table=_table,
    figure=_figure,
    cells=_cells,
    findings=(
        Finding(
            "glorot-factor-predicted",
            "The error's factor from layer to layer is the root of n Var[w] E[f'(z)^2], for every activation.",
            "The measured factor over the predicted one, eight activations and three initializations: 0.98 to 1.02.",
            _agree,
            "The prediction takes slopes and weights to be independent. It is ours, after Hochreiter and the paper.",
        ),
        Finding(
            "hochreiter-sigmoid-vanishes",
            "Errors vanish exponentially on their way through sigmoids, whichever the initialization.",
            f"The measured factor, geometric mean over layers: below {HALF:g}.",
            _vanishes,
        ),
    ),
    open_points="Depth and Gaussian inputs, of standard deviation 1, are ours; the paper gives its singular values as "
    "about so much, for networks on its own images. RReLU's slopes are those drawn in training.",
)  # fmt: skip
