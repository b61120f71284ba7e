"""What happens in each layer over training: one panel per variant, one line per layer, coloured by its depth."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from activation_study.comparison.quantities import ALIVE_BELOW_ZERO
from activation_study.figures.divergence import FEW, LEFT_OUT, PALE, going_on, note
from activation_study.figures.style import (
    GREY,
    UNBOUNDED,
    beside_title,
    called,
    context,
    finish,
    layer_ticks,
    log_ticks,
    looks,
    ordered,
    panels,
)  # fmt: skip
from activation_study.figures.tables import FLAT, at_depth, bases, checked, footer, last_hidden, mean_by_layer

STEPS = "step (weight updates)"
DECADES = 20  # of the gradient norm that are drawn: below them is what a computer's numbers have left
CAP = 4  # times the middle one of the panels' largest values, beyond which a panel is cut off, and says so


def gradient_lines(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Gradient norm of every layer over training, one panel per variant."""
    rows = _checked(layers, "grad_norm", depth)
    with context():
        figure, axes, lines = _lines(rows, "grad_norm", "Gradient norm by layer", "gradient norm", log=True)
        drawn = f"{lines}: geometric mean over seeds, {'grey' if 'points' in lines else 'dashed'}: output layer"
        axes[0].set_yscale("log")
        low, high = axes[0].get_ylim()
        if low < high / 10**DECADES:
            axes[0].set_ylim(high / 10**DECADES)
            drawn += f", cut off {DECADES} decades below the largest"
        log_ticks(axes[0].yaxis)
        return _finished(figure, rows, drawn,
                         "lines that stay apart are layers that learn at different speeds")  # fmt: skip


def saturation(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Share of saturated units in every layer over training, one panel per variant that can saturate."""
    rows, absent = _without(_checked(layers, "saturated", depth), UNBOUNDED)
    with context():
        figure, axes, lines = _lines(rows, "saturated", "Saturated units by layer", "saturated (% of units)")
        axes[0].set_ylim(-3, 103)
        _put_aside(figure, absent, "no bound, cannot saturate")
        return _finished(figure, rows, f"{lines}: mean over seeds; {FLAT}",
                         "a line near 100 % is a layer that hardly passes on a gradient")  # fmt: skip


def mean_activation(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Mean activation of every layer over training, one panel per variant."""
    rows = _checked(layers, "mean", depth)
    with context():
        figure, axes, lines = _lines(rows, "mean", "Mean activation by layer", "mean activation")
        for ax in axes:
            ax.axhline(0, color=GREY, linewidth=0.6, zorder=1)
        _cap(axes)
        return _finished(figure, rows, f"{lines}: mean over seeds",
                         "the nearer to 0 a line, the less its layer shifts the inputs of the next")  # fmt: skip


def dead_units(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Share of units in every layer that no probe example activates (dead, for a ReLU), one panel per variant."""
    rows, absent = _without(_checked(layers, "dead", depth), ALIVE_BELOW_ZERO)
    with context():
        figure, axes, lines = _lines(rows, "dead", "Dead units by layer", "never active (% of units)")
        axes[0].set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))
        top = max(axes[0].get_ylim()[1], 5.0)
        axes[0].set_ylim(0, min(top, 100.0))
        axes[0].set_yticks([tick for tick in (0, 1, 2, 5, 10, 20, 40, 60, 80, 100) if tick <= top])
        _put_aside(figure, absent, "learn below zero too: the share means nothing there")
        return _finished(figure, rows, f"{lines}: mean over seeds, on a square-root axis; never active: z ≤ 0 on "
                         "every probe example, where a ReLU gets no gradient",
                         "what rises and does not come down again no longer takes part")  # fmt: skip


def _checked(layers: pd.DataFrame, value: str, depth: int | None) -> pd.DataFrame:
    return at_depth(checked(layers, ["layer", "hidden", "step", "epoch", "grad_norm", value]), depth)


def _without(rows: pd.DataFrame, names: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    """The rows but those of the activations named, and the variants that are gone; all, where none would be left."""
    absent = [label for label, name in bases(rows).items() if name in names]
    kept = rows[~rows.variant.isin(absent)]
    return (kept, absent) if len(kept) else (rows, [])


def _put_aside(figure: Figure, absent: list[str], why: str) -> None:
    """One note for the variants that would be empty panels."""
    if absent:
        figure.text(0.99, 0.985, f"not shown: {', '.join(map(called, ordered(absent)))} ({why})", ha="right", va="top",
                    fontsize=7.5, color=GREY)  # fmt: skip


def _lines(
    rows: pd.DataFrame, value: str, title: str, ylabel: str, log: bool = False
) -> tuple[Figure, list[Axes], str]:
    """Draws one quantity; a share between 0 and 1 in percent, as its label says.

    What was measured once an epoch, or less often, gets points and no lines, which would be ramps that nobody has seen.

    Returns:
        The figure, its panels, and what its caption calls what is drawn.
    """  # fmt: skip
    measured = rows[rows[value].notna()]
    is_rare = measured.groupby("epoch").step.nunique().max() < 2 if len(measured) else True
    hidden, without = last_hidden(rows), set(rows.layer[~rows.hidden])
    percent = 100 if "%" in ylabel else 1
    colors, norm = _layer_colors(hidden)
    shown, of = looks(rows.variant), rows.groupby("variant").seed.nunique()
    figure, axes = panels(len(shown), STEPS, ylabel)
    for ax, (label, look) in zip(axes, shown.items(), strict=True):
        mine = rows[rows.variant == label]
        means = percent * mean_by_layer(mine, value, log)
        left = going_on(mine)
        few = left.index[(left < of[label]) & (left < FEW)]
        for layer in means.index.tolist():
            is_output = layer in without
            if is_output and value != "grad_norm":  # it has no activation
                continue
            line = means.loc[layer].dropna()
            style: dict[str, Any] = {"color": GREY if is_output else colors(norm(layer)), "linewidth": 1.0}
            style |= {"linestyle": (0, (3, 1.5))} if is_output else {}
            style |= {"marker": "o", "markersize": 2.5, "linestyle": ""} if is_rare or len(line) < 2 else {}
            pale = line.index.isin(few)
            if pale.any():
                ax.plot(line.index, line, **style, alpha=PALE)
            if not pale.all():
                ax.plot(line.index, line.where(~pale), **style)
        note(ax, left, of[label])
        if percent == 100 and len(means) and not (means > 0).any(axis=None):
            ax.text(0.5, 0.5, "0 % throughout", transform=ax.transAxes, ha="center", color=GREY)
        ax.set_title(called(label), color=look.color)
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, label="hidden layer (1 = at the input)", pad=0.01)
    bar.set_ticks(layer_ticks(hidden)[0])
    bar.ax.tick_params(which="both", length=0)
    when = "before training" if rows.step.max() == 0 else "over training"
    figure.suptitle(f"{title} {when}")
    return figure, axes, "points, measured once an epoch" if is_rare else "lines"


def _finished(figure: Figure, rows: pd.DataFrame, drawn: str, see: str) -> Figure:
    return finish(figure, figure.get_suptitle(), footer(rows, drawn, "grad_norm", LEFT_OUT), see)


def _cap(axes: list[Axes]) -> None:
    """Cuts off panels whose values would make flat lines of all others', and says at them how far they go."""
    drawn = {ax: np.concatenate([line.get_ydata() for line in ax.get_lines()] or [[0.0]]) for ax in axes}
    reach = {ax: float(np.nanmax(np.abs(values), initial=0.0)) for ax, values in drawn.items()}
    most = CAP * float(np.median(list(reach.values())))
    if not 0 < most < max(reach.values()):
        return
    every = np.concatenate(list(drawn.values())).clip(-most, most)
    low, high = np.nanmin(every), np.nanmax(every)
    axes[0].set_ylim(low - 0.05 * (high - low), high)
    for ax, value in reach.items():
        if value > most:
            beside_title(ax, f"cut off, up to {value:.3g}")


def _layer_colors(hidden: int) -> tuple[ListedColormap, BoundaryNorm]:
    shades = colormaps["viridis"]
    colors = [shades(0.92 * layer / max(hidden - 1, 1)) for layer in range(hidden)]  # not the palest yellow
    return ListedColormap(colors), BoundaryNorm([layer + 0.5 for layer in range(hidden + 1)], hidden)
