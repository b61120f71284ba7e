"""The pictures of claims that strips of intervals cannot show, and the map of all verdicts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from activation_study.activations import softmax
from activation_study.activations.rectified import RReLU
from activation_study.claims import functions
from activation_study.claims.evidence import Found
from activation_study.claims.ledger import NOT_RUN, SUPPORTED, Outcome, Part, Range, across
from activation_study.claims.strips import CLAIMED, MARKS, caption, size, strips, title
from activation_study.comparison.quantities import ANGLE, LEARNED_SLOPE, NOISE, SHIFT, UNIT_ANGLE, Quantity
from activation_study.figures.divergence import mean_line
from activation_study.figures.style import GREY, Look, context, finish, keys, legend, looks, panels

Picture = Callable[[Outcome], Figure]
CURVES = 2.6  # inches of curves above strips


def everywhere(outcomes: Sequence[Outcome]) -> Figure:
    """The verdict of every claim at every place, a data set and a depth each, and that of the claim as a whole."""

    def column(part: Part) -> str:  # what is computed from functions needs no column for every argument
        return part.evidence if part.n is None else part.place

    columns = dict.fromkeys(column(part) for outcome in outcomes for part in outcome.parts)
    places = sorted(columns, key=lambda place: "," in place)  # functions first; the rest as they come
    with context():
        figure = Figure(figsize=(3.6 + 0.75 * len(places), 0.9 + 0.24 * len(outcomes)), layout="constrained")
        ax = figure.subplots()
        for row, outcome in enumerate(outcomes):
            at: dict[str, list[str]] = {place: [] for place in places}
            for part in outcome.parts:
                at[column(part)].append(outcome.cases[outcome.case(part)])
            verdicts = [outcome.verdict, *(across(found) if found else "" for found in at.values())]
            for x, verdict in enumerate(verdicts):
                if verdict in MARKS:
                    color, marker = MARKS[verdict]
                    ax.plot(x, row, marker=marker, color=color, markersize=8 if x == 0 else 6)
                elif verdict == NOT_RUN:
                    ax.text(x, row, "not run", ha="center", va="center", fontsize=6, color=GREY)
        ax.axvspan(-0.5, 0.5, color="#f2f2f2", zorder=0)
        ax.set(xlim=(-0.5, len(places) + 0.5), ylim=(len(outcomes) - 0.5, -0.5))
        ax.set_yticks(range(len(outcomes)), [outcome.claim.id for outcome in outcomes])
        ax.set_xticks(range(len(places) + 1), ["the claim", *(place.replace(", ", "\n") for place in places)])
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        for verdict, (color, marker) in MARKS.items():
            ax.plot([], [], linestyle="", color=color, marker=marker, label=verdict)
        figure.legend(loc="outside lower center", ncols=len(MARKS))
        return figure


def curves(
    activations: Sequence[str], of: Callable[[str, torch.Tensor], torch.Tensor], ylabel: str, low: float, high: float,
    bound: float | None = None,
) -> Picture:  # fmt: skip
    """A picture of functions or their slopes between two pre-activations, with a bound where there is one.

    Where the claim speaks of networks too, their intervals stand below.
    """

    def picture(outcome: Outcome) -> Figure:
        z = torch.linspace(low, high, 1201, dtype=torch.float64)
        networks = replace(outcome, parts=[part for part in outcome.parts if part.n is not None])
        drawn = "computed in double precision"
        with context():
            if networks.parts:
                width, height = size(networks)
                figure = Figure(figsize=(width, height + CURVES), layout="constrained")
                above, below = list(figure.subfigures(2, 1, squeeze=False, height_ratios=(CURVES, height)).flat)
                ax = above.subplots()
                ax.set(xlabel="pre-activation $z$", ylabel=ylabel)
                above.legend(handles=keys(activations), loc="outside right upper")
                drawn = f"above: {drawn}; below: {strips(below, networks)}"
            else:
                figure, (ax,) = panels(1, "pre-activation $z$", ylabel, height=0.75)
                legend(figure, activations)
            for name, look in looks(activations).items():
                y = of(name, z).numpy().copy()
                y[np.abs(np.diff(y, prepend=y[0])) > 0.1] = np.nan  # a jump is a gap in the line, not a slope
                ax.plot(z.numpy(), y, color=look.color, linestyle=look.dashes)
            if bound is not None:
                ax.axhline(bound, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)))
            return finish(figure, title(outcome, figure), caption(outcome, drawn))

    return picture


def against_depth(evidence: str, activations: Sequence[str], *quantities: Quantity) -> Picture:
    """A picture of quantities against depth, one panel each, one line per activation."""

    def picture(outcome: Outcome) -> Figure:
        found = outcome.found[evidence]
        with context():
            figure, axes = panels(len(quantities), "depth (hidden layers)", "", sharey=False, height=0.85)
            for ax, quantity in zip(axes, quantities, strict=True):
                for name, look in looks(activations).items():
                    values = {depth: found.values(quantity, name, depth) for depth in found.depths}
                    known = {depth: value for depth, value in values.items() if value is not None}
                    _line(ax, known, look, quantity)
                ax.set_ylabel(f"{quantity.name} ({quantity.unit})" if quantity.unit else quantity.name)
                ax.set_xscale("log", base=2)
                ax.set_xticks(found.depths, [str(depth) for depth in found.depths])
                ax.set_xlim(found.depths[0] / 1.2, found.depths[-1] * 1.2)
                if not any(len(line.get_xdata()) for line in ax.get_lines()):  # type: ignore[arg-type]
                    ax.annotate("not run", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
                elif quantity.logarithmic:
                    ax.set_yscale("log")
                    low, high = ax.get_ylim()
                    ax.set_ylim(min(low, 0.1), max(high, 10))  # a ratio near 1 must look like it
                _claimed(ax, [part.claimed for part in outcome.parts if part.quantity.startswith(quantity.name)])
            legend(figure, activations)
            drawn = f"{found.name}: {found.about}; lines: mean over seeds, bands: 95 % t intervals"
            return finish(figure, title(outcome, figure), caption(outcome, drawn))

    return picture


def _claimed(ax: Axes, ranges: Sequence[Range]) -> None:
    """Shades the values that are claimed of what a panel shows, if anything is, and makes room for their bound."""
    for claimed in ranges[:1]:
        low, high = ax.get_ylim()
        bounds = [bound for bound in (claimed.low, claimed.high) if np.isfinite(bound)]
        room = 0.12 * (max(high, *bounds) - min(low, *bounds))
        low, high = min(low, *(bound - room for bound in bounds)), max(high, *(bound + room for bound in bounds))
        ax.axhspan(max(low, claimed.low), min(high, claimed.high), color=CLAIMED, linewidth=0, zorder=0)
        for bound in bounds:
            ax.axhline(bound, color=MARKS[SUPPORTED][0], linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
        ax.set_ylim(low, high)


def _line(ax: Axes, values: Mapping[int, NDArray[np.float64]], look: Look, quantity: Quantity) -> None:
    """Mean and interval of arrays of shape (seeds,), each at its place on the x axis; none where a seed diverged."""
    rows = [(x, *(quantity.factor * end for end in quantity.mean(value)), len(value), np.sum(~np.isfinite(value)))
            for x, value in values.items()]  # fmt: skip
    line = pd.DataFrame(rows, columns=["x", "mean", "low", "high", "seeds", "lost"]).dropna(subset="mean")
    line.loc[line.lost > 0, ["low", "high"]] = np.nan
    mean_line(ax, line.x.to_numpy(), line, look, linewidth=1.5)
    ax.fill_between(line.x, line.low, line.high, color=look.color, alpha=0.15, linewidth=0)


def learned_slopes(outcome: Outcome) -> Figure:
    """The intervals of the parts, and below them where PReLU's slopes go, layer by layer, at the end of training."""
    shown: list[tuple[Found, int]] = []
    for name in outcome.claim.tests:
        found = outcome.found[name]
        shown += [(found, depth) for depth in found.depths if found.has("prelu", depth)]
    with context():
        width, height = size(outcome)
        figure = Figure(figsize=(width, height + 2.2), layout="constrained")
        above, below = list(figure.subfigures(2, 1, squeeze=False, height_ratios=(height, 2.2)).flat)
        drawn = strips(above, outcome)
        axes = below.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        axes[0].set(ylabel="learned slope")
        for ax, (found, depth) in zip(axes, shown, strict=True):
            layers = found.tables().layers
            rows = layers[(layers.variant == "prelu") & (layers.depth == depth) & layers.hidden]
            rows = rows[rows.step == rows.step.max()]
            by_layer = {int(layer): group.learned_slope.to_numpy() for layer, group in rows.groupby("layer")}
            _line(ax, by_layer, looks(["prelu"])["prelu"], LEARNED_SLOPE)
            ax.axhline(0.25, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)))
            ax.set(title=f"{found.name}, depth {depth}", xlabel="hidden layer (1 = input)")
            ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        drawn += "; below: mean of a layer's slopes after training, 95 % t intervals, dashed: where they start"
        return finish(figure, title(outcome, figure), caption(outcome, drawn))


def noise(outcome: Outcome) -> Figure:
    """The share of noise that passes an activation against how far below zero, and what it does to a network."""
    names = ("relu", "lrelu", "vlrelu", "prelu", "elu")  # in testing RReLU is VLReLU
    z = np.linspace(-8, 0, 81)
    found = outcome.found["digits"]
    with context():
        figure, axes = panels(2, "", "", sharex=False, sharey=False, height=0.85)
        for row, (name, look) in enumerate(looks(names).items()):
            passed = [functions.noise_passed(name, float(at)) for at in z]
            axes[0].plot(z, passed, color=look.color, linestyle=look.dashes, marker=look.marker, markevery=10)
            moved = found.values(NOISE, name, found.depths[0])
            assert moved is not None
            moved = NOISE.factor * moved
            axes[1].plot(moved, np.full(len(moved), row), ".", color=look.color, alpha=0.5)
            axes[1].plot(moved.mean(), row, marker=look.marker, color=look.color, markersize=7,
                         markeredgecolor="white")  # fmt: skip
        axes[0].set(yscale="log", ylim=(1e-6, 2), xlabel="pre-activation $z$ without noise",
                    ylabel="share of the noise's variance passed on", title="functions")  # fmt: skip
        axes[1].set_xscale("symlog", linthresh=0.01)
        axes[1].set(xlabel="change of the logits (% of their spread)", title="digits",
                    ylim=(len(names) - 0.5, -0.5))  # fmt: skip
        axes[1].set_yticks(range(len(names)), looks(names))
        legend(figure, names)
        drawn = f"noise of standard deviation {functions.NOISE:g}; dots: seeds, marks: mean"
        return finish(figure, title(outcome, figure), caption(outcome, drawn))


def natural_gradient(outcome: Outcome) -> Figure:
    """The angles to the natural gradient and the bias shift while the small networks learn."""
    metrics = outcome.found["digits"].tables().metrics
    epochs = sorted(set(metrics.epoch))
    labels = {"angle": ("angle, whole network (degrees)", ANGLE),
              "unit_angle": ("angle, one unit (degrees)", UNIT_ANGLE),
              "shift": ("share of the step through the means", SHIFT)}  # fmt: skip
    with context():
        figure, axes = panels(3, "epochs trained", "", sharey=False, height=1.0)
        for ax, (column, (label, quantity)) in zip(axes, labels.items(), strict=True):
            for name, look in looks(metrics.variant).items():
                rows = metrics[metrics.variant == name]
                _line(ax, {epoch: rows[rows.epoch == epoch][column].to_numpy() for epoch in epochs}, look, quantity)
            ax.set_ylabel(label)
            ax.set_xscale("log")
            ax.set_xticks(epochs, [str(epoch) for epoch in epochs])
            ax.set_xticks([], minor=True)
        legend(figure, metrics.variant)
        drawn = "lines: mean over seeds, bands: 95 % t intervals"
        return finish(figure, title(outcome, figure), caption(outcome, drawn))


def random_slopes(outcome: Outcome) -> Figure:
    """How often RReLU draws each slope in training, their mean, and the slope in testing."""
    rrelu = functions.double("rrelu")
    assert isinstance(rrelu, RReLU)
    color = looks(["rrelu"])["rrelu"].color
    slope = np.linspace(1 / rrelu.upper, 1 / rrelu.lower, 200)
    density = 1 / (slope**2 * (rrelu.upper - rrelu.lower))  # of 1/u with u uniform
    with context():
        figure, (ax,) = panels(1, "slope below zero", "density in training", height=0.75)
        ax.fill_between(slope, density, color=color, alpha=0.3, linewidth=0)
        ax.plot(slope, density, color=color)
        ax.set_ylim(0)
        for at, dashes, text in (
            (rrelu.mean_slope, "-", "mean in training"),
            (rrelu.test_slope, (0, (3, 2)), "testing"),
        ):
            ax.axvline(at, color=GREY, linestyle=dashes, linewidth=1.2, label=f"{text} ({at:.4f})")
        figure.legend(loc="outside right upper")
        return finish(figure, title(outcome, figure), caption(outcome, "one over a draw from U(3, 8)"))


def softmax_cases(outcome: Outcome) -> Figure:
    """The probabilities of the three cases, recomputed as bars and as printed in the article as marks."""
    cases = functions.SOFTMAX_CASES
    with context():
        figure, axes = panels(len(cases), "class", "probability", sharex=False)
        for number, (ax, (logits, printed)) in enumerate(zip(axes, cases, strict=True), 1):
            classes = range(1, len(logits) + 1)
            ax.bar(classes, softmax(torch.tensor(logits, dtype=torch.float64)).numpy(), color="#56B4E9", width=0.7)
            ax.plot(classes, printed, "_", color="black", markersize=14)
            ax.set_title(f"case {number}")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        return finish(figure, title(outcome, figure), caption(outcome, "bars: recomputed, marks: as printed"))
