"""What a comparison lets one conclude: differences to a reference, ranks, and how much the learning rate matters."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from activation_study.comparison import selection, statistics
from activation_study.comparison.differences import accuracies, reference_of
from activation_study.comparison.differences import differences as differences_of
from activation_study.comparison.variants import kind
from activation_study.figures.by_depth import final
from activation_study.figures.style import (
    GREY,
    alike,
    called,
    context,
    finish,
    legend,
    log_ticks,
    looks,
    ordered,
    panels,
)  # fmt: skip
from activation_study.figures.tables import LOST, REPLICA, footer, trained


def differences(metrics: pd.DataFrame, reference: str | None = None) -> Figure:
    """Paired differences of test accuracy to a reference with joint intervals, one panel per depth."""
    rows = final(metrics)
    reference = reference_of(rows, reference)
    table = differences_of(rows, reference)
    others = [label for label in ordered(table.variant) if label != reference]
    shown = looks(rows.variant)
    with context():
        figure, axes = _one_a_depth(rows, f"test accuracy less that of {called(reference)} (points)", len(others))
        for ax, (depth, part) in zip(axes, table.groupby("depth"), strict=True):
            if not others:
                ax.text(0.5, 0.5, "nothing to compare it with", transform=ax.transAxes, ha="center", va="center")
                continue
            part = part.set_index("variant")
            far = np.nanmax(100 * part[["difference", "low", "high"]].abs().to_numpy(), initial=0.0)
            if far > 10:  # one variant fails: the others would be a heap at zero
                ax.set_xscale("symlog", linthresh=1)
                ax.xaxis.set_major_formatter("{x:g}")
            ax.margins(x=0.08)
            for row, label in enumerate(reversed(others)):
                if label in part.index:
                    mean, low, high = (100 * part.loc[label, column] for column in ("difference", "low", "high"))
                    ax.plot((low, high), (row, row), color=shown[label].color, linewidth=2, solid_capstyle="butt")
                    ax.plot(mean, row, marker=shown[label].marker, color=shown[label].color, markersize=7,
                            markeredgecolor="white", markeredgewidth=0.5)  # fmt: skip
            ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
            ax.set_yticks(range(len(others)), map(called, others[::-1]))
            ax.set_ylim(-0.6, len(others) - 0.4)
            ax.set_title(_depth(depth))
            ax.grid(axis="y", linestyle=":")
        drawn = (
            "points: mean difference paired by seed, bars: 95 % t intervals that hold jointly at a depth; "
            "where differences exceed 10 points the axis is logarithmic beyond 1"
        )
        return finish(figure, f"Difference to {called(reference)}", footer(rows, drawn, "accuracy", LOST),
                      f"a bar across 0 cannot be told from {called(reference)}")  # fmt: skip


def ranks(metrics: pd.DataFrame) -> Figure:
    """How often each variant takes each rank when the seeds are drawn anew, one panel per depth."""
    rows = final(metrics)
    labels = ordered(rows.variant)
    with context():
        figure, axes = _one_a_depth(rows, "share of bootstrap resamples (%)", len(labels))
        colors = matplotlib.colormaps["viridis"](np.linspace(1, 0, len(labels)))
        for ax, (depth, part) in zip(axes, rows.groupby("depth"), strict=True):
            table = accuracies(part)
            shares = dict(zip(table.columns, 100 * statistics.rank_shares(table.to_numpy().T), strict=True))
            for row, label in enumerate(reversed(labels)):
                left = 0.0
                for share, color in zip(shares.get(label, []), colors, strict=False):
                    ax.barh(row, share, left=left, color=color, height=0.8, linewidth=0)
                    left += share
            ax.set_yticks(range(len(labels)), map(called, labels[::-1]))
            ax.set(xlim=(0, 100), ylim=(-0.6, len(labels) - 0.4), title=_depth(depth))
            ax.grid(visible=False)
        keys = [Patch(color=color, label=f"rank {rank}") for rank, color in enumerate(colors, 1)]
        figure.legend(handles=keys, loc="outside right upper")
        drawn = "ranks by mean test accuracy; those who tie share their ranks"
        return finish(figure, "Ranks", footer(rows, drawn, "accuracy", LOST),
                      "one colour over most of a row is a rank on which the seeds agree")  # fmt: skip


def learning_rates(metrics: pd.DataFrame) -> Figure:
    """Validation error after training against the learning rate, the chosen rate marked, one panel per depth."""
    with context():
        depths = sorted(metrics.depth.fillna(0).unique())
        figure, axes = panels(len(depths), "learning rate", "validation error (%)", sharey=True, height=1.0)
        for ax, depth in zip(axes, depths, strict=True):
            part = metrics[metrics.depth.fillna(0) == depth]
            for label, look in looks(part.variant).items():
                scores = selection.scores(part[part.variant == label])
                scores["error"] = 100 * (1 - scores.accuracy)
                chosen = scores[scores.learning_rate == selection.best(scores)]
                ax.plot(scores.learning_rate, scores.error, color=look.color, linestyle=look.dashes,
                        marker=look.marker, markersize=4)  # fmt: skip
                ax.plot(chosen.learning_rate, chosen.error, marker="o", markersize=10, color=look.color,
                        fillstyle="none")  # fmt: skip
            ax.set(xscale="log", yscale="log")
            log_ticks(ax.xaxis)
            log_ticks(ax.yaxis)
            ax.set_title(_depth(depth))
        legend(figure, metrics.variant)
        seeds = metrics.groupby([*REPLICA[:2], "learning_rate"], dropna=False).seed.nunique().max()
        text = (
            f"{trained(metrics)} · mean over {seeds} seeds that judge the rates · "
            f"scale {', '.join(sorted(set(metrics.scale.astype(str))))} · ring: the rate chosen · "
            "a diverged network counts as 100 %"
        )
        if repeated := alike(metrics.variant):
            text += f" · {repeated}"
        return finish(figure, "Choice of the learning rate", text,
                      "the flatter the valley around a ring, the less its rate matters")  # fmt: skip


def _one_a_depth(rows: pd.DataFrame, xlabel: str, lines: int) -> tuple[Figure, list]:
    """Panels side by side that share their rows, one per depth."""
    depths = rows.depth.nunique()
    figure = Figure(figsize=(max(7.5, 3.0 * depths + 1.5), 1.6 + 0.3 * lines), layout="constrained")
    axes = list(figure.subplots(1, depths, sharey=True, squeeze=False).flat)
    axes[depths // 2 if depths % 2 else 0].set_xlabel(xlabel)
    axes[0].set_ylabel(kind(rows))
    return figure, axes


def _depth(depth: float) -> str:
    return f"depth {depth:g}" if depth else "all"
