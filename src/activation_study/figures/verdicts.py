"""What a comparison lets one conclude: differences to a reference, ranks, and how much the learning rate matters."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from activation_study.comparison import selection, statistics
from activation_study.comparison.differences import accuracies, has_interval, reference_of
from activation_study.comparison.differences import differences as differences_of
from activation_study.comparison.quantities import diverged
from activation_study.comparison.variants import kind
from activation_study.figures.by_depth import FAILS, final
from activation_study.figures.divergence import crosses, told
from activation_study.figures.style import (
    GREY,
    Look,
    alike,
    beside_title,
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

LINEAR = 5  # largest over smallest error up to which their axis is linear
WITHOUT = f"{LOST}, where there is no interval"


def differences(metrics: pd.DataFrame, reference: str | None = None) -> Figure:
    """Paired differences of test accuracy to a reference with joint intervals, one panel per depth."""
    rows = final(metrics)
    reference = reference_of(rows, reference)
    table = differences_of(rows, reference).set_index(["depth", "variant"])
    counts = [(int(row.diverged), int(row.n)) for row in table.itertuples()]
    lost = {key: told(*count) for key, count in zip(table.index, counts, strict=True)}
    others = [label for label in ordered(rows.variant) if label != reference]
    depths, shown = sorted(set(rows.depth)), looks(rows.variant)
    with context():
        figure, axes = _one_a_depth(rows, f"test accuracy less that of {called(reference)} (points)", len(others))
        for ax, depth in zip(axes, depths, strict=True):
            if not others:
                ax.text(0.5, 0.5, "nothing to compare it with", transform=ax.transAxes, ha="center", va="center")
            ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
            ax.set_title(_depth(depth))
            if said := lost[depth, reference]:
                beside_title(ax, f"{called(reference)}: {said}")
            ax.grid(axis="y", linestyle=":")
        known = 100 * table[["difference", "low", "high"]].dropna(subset="difference")
        without = ~has_interval(table).reindex(known.index)
        known.loc[without, ["low", "high"]] = np.nan
        reach = _reach(known[~without])
        for (depth, label), row in known.iterrows():
            ax = axes[depths.index(depth)]
            _difference(ax, len(others) - 1 - others.index(label), row, reach, shown[label],
                        lost[depth, label])  # fmt: skip
        axes[0].set_yticks(range(len(others)), map(called, others[::-1]))
        axes[0].set_ylim(-0.6, len(others) - 0.4)
        room = 0.08 * (reach[1] - reach[0])
        axes[0].set_xlim(reach[0] - room, reach[1] + room)
        drawn = "points: mean difference paired by seed, bars: 95 % t intervals that hold jointly at a depth"
        if not known.difference.between(*reach).all():
            drawn += "; arrows at the edge: farther away, by the number of points beside them"
        return finish(figure, f"Difference to {called(reference)}", footer(rows, drawn, "accuracy", WITHOUT),
                      f"a bar across 0 cannot be told from {called(reference)}")  # fmt: skip


def _reach(known: pd.DataFrame) -> tuple[float, float]:
    """From where to where the axis reaches: over the intervals of all variants but those that fail."""
    near = known[known.difference > -FAILS][["difference", "low", "high"]].to_numpy()
    return min(-0.5, float(np.nanmin(near, initial=0.0))), max(0.5, float(np.nanmax(near, initial=0.0)))


def _difference(ax: Axes, row: int, found: pd.Series, reach: tuple[float, float], look: Look, said: str) -> None:
    """One variant's difference in its row; what lies beyond the axis is an arrow at the edge with its number."""
    at = float(np.clip(found.difference, *reach))
    if at == found.difference:
        ax.plot((found.low, found.high), (row, row), color=look.color, linewidth=2, solid_capstyle="butt")
        ax.plot(at, row, marker=look.marker, color=look.color, markersize=7, markeredgecolor="white",
                markeredgewidth=0.5)  # fmt: skip
    else:
        ax.plot(at, row, marker="<" if at < 0 else ">", color=look.color, markersize=6)
        said = " · ".join(filter(None, [f"{found.difference:+.1f}".replace("-", "\N{MINUS SIGN}"), said]))
    if said:
        is_left = at < np.mean(reach)
        ax.annotate(said, (at, row), (6 if is_left else -6, 0), textcoords="offset points", va="center", fontsize=7,
                    ha="left" if is_left else "right", color=look.color,
                    bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5})  # fmt: skip


def ranks(metrics: pd.DataFrame) -> Figure:
    """How often each variant takes each rank when the seeds are drawn anew, one panel per depth."""
    rows = final(metrics)
    labels, shown = ordered(rows.variant), looks(rows.variant)
    with context():
        figure, axes = _one_a_depth(rows, "share of bootstrap resamples (%)", len(labels))
        colors = matplotlib.colormaps["viridis"](np.linspace(1, 0, len(labels)))
        for ax, (depth, part) in zip(axes, rows.groupby("depth"), strict=True):
            table = accuracies(part)
            shares = dict(zip(table.columns, 100 * statistics.rank_shares(table.to_numpy().T), strict=True))
            lost = diverged(part).groupby("variant").sum()
            for row, label in enumerate(reversed(labels)):
                left = 0.0
                for share, color in zip(shares.get(label, []), colors, strict=False):
                    ax.barh(row, share, left=left, color=color, height=0.8, linewidth=0)
                    left += share
                crosses(ax, 97 - np.arange(lost[label]) * min(5, 90 / max(lost[label], 1)), shown[label],
                        np.full(lost[label], row))  # fmt: skip
            ax.set_yticks(range(len(labels)), map(called, labels[::-1]))
            ax.set(xlim=(0, 100), ylim=(-0.6, len(labels) - 0.4), title=_depth(depth))
            ax.grid(visible=False)
        keys = [Patch(color=color, label=f"rank {rank}") for rank, color in enumerate(colors, 1)]
        figure.legend(handles=keys, loc="outside right upper")
        drawn = "ranks by mean test accuracy; those who tie share their ranks"
        return finish(figure, "Ranks", footer(rows, drawn, "accuracy", f"{LOST}: a hollow cross each"),
                      "one colour over most of a row is a rank on which the seeds agree")  # fmt: skip


def learning_rates(metrics: pd.DataFrame) -> Figure:
    """Validation error after training against the learning rate, the chosen rate marked, one panel per depth."""
    with context():
        depths = sorted(metrics.depth.fillna(0).unique())
        figure, axes = panels(len(depths), "learning rate", "validation error (%)", sharey=True, height=1.0)
        for ax, depth in zip(axes, depths, strict=True):
            part = metrics[metrics.depth.fillna(0) == depth]
            for label, look in looks(metrics.variant).items():
                mine = part[part.variant == label]
                if mine.empty:
                    continue
                scores = selection.scores(mine)
                scores["error"] = 100 * (1 - scores.accuracy)
                chosen = scores[scores.learning_rate == selection.best(scores)]
                ax.plot(scores.learning_rate, scores.error, color=look.color, linestyle=look.dashes,
                        marker=look.marker, markersize=4)  # fmt: skip
                ax.plot(chosen.learning_rate, chosen.error, marker="o", markersize=10, color=look.color,
                        fillstyle="none")  # fmt: skip
                gone = scores[scores.diverged > 0]
                crosses(ax, gone.learning_rate.to_numpy(), look, gone.error.to_numpy())
            ax.set_xscale("log")
            log_ticks(ax.xaxis)
            ax.set_title(_depth(depth))
        shown = np.concatenate([line.get_ydata() for ax in axes for line in ax.lines])
        if 0 < shown.min() < shown.max() / LINEAR:
            axes[0].set_yscale("log")
            log_ticks(axes[0].yaxis)
        legend(figure, metrics.variant)
        seeds = metrics.groupby([*REPLICA[:2], "learning_rate"], dropna=False).seed.nunique().max()
        judges = f"mean over {seeds} seeds that judge" if seeds > 1 else "one seed that judges"
        text = (
            f"{trained(metrics)} · {judges} the rates · "
            f"scale {', '.join(sorted(set(metrics.scale.astype(str))))} · ring: the rate chosen · "
            "a diverged network counts as 100 %, and a hollow cross is where there is one"
        )
        if repeated := alike(metrics.variant):
            text += f" · {repeated}"
        return finish(figure, "Choice of the learning rate", text,
                      "the flatter the valley around a ring, the less its rate matters")  # fmt: skip


def _one_a_depth(rows: pd.DataFrame, xlabel: str, lines: int) -> tuple[Figure, list]:
    """Panels side by side that share their rows, one per depth."""
    depths = rows.depth.nunique()
    figure = Figure(figsize=(max(7.5, 2.4 * depths + 1.5), 1.6 + 0.3 * lines), layout="constrained")
    axes = list(figure.subplots(1, depths, sharex=True, sharey=True, squeeze=False).flat)
    axes[depths // 2 if depths % 2 else 0].set_xlabel(xlabel)
    axes[0].set_ylabel(kind(rows))
    return figure, axes


def _depth(depth: float) -> str:
    return f"depth {depth:g}" if depth else "all"
