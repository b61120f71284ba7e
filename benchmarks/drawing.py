"""A figure of each part of which a figure says more than a table."""

import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from activation_study.figures import style

OURS, OTHER = "#D55E00", "#888888"
COLORS = ("#56B4E9", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#882255", "#444444")
MARKERS = "os^vDPX"


def throughput(table: pd.DataFrame) -> Figure:
    """Milliseconds a step and network against the number of networks side by side."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = figure.subplots()
    own = {"the study": (OURS, "D"), "the study, compiled": ("#882255", "P"), "limit": ("#444444", "X")}
    others = [name for name in table["contender"].unique() if name not in own]
    looks = own | dict(zip(others, zip(COLORS, MARKERS, strict=True), strict=False))
    for name, rows in table.dropna(subset="median_ms").groupby("contender", sort=False):
        color, marker = looks[name]
        look = {"color": color, "linewidth": 2.5 if name == "the study" else 1.2}
        _times(
            axes,
            "replicas",
            rows,
            label=name,
            marker=marker,
            linestyle="--" if name == "limit" else "-",
            **look,
        )
    axes.set(xlabel="networks side by side", ylabel="milliseconds a step and network")
    figure.legend(loc="outside right center")
    figure.suptitle("A training step: 8 x 128 on MNIST, batch 64")
    return figure


def watching(table: pd.DataFrame) -> Figure:
    """How many times the bare step a watched one takes."""
    rows = table[(table["watched"] != "off") & table["ratio"].notna()]
    networks = rows["replicas"].map(lambda count: f", {count} networks" if count > 1 else "")
    figure = Figure(figsize=(7, 0.3 * len(rows) + 1.3), layout="constrained")
    axes = figure.subplots()
    told = [
        f"{ratio:.{2 if ratio < 10 else 0}f} x {bare:.2g} ms"
        for ratio, bare in zip(rows["ratio"], rows["bare_ms"], strict=True)
    ]
    _dots(axes, rows["tool"] + networks + ", " + rows["watched"], rows["ratio"], told, rows["tool"] == "the study")
    _ratios(axes, rows["ratio"])
    axes.set_xlabel("watched step over bare step; beside each point the ratio and the bare step")
    figure.suptitle("What watching costs")
    return figure


def convolutions(table: pd.DataFrame) -> Figure:
    """How many times the limit each way takes, a panel per network and number of networks."""
    groups = list(table.dropna(subset="ratio").groupby(["network", "replicas"], sort=False))
    rows, most = -(-len(groups) // 2), max(len(group) for _, group in groups)
    figure = Figure(figsize=(9.6, (0.2 * most + 0.7) * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False, sharex=True)
    for axes, ((network, replicas), group) in zip(grid.flat, groups, strict=True):
        told = group["median_ms"].map(lambda ms: f"{ms:,.0f} ms" if ms >= 100 else f"{ms:.3g} ms")
        _dots(axes, group["contender"], group["ratio"], told, group["contender"] == "the study")
        axes.set_title(f"{network}, {replicas} side by side, batch {group['batch'].iloc[0]}")
        _ratios(axes, table["ratio"])
        axes.axvline(1.5, color=OTHER, linewidth=0.8, linestyle="--", zorder=0)
    figure.supxlabel("whole pass over the convolutions alone in their fastest layout; dashed: the target", fontsize=8)
    return figure


def growth(table: pd.DataFrame) -> Figure:
    """Cost of a step against replicas, depth and width, with lines of slope 1, or 2 for the width."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    titles = {"replicas": "networks side by side", "depth": "hidden layers", "width": "units a layer"}
    for axes, (axis, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        rows = table[table["axis"] == axis]
        _times(axes, "size", rows, "ms", marker="o", color=OURS)
        _in_proportion(axes, rows["size"], rows["median_ms"], power=2 if axis == "width" else 1)
        axes.set(xlabel=title, ylabel="milliseconds a step, all networks")
    figure.suptitle("How the cost of a step grows (dotted: in proportion, for the width to its square)")
    return figure


def analysis(table: pd.DataFrame) -> Figure:
    """Seconds and memory against the runs on disk, with a line of slope 1."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    for index, (what, rows) in enumerate(table.groupby("what", sort=False)):
        look: dict[str, Any] = {"label": what, "marker": MARKERS[index], "color": COLORS[index], "linewidth": 1.2}
        if what == "comparison":
            look |= {"color": OURS, "linewidth": 2.5}
        _times(seconds, "runs", rows, "s", **look)
        memory.plot(rows["runs"], rows["peak_mb"], **look)
    slowest = table[table["what"] == table.loc[table["median_s"].idxmax(), "what"]]
    _in_proportion(seconds, slowest["runs"], slowest["median_s"])
    memory.set(xscale="log", ylim=(0, None), ylabel="largest memory of the process (MB)")
    _sizes(memory.xaxis, sorted(table["runs"].unique()))
    seconds.set_ylabel("seconds")
    for axes in (seconds, memory):
        axes.set_xlabel("runs on disk")
    figure.legend(*memory.get_legend_handles_labels(), loc="outside right center")
    figure.suptitle("Analysis of finished runs (dotted: in proportion)")
    return figure


FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "throughput": throughput, "watching": watching, "convolutions": convolutions, "analysis": analysis,
    "growth": growth,
}  # fmt: skip


def png(part: str, table: pd.DataFrame) -> bytes:
    """The figure of a part."""
    buffer = io.BytesIO()
    with style.context():
        FIGURES[part](table).savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _times(axes: Axes, size: str, rows: pd.DataFrame, unit: str = "ms", **look: Any) -> None:
    """Medians with a bar from the least to the largest, on logarithmic axes."""
    median, least, largest = (rows[f"{name}_{unit}"] for name in ("median", "min", "max"))
    axes.errorbar(rows[size], median, yerr=[median - least, largest - median], **look)
    axes.set(xscale="log", yscale="log")
    _sizes(axes.xaxis, sorted(rows[size].unique()))
    _plain(axes.yaxis)


def _in_proportion(axes: Axes, sizes: pd.Series, times: pd.Series, power: int = 1) -> None:
    """What the largest would be and the others with it, were cost proportional to size."""
    axes.plot(sizes, (sizes / sizes.iloc[-1]) ** power * times.iloc[-1], color=OTHER, linestyle=":", zorder=0)


def _dots(axes: Axes, names: pd.Series, ratios: pd.Series, told: Iterable[str], is_ours: pd.Series) -> None:
    """One row per name, the first on top: a point at the ratio, and a text beside it."""
    places = range(len(names), 0, -1)
    axes.scatter(ratios, places, c=[OURS if ours else OTHER for ours in is_ours], zorder=2)
    for ratio, place, text in zip(ratios, places, told, strict=True):
        axes.annotate(text, (ratio, place), (6, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_yticks(places, names)
    axes.set_ylim(0.4, len(names) + 0.6)


def _ratios(axes: Axes, ratios: pd.Series) -> None:
    """A logarithmic axis with room for the texts beside the points."""
    axes.set_xscale("log")
    axes.set_xlim(min(0.9, ratios.min() / 1.1), max(ratios.max(), 2) ** 1.3)
    _plain(axes.xaxis)


def _sizes(axis: Axis, sizes: Sequence[int]) -> None:
    """Ticks at the sizes that were measured and nowhere else."""
    axis.set_major_locator(FixedLocator(sizes))
    axis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
    axis.set_minor_locator(NullLocator())


def _plain(axis: Axis) -> None:
    """Ticks at round numbers, written as such."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5) if high < 10 * low else (1, 2, 5), numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
