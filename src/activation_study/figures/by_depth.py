"""What depth does to each variant: how far the gradient fades on its way to the input, and the accuracy."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.comparison.differences import reference_of
from activation_study.comparison.quantities import SATURATED, gradient_ratios
from activation_study.comparison.statistics import EVERYTHING
from activation_study.errors import StudyError
from activation_study.figures.divergence import CROSSED, LEFT_OUT, crosses, mean_line, percentages, told
from activation_study.figures.end_labels import end_labels
from activation_study.figures.gradients import moments
from activation_study.figures.style import (
    GREY,
    RECTIFIERS,
    UNBOUNDED,
    Look,
    called,
    context,
    finish,
    legend,
    log_ticks,
    looks,
    panels,
)  # fmt: skip
from activation_study.figures.tables import FLAT, INTERVAL, JOINT, bases, checked, curve, footer, less

DEPTH = "depth (hidden layers)"
FAILS = 10.0  # points behind the reference from which on a variant has failed, and is not made room for
MARGIN = 3.0  # percentage points below the best variant of any depth where the close-up ends
TOGETHER = 1.0  # decades within which the rectifiers' ratios lie at every depth where one grey band stands for all
BAND = "rectifiers"  # the name of that band


def depth(metrics: pd.DataFrame, layers: pd.DataFrame) -> Figure:
    """What depth does, in three rows: the gradient before training, saturated units and accuracy after training."""
    rows, layers = final(metrics), checked(layers, ["layer", "hidden", "epoch", "step", "grad_norm", "saturated"])
    accuracies = percentages(rows)
    lost, shown = accuracies.groupby(["variant", "depth"]).lost.agg(["sum", "size"]), looks(rows.variant)
    with context():
        figure = Figure(figsize=(8.0, 7.6), layout="constrained")
        axes = figure.subplots(3, 1, sharex=True)
        gradient, saturated, accuracy = axes
        ratios = gradient_ratios(layers[layers.step == 0]).rename("value").reset_index()
        _name_ends(gradient, _ratios(gradient, ratios, shown), shown)
        gradient.set(title="gradient before training", ylabel="gradient norm,\nfirst / last hidden layer")

        shares = (100 * SATURATED.per_replica(layers)).rename("value").reset_index()
        unbounded = [label for label, name in bases(layers).items() if name in UNBOUNDED]
        curves = _against_depth(saturated, shares[~shares.variant.isin(unbounded)], "value", shown, within=(0, 100))
        saturated.set(title="saturated units after training", ylabel="saturated (% of hidden units)", ylim=(-4, 104))
        _name_ends(saturated, curves, shown, lost)
        if unbounded:
            text = f"{', '.join(map(called, unbounded))}: no bound, cannot saturate"
            saturated.text(0.02, 0.96, text, transform=saturated.transAxes, va="top", fontsize=7, color=GREY)

        curves = _against_depth(accuracy, accuracies, "accuracy", shown, within=(0, 100))
        accuracy.set(title="accuracy after training", ylabel="test accuracy (%)", ylim=(-4, 104))
        _name_ends(accuracy, curves, shown, lost)
        accuracy.set_xlabel(DEPTH)
        figure.align_ylabels(axes)
        drawn = f"points: mean, of ratios the geometric one, bars: {INTERVAL}; {FLAT}"
        see = "where the gradient fades before it reaches the first layer, the network does not learn"
        return finish(figure, "What depth does", footer(rows, drawn, "accuracy", CROSSED), see)


def gradient_ratio(layers: pd.DataFrame) -> Figure:
    """Gradient norm of the first over the last hidden layer against depth, before training and in its last epoch."""
    layers = checked(layers, ["layer", "hidden", "epoch", "step", "grad_norm"])
    ends = layers[layers.hidden]
    shown = looks(ends.variant)
    with context():
        figure, axes = panels(2, DEPTH, "gradient norm, first / last hidden layer", height=1.0)
        for ax, (moment, part) in zip(axes, moments(ends).items(), strict=True):
            curves = _ratios(ax, gradient_ratios(part).rename("value").reset_index(), shown)
            ax.set_title(moment)
            _name_ends(ax, curves, shown)
        drawn = f"points: geometric mean, bars: {INTERVAL}; a ratio of 1: the gradient neither fades nor grows"
        return finish(figure, "Gradient ratio against depth", footer(ends, drawn, "grad_norm", LEFT_OUT),
                      "the farther a line falls below 1, the less of the gradient reaches the first layer")  # fmt: skip


def accuracy_by_depth(metrics: pd.DataFrame) -> Figure:
    """Test accuracy after training against depth, one line per variant."""
    rows = final(metrics)
    percent, reference, shown = percentages(rows), reference_of(rows), looks(rows.variant)
    with context():
        means = percent.groupby(["depth", "variant"]).accuracy.mean()
        floor = means.groupby("depth").max().min() - MARGIN
        some_fail = means.min() < floor
        against = less(percent, reference, "accuracy", "depth")
        comparisons = against.variant.nunique() - 1
        figure, axes = panels(1 + some_fail + (comparisons > 0), DEPTH, "test accuracy (%)", sharey=False, height=1.0)
        for ax in axes[: 1 + some_fail]:
            _against_depth(ax, percent, "accuracy", shown, within=(0, 100))
        if comparisons:  # lines that lie on one another
            curves = _against_depth(axes[-1], against, "accuracy", shown, within=(-100, 100), comparisons=comparisons)
            difference(axes[-1], curves.values(), reference)
        if some_fail:  # all together, they would hide how the others differ
            axes[0].set(title="all", ylim=(-4, 104))
            axes[1].set(title="close-up of the best", ylim=(floor, percent.accuracy.max() + 0.2))
        legend(figure, rows.variant)
        drawn = f"points: mean, bars: {INTERVAL}" + (f", of differences {JOINT}" if comparisons else "")
        see = f"a bar across 0 on the right cannot be told from {called(reference)}"
        return finish(figure, "Test accuracy against depth", footer(rows, drawn, "accuracy", CROSSED),
                      see if comparisons else "a line that falls shows what depth costs")  # fmt: skip


def difference(ax: Axes, curves: Iterable[pd.DataFrame], reference: str) -> None:
    """Makes a panel that of differences to a reference, wide enough for those that do not fail.

    Args:
        ax: the panel.
        curves: what is drawn in it, of `tables.curve`, in percentage points.
        reference: label of the variant that the others are compared with.
    """
    drawn = pd.concat(list(curves))
    near = drawn[(drawn.lost == 0) & (drawn["mean"] > -FAILS)][["mean", "low", "high"]].abs().to_numpy()
    most = max(0.5, 1.1 * np.nanmax(near)) if len(near) else FAILS
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.set(title=f"difference to {called(reference)}", ylabel="points", ylim=(-most, most))


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
    ax: Axes, table: pd.DataFrame, value: str, shown: Mapping[str, Look], log: bool = False,
    within: tuple[float, float] = EVERYTHING, comparisons: float = 1,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """One line per variant; the points of a depth stand side by side so that their bars can be told apart.

    Each has its look and its side in all panels of a figure, whichever others a panel has: `shown` is of the figure.

    Returns:
        What was drawn of each variant, of `tables.curve`, with its place x.
    """
    curves = dict[str, pd.DataFrame]()
    shifts = np.linspace(-0.15, 0.15, len(shown)) if len(shown) > 1 else [0.0]
    for shift, (label, look) in zip(shifts, shown.items(), strict=True):
        line = curve(table[table.variant == label], value, "depth", log, within, comparisons)
        x = line.index.to_numpy(dtype=float) * 2**shift  # the same distance everywhere on a log axis
        if line.empty:
            continue
        mean_line(ax, x, line, look, counts="lost" in table)
        if within == (0, 100) and "lost" in table:
            crosses(ax, x[line.lost > 0], look)
        bars = np.array([line["mean"] - line.low, line.high - line["mean"]]).clip(0)  # rounding may take them below
        ax.errorbar(x, line["mean"], bars, color=look.color, linestyle="", elinewidth=1)
        curves[label] = line.assign(x=x)
    _depth_axis(ax, sorted(set(table.depth)))
    return curves


def _ratios(ax: Axes, table: pd.DataFrame, shown: Mapping[str, Look]) -> dict[str, pd.DataFrame]:
    """Gradient ratios; beside others, rectifiers that lie on one another are one grey band. Returns what was drawn."""
    logs = np.log10(table.value).groupby([table.variant, table.depth])
    means, whole = logs.mean().unstack("variant"), table.value.notna().groupby(table.variant).all()
    kin = means[[label for label in means if label.partition("(")[0] in RECTIFIERS]]
    is_beside_others = 2 < kin.shape[1] < means.shape[1]
    is_band = is_beside_others and whole[kin.columns].all() and (np.ptp(kin, axis=1) < TOGETHER).all()
    curves = _against_depth(ax, table[~table.variant.isin(kin)] if is_band else table, "value", shown, log=True)
    if is_band:
        low, high = 10 ** kin.min(axis=1), 10 ** kin.max(axis=1)
        ax.fill_between(kin.index, low, high, color=GREY, alpha=0.45, linewidth=2)
        curves[BAND] = pd.DataFrame({"x": kin.index, "mean": (low * high) ** 0.5, "seeds": 0, "lost": 0})
    ax.axhline(1, color=GREY, linewidth=0.8, zorder=1)
    ax.set_yscale("log")
    log_ticks(ax.yaxis)
    _depth_axis(ax, sorted(set(table.depth)))
    return curves


def _name_ends(
    ax: Axes, curves: dict[str, pd.DataFrame], shown: Mapping[str, Look], lost: pd.DataFrame | None = None
) -> None:
    """Names every line where it ends, and says how many networks of the deepest have diverged."""
    ends = {}
    for label, line in curves.items():
        x, mean = line[["x", "mean"]].iloc[-1]
        said = told(*lost.loc[label].iloc[-1]) if lost is not None else ""
        ends[" · ".join(filter(None, [called(label), said]))] = x, mean, shown[label].color if label in shown else GREY
    end_labels(ax, ends)


def _depth_axis(ax: Axes, depths: list[int]) -> None:
    ax.set_xscale("log", base=2)
    ax.set_xticks(depths, [str(depth) for depth in depths])
    ax.set_xticks([], minor=True)
    ax.set_xlim(depths[0] / 1.25, depths[-1] * 1.25)
