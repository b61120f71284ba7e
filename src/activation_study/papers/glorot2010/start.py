"""Figures 6 to 8: activations, errors and weight gradients before training, layer by layer."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, looks, panels
from activation_study.papers.glorot2010.drawing import key, shades
from activation_study.papers.glorot2010.networks import option
from activation_study.papers.glorot2010.passes import RULES, WEAK, histograms, spread
from activation_study.papers.item import Cell, Finding, Item, Made, Scale, nothing
from activation_study.papers.parts import level

WIDTHS = {"paper": (1000, 64), "desk": (1000, 64), "smoke": (50, 8)}  # units, and layers of the deep networks
SHALLOW = 5  # hidden layers of the paper's networks
ALIKE = Range(low=1 / 1.5, high=1.5)  # ratio of the spreads of two layers that coincide, to the eye
SHRUNK = Range(high=1 / 1.5)

FORWARD, ERROR, GRADIENT = "forward", "error", "gradient"
CALLED = {FORWARD: "activation", ERROR: "back-propagated error", GRADIENT: "weight gradient"}


def _table(quantity: str) -> Callable[[Made, Scale], pd.DataFrame]:
    def table(made: Made, scale: Scale) -> pd.DataFrame:
        """Densities in five layers of tanh (rows with a value), and spreads in deep networks (rows without)."""
        width, depth = (int(option(scale, name)) for name in ("model.width", "model.depth"))
        seeds = tuple(made.seeds)
        densities = histograms(SHALLOW, width, seeds)
        densities = densities[densities.quantity == quantity].drop(columns="quantity").assign(activation="tanh")
        spreads = spread(depth, width, seeds)[["init", "activation", "seed", "layer", quantity]]
        return pd.concat([densities, spreads.rename(columns={quantity: "log_std"})], ignore_index=True)

    return table


def _figure(number: int, quantity: str) -> Callable[[pd.DataFrame, str], Figure]:
    def figure(table: pd.DataFrame, note: str) -> Figure:
        """The paper's histograms of both rules, and He's; below them all activations in deep networks."""
        densities, spreads = table[table.value.notna()], table[table.value.isna()]
        with context():
            drawing, axes = panels(2 * len(RULES), "", "", sharex=False, sharey=False, height=0.75)
            for rule, above, below in zip(RULES, axes[: len(RULES)], axes[len(RULES) :], strict=True):
                _densities(above, densities[densities.init == rule])
                above.set(title=f"{RULES[rule]}, tanh", xlabel=CALLED[quantity])
                _spreads(below, spreads[spreads.init == rule])
                below.set(title=f"{RULES[rule]}, {spreads.layer.max():.0f} layers", xlabel="layer")
            axes[0].set_ylabel("density")
            axes[len(RULES)].set_ylabel("standard deviation")
            low, high = (getattr(np, end)([ax.get_ylim() for ax in axes[len(RULES) :]]) for end in ("min", "max"))
            for ax in axes[len(RULES) :]:
                ax.set_ylim(max(low, 1e-60), high)
            key(drawing, SHALLOW, spreads.activation)
            drawn = "at the start, Gaussian inputs · lines: mean over seeds, geometric below"
            return finish(drawing, f"Glorot & Bengio 2010, Figure {number}", f"{drawn} · {note}")

    return figure


def _densities(ax: Axes, rows: pd.DataFrame) -> None:
    for (_, layer), shade in zip(rows.groupby("layer"), shades(rows.layer.nunique()), strict=True):
        density = layer.groupby("value")["density"].mean()
        ax.plot(density.index, density, color=shade, linewidth=1.2)
    ax.set_ylim(bottom=0)
    ax.locator_params(axis="x", nbins=5)


def _spreads(ax: Axes, rows: pd.DataFrame) -> None:
    for name, look in looks(rows.activation).items():
        by_layer = rows[rows.activation == name].astype({"log_std": float}).groupby("layer")["log_std"].mean()
        ax.plot(by_layer.index, 10**by_layer, color=look.color, linestyle=look.dashes, linewidth=1.2)
    ax.set_yscale("log")


def _between(quantity: str, over: tuple[int, int], claimed: dict[str, Range]) -> Callable[..., list[Part]]:
    """The spread in one of the paper's five layers over that in another, with tanh, by initialization."""

    def parts(table: pd.DataFrame, where: str) -> list[Part]:
        rows = table[(table.activation == "tanh") & table.value.isna()]
        found = rows.pivot(index=["init", "seed"], columns="layer", values="log_std")
        ratio = 10 ** (found[over[0]] - found[over[1]]).astype(float)
        said = f"{CALLED[quantity]}, standard deviation in layer {over[0]} over that in layer {over[1]}"
        return [level(ratio[rule], where, "tanh", RULES[rule], predicted, said, comparisons=len(claimed))
                for rule, predicted in claimed.items()]  # fmt: skip

    return parts


def _peaks(layer: int, standard: float, normalised: float) -> Callable[[pd.DataFrame], list[Cell]]:
    """The highest density in a layer, as the paper's curves have it."""

    def cells(table: pd.DataFrame) -> list[Cell]:
        highest = table[table.layer == layer].groupby(["init", "seed"])["density"].max()
        return [Cell(f"peak of layer {layer}, tanh, {RULES[rule]}", paper, statistics.mean(highest[rule]),
                     len(highest[rule]), "read off", "density", digits=1, alike=False)
                for rule, paper in (("glorot_standard", standard), ("xavier", normalised))]  # fmt: skip

    return cells


def _item(
    number: int, quantity: str, paper_says: str, findings: tuple[Finding, ...],
    cells: Callable[[pd.DataFrame], list[Cell]] = nothing,
) -> Item:  # fmt: skip
    minutes = {"paper": 8.0, "desk": 3.0, "smoke": 0.1}
    cuts = {"paper": "", "desk": "3 networks of each kind instead of 10.",
            "smoke": "50 units, 8 layers, 2 networks of each kind."}  # fmt: skip
    return Item(
        name=f"figure{number}",
        shows=f"The {CALLED[quantity]}s of every layer before training, for three initializations.",
        paper_says=paper_says,
        scales={
            scale: Scale(seeds, minutes[scale], (f"model.width={width}", f"model.depth={depth}"), cuts[scale])
            for (scale, (width, depth)), seeds in zip(WIDTHS.items(), (10, 3, 2), strict=True)
        },
        table=_table(quantity),
        figure=_figure(number, quantity),
        cells=cells,
        findings=findings,
        open_points="The paper shows its synthetic images to the network; ours sees Gaussian noise, as many values as "
        f"a layer has units, of standard deviation {WEAK:g}, with which the activations have the height that the "
        "paper's figure shows for the normalised initialization. Larger inputs take tanh out of its linear part. "
        "A weight gradient is that of the mean loss of the examples (300 for the histograms, 30 for the deep networks) "
        "with drawn labels. He's initialization, the deep networks and the other activations are ours. Errors are "
        "followed beyond what float32 can hold, where a network that trains would see zeros.",
    )


FIGURE6 = _item(
    6,
    FORWARD,
    "Histograms of the activations of tanh by layer. Standard initialization: all peak at zero, the more, the deeper "
    "the layer, up to a density of about 14 in layer 5. Normalised: all five layers coincide, with a peak of about "
    "1.4.",
    (
        Finding(
            "glorot-activations-shrink",
            "With the standard initialization activations of tanh shrink from layer to layer.",
            "Their standard deviation in layer 5 over that in layer 1: below 1/1.5.",
            _between(FORWARD, (5, 1), {"glorot_standard": SHRUNK}),
        ),
        Finding(
            "glorot-activations-alike",
            "With the normalised initialization the activations of all layers spread alike.",
            "Their standard deviation in layer 5 over that in layer 1, tanh: within a factor of 1.5.",
            _between(FORWARD, (5, 1), {"xavier": ALIKE}),
        ),
    ),
    _peaks(5, 14, 1.4),
)

FIGURE7 = _item(
    7,
    ERROR,
    "Histograms of the back-propagated errors of tanh by layer. Standard initialization: the nearer to the input, the "
    "narrower, up to a density of about 85 in layer 1. Normalised: the layers coincide, with peaks of 8 to 9.",
    (
        Finding(
            "glorot-errors-shrink",
            "With the standard initialization back-propagated errors shrink on their way to the input.",
            "Their standard deviation in layer 1 over that in layer 5, tanh: below 1/1.5.",
            _between(ERROR, (1, 5), {"glorot_standard": SHRUNK}),
        ),
        Finding(
            "glorot-errors-alike",
            "With the normalised initialization the errors of all layers spread alike.",
            "Their standard deviation in layer 1 over that in layer 5, tanh: within a factor of 1.5.",
            _between(ERROR, (1, 5), {"xavier": ALIKE}),
        ),
    ),
    _peaks(1, 85, 8.5),
)

FIGURE8 = _item(
    8,
    GRADIENT,
    "Histograms of the weight gradients of tanh by layer: all five layers coincide under either initialization, for "
    "what activations lose on their way up, errors lose on their way down.",
    (
        Finding(
            "glorot-gradients-alike",
            "At the start weight gradients of all layers spread alike, whichever the initialization.",
            "Their standard deviation in layer 1 over that in layer 5, tanh: within a factor of 1.5.",
            _between(GRADIENT, (1, 5), {"glorot_standard": ALIKE, "xavier": ALIKE}),
        ),
    ),
)
