"""What depth does to each activation: how far the gradient fades on its way to the input, and the accuracy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.errors import StudyError
from activation_study.figures.gradients import moments
from activation_study.figures.style import GREY, close_up, context, finish, label_panels, legend, looks, panels
from activation_study.figures.tables import INTERVAL, checked, curve, footer


def gradient_ratio(layers: pd.DataFrame) -> Figure:
    """Gradient norm of the first over the last hidden layer against depth, before training and in its last epoch."""
    layers = checked(layers, ["layer", "epoch", "step", "grad_norm"])
    with context():
        figure, axes = panels(2, height=1.0)
        for ax, (moment, part) in zip(axes, moments(layers).items(), strict=True):
            keys = ["activation", "depth", "seed"]
            first = part[part.layer == 1].set_index(keys).grad_norm
            last = part[part.layer == part.groupby(["activation", "depth"]).layer.transform("max") - 1].set_index(keys).grad_norm
            _against_depth(ax, (first / last).rename("ratio").reset_index(), "ratio", log=True)
            ax.axhline(1, color=GREY, linewidth=0.8, zorder=1)
            ax.set_title(moment)
        axes[0].set_yscale("log")
        label_panels(axes, "depth (hidden layers)", "gradient norm, first / last hidden layer")
        legend(figure, layers.activation)
        hidden = layers[(layers.layer == 1) | (layers.layer == layers.depth)]
        drawn = f"points: geometric mean, bars: {INTERVAL}; a ratio of 1: the gradient neither fades nor grows"
        return finish(figure, "Gradient ratio against depth", footer(hidden, drawn, "grad_norm"))


def accuracy_by_depth(metrics: pd.DataFrame) -> Figure:
    """Test accuracy after training against depth, one line an activation."""
    rows = final(metrics)
    percent = rows.assign(accuracy=100 * rows.accuracy)
    with context():
        figure, axes = panels(2, sharey=False, height=1.0)
        for ax in axes:
            _against_depth(ax, percent, "accuracy")
        best = percent.groupby(["depth", "activation"]).accuracy.mean().groupby("depth").max()
        close_up(axes[1], best.min() - 2, best.max())
        axes[0].set_title("all")
        label_panels(axes, "depth (hidden layers)", "test accuracy (%)")
        legend(figure, rows.activation)
        drawn = f"points: mean, bars: {INTERVAL}"
        return finish(figure, "Test accuracy against depth", footer(rows, drawn, "accuracy"))


def final(metrics: pd.DataFrame) -> pd.DataFrame:
    """The test rows of the metrics, one a replica.

    Raises:
        StudyError: there are none, because no run has finished.
    """
    rows = checked(metrics, ["epoch", "split", "accuracy", "loss"])
    rows = rows[rows.split == "test"]
    if rows.empty:
        raise StudyError("figures: the table has no test rows, which are written when a run ends; finish the runs first.")
    return rows


def _against_depth(ax: Axes, table: pd.DataFrame, value: str, log: bool = False) -> None:
    """One line an activation; the points of a depth stand side by side so that their bars can be told apart."""
    shown = looks(table.activation)
    depths = sorted(set(table.depth))
    shifts = np.linspace(-0.09, 0.09, len(shown)) if len(shown) > 1 else [0.0]
    for shift, (label, look) in zip(shifts, shown.items(), strict=True):
        line = curve(table[table.activation == label], value, "depth", log)
        x = line.index.to_numpy(dtype=float) * 2**shift  # the same distance everywhere on a log axis
        ax.errorbar(x, line["mean"], yerr=[line["mean"] - line.low, line.high - line["mean"]], color=look.color,
                    linestyle=look.dashes, marker=look.marker, elinewidth=1, linewidth=1.2)  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.set_xticks(depths, [str(depth) for depth in depths])
    ax.set_xticks([], minor=True)
    ax.set_xlim(depths[0] / 1.2, depths[-1] * 1.2)
