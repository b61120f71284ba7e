"""How well the networks learn: curves over training and the accuracy that they end with."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_study.comparison import statistics
from activation_study.comparison.differences import reference_of
from activation_study.comparison.quantities import counted
from activation_study.comparison.statistics import EVERYTHING, Estimate
from activation_study.comparison.variants import kind
from activation_study.errors import StudyError
from activation_study.figures.by_depth import difference, final
from activation_study.figures.divergence import CROSSED, crosses, mean_line, percentages, told
from activation_study.figures.style import called, context, finish, legend, log_ticks, looks, panels
from activation_study.figures.tables import INTERVAL, JOINT, at_depth, checked, curve, footer, less

SPLITS = {"train": "-", "valid": (0, (3, 1.5))}
NEAR = 5.0  # percentage points from the best within which a variant counts as close to it


def learning_curves(metrics: pd.DataFrame, depth: int | None = None) -> Figure:
    """Loss and accuracy over training, training data solid and validation data dashed, with intervals at the end."""
    rows = at_depth(checked(metrics, ["epoch", "split", "loss", "accuracy"]), depth)
    rows = rows[rows.split.isin(list(SPLITS))]
    found = rows.split.unique()
    splits = {split: dashes for split, dashes in SPLITS.items() if split in found}
    if not splits:
        raise StudyError("figures: the table has no rows of the splits train and valid; keep them for learning curves.")
    drawn = counted(rows)
    drawn = drawn.assign(accuracy=100 * drawn.accuracy, lost=~np.isfinite(rows[["loss", "accuracy"]]).all(axis=1))
    last = drawn[drawn.split == list(splits)[-1]]  # validation data, where there is any
    with context():
        reference = reference_of(rows)
        against = less(last[last.epoch > 0], reference, "accuracy", "epoch")
        comparisons = against.variant.nunique() - 1
        figure, axes = panels(3 + (comparisons > 0), "epoch", "", sharex=False, sharey=False, height=1.2)
        loss = pd.concat(_curves(axes[0], drawn, "loss"))["mean"]
        _curves(axes[1], drawn, "accuracy")
        _mark_lost(axes[1], drawn)
        curves = _curves(axes[2], last, "accuracy", within=(0, 100))
        accuracy = pd.concat(curves)
        if loss.min() > 0 and loss.max() > 10 * loss.min():
            axes[0].set_yscale("log")
            log_ticks(axes[0].yaxis)
        finals = last[last.epoch == last.epoch.max()].groupby("variant").accuracy.mean().nlargest(3)
        near = min(accuracy["mean"].max() - NEAR, finals.min() - 1)  # never a close-up of one variant alone
        if np.isfinite(near):
            entered, highest = accuracy.index[accuracy["mean"] >= near].min(), np.nanmax(accuracy[["mean", "high"]])
            axes[2].set(xlim=(entered - 0.5, accuracy.index.max() + 0.5), ylim=(near, highest + 0.2))
            _bars_beside(axes[2], curves, last.variant)
        if comparisons > 0:  # curves that lie on one another
            curves = _curves(axes[3], against, "accuracy", within=(-100, 100), comparisons=comparisons)
            difference(axes[3], curves, reference)
            _bars_beside(axes[3], curves, against.variant)
        close_up = f"close-up ({list(splits)[-1]})"
        titles = {"loss": "loss (nats)", "accuracy": "accuracy (%)", close_up: "accuracy (%)"}
        for ax, (title, label) in zip(axes, titles.items(), strict=False):
            ax.set(title=title, ylabel=label)
        for ax in axes:
            left, _ = ax.get_xlim()
            whole = np.asarray(MaxNLocator(6, integer=True).tick_values(left, rows.epoch.max()))
            ax.set_xticks(whole[(whole >= left) & (whole <= rows.epoch.max())])
        legend(figure, rows.variant, splits)
        bars = f"lines: mean, bars beside the last epoch: {INTERVAL}"
        bars += f", of differences {JOINT}" if comparisons > 0 else ""
        see = f"a bar across 0 on the right cannot be told from {called(reference)}"
        lost = f"{CROSSED}; their loss counts as before training"
        return finish(figure, "Learning curves", footer(rows, bars, "loss", lost),
                      see if comparisons > 0 else "the earlier a line is level, the faster it has learned")  # fmt: skip


def _curves(
    ax: Axes, rows: pd.DataFrame, value: str, within: tuple[float, float] = EVERYTHING, comparisons: float = 1
) -> list[pd.DataFrame]:
    """Draws every variant and split, and returns what was drawn; see `tables.curve`."""
    curves = []
    for variant, look in looks(rows.variant).items():
        for split, dashes in SPLITS.items():
            part = rows[(rows.variant == variant) & (rows.split == split)]
            if part.empty:
                continue
            line = curve(part, value, "epoch", within=within, comparisons=comparisons)
            every = max(1, len(line) // 6)
            mean_line(ax, line.index.to_numpy(), line, look, counts=True, linestyle=dashes, markevery=every)
            curves.append(line)
    return curves


def _bars_beside(ax: Axes, curves: list[pd.DataFrame], variants: pd.Series) -> None:
    """Intervals after the last epoch, side by side to the right of the lines, where bands would hide one another."""
    left, right = ax.get_xlim()
    step = 0.02 * (right - left)
    for place, (line, look) in enumerate(zip(curves, looks(variants).values(), strict=True), 1):
        x, (low, high) = right + step * place, line[["low", "high"]].iloc[-1]
        ax.plot((x, x), (low, high), color=look.color, linewidth=1.6, solid_capstyle="butt")
    ax.set_xlim(left, right + step * (len(curves) + 1))


def _mark_lost(ax: Axes, rows: pd.DataFrame) -> None:
    """A cross at the end for every variant of which networks have diverged."""
    end = rows.epoch.max()
    lost = set(rows[(rows.epoch == end) & rows.lost].variant)
    shown = [look for label, look in looks(rows.variant).items() if label in lost]
    for place, look in enumerate(shown):
        crosses(ax, np.array([end - 0.04 * end * place]), look)


def final_accuracy(metrics: pd.DataFrame, depth: int | None = None) -> Figure:
    """Test accuracy after training with its interval, the best variant on top, every seed as a faint dot."""
    rows = at_depth(final(metrics), depth)
    shown = {label: part for label, part in percentages(rows).groupby("variant")}
    estimates = {label: _estimate(part) for label, part in shown.items()}
    order = sorted(estimates, key=lambda label: estimates[label].value)  # drawn upwards
    highest = max(estimate.value for estimate in estimates.values())
    near = [label for label in order if highest - estimates[label].value < NEAR]
    with context():
        # Where one variant fails, the others would be a heap at the right edge: they get a panel of their own.
        zoomed = 1 < len(near) < len(order)
        figure = Figure(figsize=(10.4 if zoomed else 7.5, 1.4 + 0.32 * len(order)), layout="constrained")
        axes = list(figure.subplots(1, 2 if zoomed else 1, sharey=True, squeeze=False).flat)
        for ax, part in zip(axes, (order, near), strict=False):
            _dots(ax, order, {label: shown[label] for label in part}, estimates)
            ax.set_xlabel("test accuracy (%)")
        if zoomed:
            axes[0].set_title("all")
            axes[1].set_title(f"within {NEAR:g} points of the best")
        axes[0].set_yticks(range(len(order)), [_row_name(label, shown[label]) for label in order])
        axes[0].set_ylabel(kind(rows))
        beside = axes[-1].secondary_yaxis("right")
        beside.set_yticks(range(len(order)), [_numbers(estimates[label]) for label in order])
        beside.tick_params(length=0)
        beside.spines["right"].set_visible(False)
        drawn = f"large dots and numbers: mean, bars and brackets: {INTERVAL}, small dots: seeds"
        return finish(figure, "Test accuracy after training", footer(rows, drawn, "accuracy", CROSSED),
                      "where bars overlap, look at the differences paired by seed")  # fmt: skip


def _estimate(part: pd.DataFrame) -> Estimate:
    """The mean accuracy of a variant in percent; without an interval where networks of it have diverged."""
    estimate = statistics.mean(part.accuracy, within=(0, 100))
    return Estimate(estimate.value, np.nan, np.nan) if part.lost.any() else estimate


def _dots(ax: Axes, order: list[str], parts: dict[str, pd.DataFrame], estimates: dict[str, Estimate]) -> None:
    """One row per variant; its seeds lie just above and below the line so that they do not hide the interval."""
    shown = looks(order)
    for row, label in enumerate(order):
        if label not in parts:
            continue
        part, (mean, *ends), color = parts[label], estimates[label], shown[label].color
        heights = row + 0.22 * (-1) ** np.arange(len(part))
        kept = ~part.lost.to_numpy()
        ax.plot(part.accuracy[kept], heights[kept], ".", color=color, alpha=0.4, markersize=5, markeredgewidth=0)
        lost = int(np.sum(~kept))
        crosses(ax, np.zeros(lost), shown[label], row + np.linspace(-0.45, 0.45, lost + 2)[1:-1])
        ax.plot(ends, (row, row), color=color, linewidth=2, solid_capstyle="butt")
        ax.plot(mean, row, marker=shown[label].marker, color=color, markersize=7, markeredgecolor="white",
                markeredgewidth=0.5)  # fmt: skip
    ax.grid(axis="y", linestyle=":")
    ax.set_ylim(-0.6, len(order) - 0.4)


def _numbers(estimate: Estimate) -> str:
    mean, low, high = estimate
    return f"{mean:.2f}" + (f"  [{low:.2f}, {high:.2f}]" if low == low else "")


def _row_name(label: str, part: pd.DataFrame) -> str:
    said = told(int(part.lost.sum()), len(part))
    return f"{called(label)} ({said})" if said else called(label)
