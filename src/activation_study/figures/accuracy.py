"""How well the networks learn: curves over training and the accuracy that they end with."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_study.comparison.differences import reference_of
from activation_study.comparison.quantities import ACCURACY, counted
from activation_study.comparison.statistics import Estimate
from activation_study.comparison.variants import kind
from activation_study.errors import StudyError
from activation_study.figures.by_depth import difference, final
from activation_study.figures.style import called, context, finish, legend, log_ticks, looks, panels
from activation_study.figures.tables import INTERVAL, LOST, at_depth, checked, curve, footer, less

SPLITS = {"train": "-", "valid": (0, (3, 1.5))}
NEAR = 5.0  # percentage points from the best within which a variant counts as close to it


def learning_curves(metrics: pd.DataFrame, depth: int | None = None) -> Figure:
    """Loss and accuracy over training with interval bands, training data solid and validation data dashed."""
    rows = at_depth(checked(metrics, ["epoch", "split", "loss", "accuracy"]), depth)
    rows = rows[rows.split.isin(list(SPLITS))]
    found = rows.split.unique()
    splits = {split: dashes for split, dashes in SPLITS.items() if split in found}
    if not splits:
        raise StudyError("figures: the table has no rows of the splits train and valid; keep them for learning curves.")
    drawn = counted(rows)
    drawn = drawn.assign(accuracy=100 * drawn.accuracy)
    last = drawn[drawn.split == list(splits)[-1]]  # validation data, where there is any
    with context():
        reference = reference_of(rows)
        against = less(last[last.epoch > 0], reference, "accuracy", "epoch")
        compares = against.variant.nunique() > 1
        figure, axes = panels(3 + compares, "epoch", "", sharex=False, sharey=False, height=1.2)
        loss = _curves(axes[0], drawn, "loss", (0, np.inf))["mean"]
        _curves(axes[1], drawn, "accuracy")
        accuracy = _curves(axes[2], last, "accuracy")
        if compares:  # curves that lie on one another
            difference(axes[3], against[against.epoch == against.epoch.max()], reference)
            _curves(axes[3], against, "accuracy", (-100, 100))
        if loss.min() > 0 and loss.max() > 10 * loss.min():
            axes[0].set_yscale("log")
            log_ticks(axes[0].yaxis)
        finals = last[last.epoch == last.epoch.max()].groupby("variant").accuracy.mean().nlargest(3)
        near = min(accuracy["mean"].max() - NEAR, finals.min() - 1)  # never a close-up of one variant alone
        if np.isfinite(near):
            entered = accuracy.index[accuracy["mean"] >= near].min()
            highest = np.nanmax(accuracy[["mean", "high"]].to_numpy())
            axes[2].set(xlim=(entered - 0.5, accuracy.index.max() + 0.5), ylim=(near, highest + 0.2))
        close_up = f"close-up ({list(splits)[-1]})"
        titles = {"loss": "loss (nats)", "accuracy": "accuracy (%)", close_up: "accuracy (%)"}
        for ax, (title, label) in zip(axes, titles.items(), strict=False):
            ax.set(title=title, ylabel=label)
        for ax in axes:
            ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        legend(figure, rows.variant, splits)
        lost = f"{LOST}, and with the loss that they began with"
        drawn = f"lines: mean, bands: {INTERVAL}" + (", of differences paired by seed" if compares else "")
        see = f"a band across 0 on the right cannot be told from {called(reference)}"
        return finish(figure, "Learning curves", footer(rows, drawn, "loss", lost),
                      see if compares else "the earlier a line is level, the faster it has learned")  # fmt: skip


def _curves(ax: Axes, rows: pd.DataFrame, value: str, within: tuple[float, float] = (0, 100)) -> pd.DataFrame:
    """Draws every variant and split, and returns the curves, one below the other; `within` is what is possible."""
    curves = []
    for variant, look in looks(rows.variant).items():
        for split, dashes in SPLITS.items():
            part = rows[(rows.variant == variant) & (rows.split == split)]
            if part.empty:
                continue
            line = curve(part, value, "epoch", within=within)
            every = max(1, len(line) // 6)
            ax.plot(line.index, line["mean"], color=look.color, linestyle=dashes, marker=look.marker, markevery=every,
                    linewidth=1.2)  # fmt: skip
            ax.fill_between(line.index, line.low, line.high, color=look.color, alpha=0.1, linewidth=0)
            curves.append(line)
    return pd.concat(curves)


def final_accuracy(metrics: pd.DataFrame, depth: int | None = None) -> Figure:
    """Test accuracy after training with its interval, the best variant on top, every seed as a faint dot."""
    rows = at_depth(final(metrics), depth)
    accuracy = ACCURACY.per_replica(rows)
    values = {label: accuracy.xs(label, level="variant").to_numpy() for label in looks(rows.variant)}
    estimates = {label: ACCURACY.mean(value) for label, value in values.items()}
    order = sorted(estimates, key=lambda label: estimates[label].value)  # drawn upwards
    highest = max(estimate.value for estimate in estimates.values())
    near = [label for label in order if 100 * (highest - estimates[label].value) < NEAR]
    with context():
        # Where one variant fails, the others would be a heap at the right edge: they get a panel of their own.
        zoomed = 1 < len(near) < len(order)
        figure = Figure(figsize=(10.4 if zoomed else 7.5, 1.4 + 0.32 * len(order)), layout="constrained")
        axes = list(figure.subplots(1, 2 if zoomed else 1, sharey=True, squeeze=False).flat)
        for ax, part in zip(axes, (order, near), strict=False):
            _dots(ax, order, {label: values[label] for label in part}, estimates)
            ax.set_xlabel("test accuracy (%)")
        if zoomed:
            axes[0].set_title("all")
            axes[1].set_title(f"within {NEAR:g} points of the best")
        axes[0].set_yticks(range(len(order)), [_row_name(rows, label) for label in order])
        axes[0].set_ylabel(kind(rows))
        beside = axes[-1].secondary_yaxis("right")
        beside.set_yticks(range(len(order)), [_numbers(estimates[label]) for label in order])
        beside.tick_params(length=0)
        beside.spines["right"].set_visible(False)
        drawn = f"large dots and numbers: mean, bars and brackets: {INTERVAL}, small dots: seeds"
        return finish(figure, "Test accuracy after training", footer(rows, drawn, "accuracy", LOST),
                      "where bars overlap, look at the differences paired by seed")  # fmt: skip


def _dots(ax: Axes, order: list[str], values: dict[str, np.ndarray], estimates: dict[str, Estimate]) -> None:
    """One row per variant; its seeds lie just above and below the line so that they do not hide the interval."""
    shown = looks(order)
    for row, label in enumerate(order):
        if label not in values:
            continue
        accuracy, (mean, *ends), color = 100 * values[label], estimates[label], shown[label].color
        heights = row + 0.22 * (-1) ** np.arange(len(accuracy))
        ax.plot(accuracy, heights, ".", color=color, alpha=0.4, markersize=5, markeredgewidth=0)
        ax.plot(100 * np.array(ends), (row, row), color=color, linewidth=2, solid_capstyle="butt")
        ax.plot(100 * mean, row, marker=shown[label].marker, color=color, markersize=7, markeredgecolor="white",
                markeredgewidth=0.5)  # fmt: skip
    ax.grid(axis="y", linestyle=":")
    ax.set_ylim(-0.6, len(order) - 0.4)


def _numbers(estimate: Estimate) -> str:
    mean, low, high = (100 * number for number in estimate)
    return f"{mean:.2f}" + (f"  [{low:.2f}, {high:.2f}]" if low == low else "")


def _row_name(rows: pd.DataFrame, label: str) -> str:
    accuracy = rows[rows.variant == label].accuracy
    lost = int(accuracy.isna().sum())
    return f"{called(label)} ({lost} of {len(accuracy)} diverged)" if lost else called(label)
