"""Figures 2 to 4: how the units of deep networks saturate while they are trained."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, panels
from activation_study.papers.glorot2010.drawing import key, shades
from activation_study.papers.glorot2010.networks import SHALLOW, hidden_layers, plan_of, scales_of
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.parts import differences, level

SMOOTH = 5  # measurements, each on one batch, that are averaged where a moment is looked for
SIGMOIDS = {SHALLOW: 4, "sigmoid": 5}
OUT = Range(low=0.05)  # change of a mean activation that counts as one
CURVED = ("tanh", "softsign", "tanh N", "softsign N")


def _figure2_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By depth, seed, update and layer: mean and standard deviation of the activations."""
    rows = hidden_layers(made)
    return rows.assign(depth=rows.kind.map(SIGMOIDS))[["depth", "seed", "step", "layer", "mean", "std"]]


def _figure2(table: pd.DataFrame, note: str) -> Figure:
    """One network, as in the paper, and the means of the others in pale."""
    depths = sorted(table.depth.unique())
    with context():
        figure, axes = panels(len(depths), "updates (thousands)", "mean activation of a layer", height=0.75)
        for ax, depth in zip(axes, depths, strict=True):
            rows = table[table.depth == depth]
            for layer, shade in enumerate(shades(int(max(depths)))[: int(depth)], 1):
                _with_spread(ax, rows[rows.layer == layer], shade, first=layer)
            ax.set_title(f"{depth} hidden layers")
        axes[0].set_ylim(0, 1)
        key(figure, layers=int(max(depths)), lines={"other networks": {"linewidth": 0.6}})
        drawn = "sigmoid · line: one network, bars: standard deviation of its activations"
        return finish(figure, "Glorot & Bengio 2010, Figure 2", f"{drawn} · {note}")


def _with_spread(ax: Axes, rows: pd.DataFrame, shade: str, first: int) -> None:
    """Bars begin at another measurement in every layer, so that none hides another."""
    for seed, one in rows.groupby("seed"):
        if seed == rows.seed.min():
            ax.errorbar(one.step / 1000, one["mean"], one["std"], color=shade, linewidth=1.3, elinewidth=0.5,
                        errorevery=(first, max(1, len(one) // 10)), capsize=0, zorder=3)  # fmt: skip
        else:
            ax.plot(one.step / 1000, one["mean"], color=shade, linewidth=0.6, alpha=0.5)


def plateau(table: pd.DataFrame) -> pd.DataFrame:
    """Of every network by depth and seed: the mean activations of its layers when that of the top one is lowest.

    Returns:
        A column for every layer by its number, and `end`, that of the top layer at the end.
    """
    rows = []
    for (depth, seed), one in table.groupby(["depth", "seed"]):
        means = one.pivot(index="step", columns="layer", values="mean").astype(float)
        smooth = means.rolling(SMOOTH, min_periods=1).mean()
        lowest = smooth.loc[smooth[depth].idxmin()].to_dict()
        rows.append({"depth": depth, "seed": seed, **lowest, "end": smooth[depth].iloc[-1]})
    return pd.DataFrame(rows).set_index(["depth", "seed"])


def _collapses(table: pd.DataFrame, where: str) -> list[Part]:
    found = plateau(table)
    return [level(found.loc[depth][depth], where, f"{depth} layers", "sigmoid", Range(high=0.1),
                  "lowest mean activation of the top layer", comparisons=2) for depth in SIGMOIDS.values()]  # fmt: skip


def _ordered(table: pd.DataFrame, where: str) -> list[Part]:
    parts = []
    for depth in SIGMOIDS.values():
        layers = plateau(table).loc[depth].dropna(axis=1).rename(columns=lambda column: f"layer {column}")
        pairs = [(f"layer {layer + 1}", f"layer {layer}") for layer in range(1, depth - 1)]
        parts += differences(layers, where, f"{depth} layers", pairs, Range(low=0),
                             "mean activation when that of the top layer is lowest", comparisons=2)  # fmt: skip
    return parts


def _escapes(table: pd.DataFrame, where: str) -> list[Part]:
    found = plateau(table)
    said = "mean activation of the top layer at the end less its lowest"
    return [level(found.loc[depth]["end"] - found.loc[depth][depth], where, "", f"{depth} layers", claimed, said, 2)
            for depth, claimed in ((4, OUT), (5, Range(high=OUT.low)))]  # fmt: skip


def _figure2_cells(table: pd.DataFrame) -> list[Cell]:
    found = plateau(table).loc[4]
    return [Cell(f"mean activation of layer {layer} on the plateau, 4 layers", paper, statistics.mean(found[layer]),
                 len(found), "read off", alike=False)
            for layer, paper in ((1, 0.5), (2, 0.6), (3, 0.8), (4, 0.0))]  # fmt: skip


FIGURE2 = Item(
    name="figure2",
    shows="Mean and standard deviation of the activations of every layer of sigmoids over training, MNIST.",
    paper_says="Four hidden layers: within a few epochs of 20,000 updates the mean of layer 4 falls to nearly 0 and "
    "stays there until about epoch 100; then it rises slowly. Meanwhile layers 1 to 3 are above a half, the higher the "
    "layer, the more: about 0.5, 0.6 and 0.8. When the top layer recovers they spread out, and layer 1 begins to "
    "saturate. With five hidden layers the top layer never recovers.",
    scales=scales_of({"paper": 5000, "desk": 8, "smoke": 0.1}),
    plan=lambda scale: plan_of(SIGMOIDS),
    table=_figure2_table,
    figure=_figure2,
    cells=_figure2_cells,
    findings=(
        Finding(
            "glorot-sigmoid-collapse",
            "Early in training the top layer of a deep network of sigmoids falls to activations near 0.",
            f"The lowest mean activation of the top layer, over {SMOOTH} batches, at four and five layers: below 0.1.",
            _collapses,
        ),
        Finding(
            "glorot-sigmoid-order",
            "Meanwhile the mean activations of the layers below fall from the top towards the input.",
            "At that moment, each layer below the top one less the layer below it: above 0.",
            _ordered,
        ),
        Finding(
            "glorot-sigmoid-escape",
            "With four layers the top layer recovers, and with five it does not.",
            "The mean activation of the top layer at the end less its lowest: above 0.05 with four layers, below with "
            "five.",
            _escapes,
            "The paper trains for longer than the desk scale does.",
        ),
    ),
    open_points="Our means are those of training batches of 10 images, the paper's of 300 test images.",
)  # fmt: skip


def _figure3_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, seed, update and layer: standard deviation and 98th percentile of the activations."""
    rows = made.table("distribution").rename(columns={"label": "kind"})
    by_layer = rows.groupby(["kind", "seed", "step", "layer"])["activation"]
    percentile = rows[rows.level == 98].groupby(["kind", "seed", "step", "layer"])["activation"].first()
    return pd.DataFrame({"std": by_layer.std(), "percentile": percentile}).reset_index()


def _figure3(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(len(CURVED), "updates (thousands)", "activation", height=1.0)
        for ax, kind in zip(axes, CURVED, strict=True):
            rows = table[table.kind == kind]
            for layer, shade in enumerate(shades(rows.layer.max()), 1):
                mean = rows[rows.layer == layer].groupby("step")[["percentile", "std"]].mean()
                at = mean.index / 1000
                ax.plot(at, mean["percentile"], color=shade, linestyle="", marker="o", markersize=3)
                for sign in (1, -1):
                    ax.plot(at, sign * mean["std"], color=shade, linewidth=1.2)
            ax.set_title(kind)
        key(figure, layers=table.layer.max(), lines={
            "98th percentile": {"linestyle": "", "marker": "o", "markersize": 3}, "± std": {},
        })  # fmt: skip
        drawn = "5 hidden layers; N: normalised initialization (tanh N: the paper's Figure 10) · mean over seeds"
        return finish(figure, "Glorot & Bengio 2010, Figure 3", f"{drawn} · {note}")


def _from_below(table: pd.DataFrame, where: str) -> list[Part]:
    tanh = table[(table.kind == "tanh") & (table.step > 0)]
    mean = tanh.groupby(["seed", "layer"])["percentile"].mean().unstack()
    layers = mean.rename(columns=lambda layer: f"layer {layer}")
    pairs = [(f"layer {layer}", f"layer {layer + 1}") for layer in range(1, len(layers.columns))]
    return differences(layers, where, "tanh", pairs, Range(low=0), "98th percentile, mean over training")


def _less_and_together(table: pd.DataFrame, where: str) -> list[Part]:
    last = table[table.step == table.step.max()].groupby(["seed", "kind"])["percentile"]
    pairs = [("softsign", "tanh")]
    height = differences(last.mean().unstack(), where, "at the end", pairs, Range(high=0),
                         "98th percentile, mean over layers", comparisons=2)  # fmt: skip
    apart = differences((last.max() - last.min()).unstack(), where, "at the end", pairs, Range(high=0),
                        "98th percentile, highest layer less lowest", comparisons=2)  # fmt: skip
    return height + apart


FIGURE3 = Item(
    name="figure3",
    shows="98th percentile and standard deviation of the activations of every layer over training, MNIST.",
    paper_says="Tanh, standard initialization: layer 1 saturates first, then layer 2, and so on upwards. Softsign: all "
    "layers move together, and saturate less. With the normalised initialization (its Figure 10) the layers of tanh "
    "stay closer together.",
    scales=scales_of({"paper": 10000, "desk": 16, "smoke": 0.1}),
    plan=lambda scale: plan_of(CURVED),
    table=_figure3_table,
    figure=_figure3,
    findings=(
        Finding(
            "glorot-tanh-from-below",
            "With tanh and the standard initialization saturation begins at the input and moves upwards.",
            "The 98th percentile of the activations, mean over training, of each layer less that of the layer above: "
            "above 0.",
            _from_below,
        ),
        Finding(
            "glorot-softsign-together",
            "With softsign the layers saturate less than with tanh, and together.",
            "The 98th percentile at the end, its mean over layers and the distance of the highest layer from the "
            "lowest, softsign less tanh: both below 0.",
            _less_and_together,
            "In the desk scale's narrow networks all layers of tanh have reached 1 by then, and none is apart.",
        ),
    ),
    open_points="Both are those of 300 validation images; the standard deviation is that of the hundred "
    "percentiles, and for softsign and the normalised initialization it is drawn in the same form.",
)  # fmt: skip

EDGES = np.linspace(-1, 1, 41)


def _figure4_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, seed and layer: the density of the activations at the end, from their percentiles."""
    rows = made.table("distribution").rename(columns={"label": "kind"})
    last = rows[rows.step == rows.step.max()].sort_values("level")
    parts = []
    for (kind, seed, layer), one in last.groupby(["kind", "seed", "layer"]):
        below = np.interp(EDGES, one.activation, one.level / 100, left=0, right=1)
        below[[0, -1]] = 0, 1  # what lies at a bound belongs to the bin beside it
        parts.append(pd.DataFrame({"kind": kind, "seed": seed, "layer": layer, "value": (EDGES[1:] + EDGES[:-1]) / 2,
                                   "density": np.diff(below) / np.diff(EDGES)}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _figure4(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(len(CURVED), "activation", "density", sharey=False, height=1.0)
        for ax, kind in zip(axes, CURVED, strict=True):
            rows = table[table.kind == kind]
            for layer, shade in enumerate(shades(rows.layer.max()), 1):
                mean = rows[rows.layer == layer].groupby("value")["density"].mean()
                ax.plot(mean.index, mean, color=shade, linewidth=1.2)
            ax.set_ylim(bottom=0)
            ax.set_title(kind)
        key(figure, layers=table.layer.max())
        drawn = "5 hidden layers, at the end of training; N: normalised initialization · mean over seeds"
        return finish(figure, "Glorot & Bengio 2010, Figure 4", f"{drawn} · {note}")


def share(table: pd.DataFrame, low: float, high: float) -> pd.Series:
    """The share of the activations whose magnitude lies between two ends of bins, by kind, seed and layer."""
    inside = table[table.value.abs().between(low, high)]
    return inside.groupby(["kind", "seed", "layer"])["density"].sum() * (EDGES[1] - EDGES[0])


def _piles(table: pd.DataFrame, where: str) -> list[Part]:
    by_kind = share(table, 0.95, 1.0).xs(1, level="layer").unstack("kind")
    return differences(by_kind, where, "layer 1", [("tanh", "softsign")], Range(low=0), "share beyond ±0.95")


def _knees(table: pd.DataFrame, where: str) -> list[Part]:
    knees, flat = (share(table, *ends).groupby(["kind", "seed"]).mean() for ends in ((0.6, 0.8), (0.95, 1.0)))
    both = pd.DataFrame({"±0.6 to ±0.8": knees["softsign"], "beyond ±0.95": flat["softsign"]})
    return differences(both, where, "softsign", [("±0.6 to ±0.8", "beyond ±0.95")], Range(low=0),
                       "share of the activations, mean over layers")  # fmt: skip


FIGURE4 = Item(
    name="figure4",
    shows="Histograms of the activations of every layer at the end of training, MNIST.",
    paper_says="Tanh: the activations of the lower layers pile up at -1 and 1. Softsign: they lie around the knees of "
    "the function, between 0.6 and 0.8 on either side, where it is neither linear nor flat.",
    scales=scales_of({"paper": 10000, "desk": 16, "smoke": 0.1}),
    plan=lambda scale: plan_of(CURVED),
    table=_figure4_table,
    figure=_figure4,
    findings=(
        Finding(
            "glorot-tanh-piles-up",
            "In training the lower layers of tanh pile up at the bounds, more than those of softsign.",
            "The share of layer 1's activations beyond ±0.95 at the end, tanh less softsign: above 0.",
            _piles,
        ),
        Finding(
            "glorot-softsign-knees",
            "Softsign's activations end at its knees and not at its bounds.",
            "The share of its activations between 0.6 and 0.8 in magnitude less that beyond 0.95: above 0.",
            _knees,
        ),
    ),
    open_points="The densities come from the hundred percentiles of the activations of 300 validation images.",
)  # fmt: skip
