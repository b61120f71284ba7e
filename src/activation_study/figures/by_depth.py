"""What depth does to each variant: how far the gradient fades on its way to the input, and the accuracy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.comparison.differences import reference_of
from activation_study.comparison.quantities import ACCURACY, gradient_ratios
from activation_study.comparison.statistics import EVERYTHING
from activation_study.errors import StudyError
from activation_study.figures.gradients import moments
from activation_study.figures.style import GREY, called, context, finish, legend, log_ticks, looks, panels
from activation_study.figures.tables import INTERVAL, LOST, checked, curve, footer, less

DEPTH = "depth (hidden layers)"
FAILS = 10.0  # points behind the reference from which on a variant has failed, and is not made room for
MARGIN = 3.0  # percentage points below the best variant of any depth where the close-up ends


def gradient_ratio(layers: pd.DataFrame) -> Figure:
    """Gradient norm of the first over the last hidden layer against depth, before training and in its last epoch."""
    layers = checked(layers, ["layer", "hidden", "epoch", "step", "grad_norm"])
    ends = layers[layers.hidden]
    with context():
        figure, axes = panels(2, DEPTH, "gradient norm, first / last hidden layer", height=1.0)
        for ax, (moment, part) in zip(axes, moments(ends).items(), strict=True):
            _against_depth(ax, gradient_ratios(part).rename("ratio").reset_index(), "ratio", log=True)
            ax.axhline(1, color=GREY, linewidth=0.8, zorder=1)
            ax.set_title(moment)
        axes[0].set_yscale("log")
        log_ticks(axes[0].yaxis)
        legend(figure, layers.variant)
        drawn = f"points: geometric mean, bars: {INTERVAL}; a ratio of 1: the gradient neither fades nor grows"
        return finish(figure, "Gradient ratio against depth", footer(ends, drawn, "grad_norm"),
                      "the farther a line falls below 1, the less of the gradient reaches the first layer")  # fmt: skip


def accuracy_by_depth(metrics: pd.DataFrame) -> Figure:
    """Test accuracy after training against depth, one line per variant."""
    rows = final(metrics)
    percent = (100 * ACCURACY.per_replica(rows)).reset_index()
    with context():
        means = percent.groupby(["depth", "variant"]).accuracy.mean()
        floor = means.groupby("depth").max().min() - MARGIN
        some_fail = means.min() < floor
        reference = reference_of(rows)
        against = less(percent, reference, "accuracy", "depth")
        compares = against.variant.nunique() > 1
        figure, axes = panels(1 + some_fail + compares, DEPTH, "test accuracy (%)", sharey=False, height=1.0)
        for ax in axes[: 1 + some_fail]:
            _against_depth(ax, percent, "accuracy", within=(0, 100))
        if compares:  # lines that lie on one another
            difference(axes[-1], against, reference)
            _against_depth(axes[-1], against, "accuracy")
        if some_fail:  # all together, they would hide how the others differ
            axes[0].set_title("all")
            axes[1].set_title("close-up of the best")
            axes[1].set_ylim(floor, percent.accuracy.max() + 0.2)
        legend(figure, rows.variant)
        drawn = f"points: mean, bars: {INTERVAL}" + (", of differences paired by seed" if compares else "")
        see = f"a bar across 0 on the right cannot be told from {called(reference)}"
        return finish(figure, "Test accuracy against depth", footer(rows, drawn, "accuracy", LOST),
                      see if compares else "a line that falls shows what depth costs")  # fmt: skip


def difference(ax: Axes, table: pd.DataFrame, reference: str) -> None:
    """Makes a panel that of differences to a reference, wide enough for those that do not fail.

    Args:
        ax: the panel.
        table: of `less`, in percentage points.
        reference: label of the variant that the others are compared with.
    """
    worst = table.groupby("variant").accuracy.min()
    near = table[table.variant.isin(worst.index[worst > -FAILS])]
    most = max(0.5, 1.2 * float(near.accuracy.abs().max())) if len(near) else FAILS
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.set(title=f"difference to {called(reference)}", ylabel="points")
    ax.set_ylim(-most, most)


def final(metrics: pd.DataFrame) -> pd.DataFrame:
    """The test rows of the metrics, one per replica.

    Raises:
        StudyError: there are none, because no run has finished.
    """
    rows = metrics[metrics.split == "test"] if "split" in metrics else metrics
    if rows.empty and len(metrics):
        raise StudyError("figures: the table has no test rows, which the end of a run writes; finish the runs first.")
    return checked(rows, ["epoch", "split", "accuracy", "loss"])


def _against_depth(
    ax: Axes, table: pd.DataFrame, value: str, log: bool = False, within: tuple[float, float] = EVERYTHING
) -> None:
    """One line per variant; the points of a depth stand side by side so that their bars can be told apart."""
    shown = looks(table.variant)
    depths = sorted(set(table.depth))
    shifts = np.linspace(-0.09, 0.09, len(shown)) if len(shown) > 1 else [0.0]
    for shift, (label, look) in zip(shifts, shown.items(), strict=True):
        line = curve(table[table.variant == label], value, "depth", log, within)
        x = line.index.to_numpy(dtype=float) * 2**shift  # the same distance everywhere on a log axis
        bars = np.array([line["mean"] - line.low, line.high - line["mean"]]).clip(0)  # rounding may take them below
        ax.errorbar(x, line["mean"], bars, color=look.color, linestyle=look.dashes, marker=look.marker, elinewidth=1,
                    linewidth=1.2)  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.set_xticks(depths, [str(depth) for depth in depths])
    ax.set_xticks([], minor=True)
    ax.set_xlim(depths[0] / 1.2, depths[-1] * 1.2)
