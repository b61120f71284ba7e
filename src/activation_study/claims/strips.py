"""Strips: the interval of every number that a claim predicts, on an axis that shows where the claim puts it."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from activation_study.claims.ledger import (
    CONTRADICTED,
    DEPENDS,
    NOT_RUN,
    SUPPORTED,
    UNDECIDED,
    Outcome,
    Part,
    counted,
)
from activation_study.figures.style import GREY, WIDTH, context, finish

MARKS = {SUPPORTED: ("#009E73", "o"), CONTRADICTED: ("#D55E00", "X"), DEPENDS: ("#CC79A7", "D"), UNDECIDED: (GREY, "s")}
CLAIMED = "#dcefe8"  # shades the values that are claimed
LONG = 25  # letters of a place that fit on a line above its panel
APART = 0.2  # of the axis between two ticks


def intervals(outcome: Outcome) -> Figure:
    """The interval of every part, with the values claimed shaded: one row per quantity, one panel per place."""
    with context():
        figure = Figure(figsize=size(outcome), layout="constrained")
        return finish(figure, title(outcome, figure), caption(outcome, strips(figure, outcome)))


def _known(outcome: Outcome) -> dict[str, list[Part]]:
    """The parts that were run, by quantity."""
    found: dict[str, list[Part]] = {}
    for part in outcome.parts:
        if part.verdict != NOT_RUN:
            found.setdefault(part.quantity, []).append(part)
    return found


def size(outcome: Outcome) -> tuple[float, float]:
    """Width and height in inches of a figure of strips."""
    known = _known(outcome)
    places = {part.place for parts in known.values() for part in parts}
    lines = [len({part.compared for part in parts}) for parts in known.values()]
    return min(WIDTH, max(6.5, 2.4 + 2.4 * len(places))), 1.1 + sum(0.6 + 0.2 * count for count in lines)


def strips(figure: Figure | SubFigure, outcome: Outcome) -> str:
    """Fills a figure with strips of intervals; returns what its caption says of them."""
    known = _known(outcome)
    places = list(dict.fromkeys(part.place for parts in known.values() for part in parts))
    names = {quantity: list(dict.fromkeys(part.compared for part in parts)) for quantity, parts in known.items()}
    heights = [len(compared) + 0.5 for compared in names.values()]
    grid = figure.subplots(len(known), len(places), squeeze=False, height_ratios=heights)
    for row, (quantity, parts) in zip(grid, known.items(), strict=True):
        for ax, place in zip(row, places, strict=True):
            here = [part for part in parts if part.place == place]
            evidence = {part.evidence for part in here}
            _intervals(ax, here, names[quantity], [part for part in parts if part.evidence in evidence])
            ax.set_title(place if len(place) <= LONG else place.replace(", ", "\n"))
            ax.tick_params(axis="y", labelleft=ax is row[0])
        figure.align_labels(row)
        row[0].set_xlabel(quantity, loc="left")
    every = [part for parts in known.values() for part in parts]
    for verdict, (color, marker) in MARKS.items():
        if any(part.verdict == verdict for part in every):
            grid[0, 0].plot([], [], linestyle="", color=color, marker=marker, label=verdict)
    figure.legend(loc="outside right upper")
    of_two_tests = any("90 %" in part.statistic for part in every)
    bars = "90 % interval, of two one-sided tests" if of_two_tests else "95 % interval"
    said = [f"points: value, bars: {bars}, shaded: where the claim puts it"]
    said += ["panels of one data set share their axis"] if len(places) > 1 else []
    said += ["arrows: the interval goes on beyond"] if any(map(_diverged, every)) else []
    return "; ".join(said)


def _intervals(ax: Axes, parts: Sequence[Part], names: Sequence[str], alike: Sequence[Part]) -> None:
    """One panel of strips.

    Args:
        ax: the panel.
        parts: what it shows.
        names: of its rows.
        alike: the parts of all panels that share its axis.
    """
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    if not parts:
        ax.annotate("not run", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
        ax.set_xticks([])
        return
    claimed = parts[0].claimed
    bounds = [bound for bound in (claimed.low, claimed.high) if np.isfinite(bound)]
    low, high, is_log = _reach(alike, bounds)
    if is_log:
        ax.set_xscale("log")
    ax.set_xlim(low, high)
    _ticks(ax, bounds)
    for bound in bounds:
        ax.axvline(bound, color=MARKS[SUPPORTED][0], linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    ax.axvspan(max(low, claimed.low), min(high, claimed.high), color=CLAIMED, linewidth=0, zorder=0)
    for part in parts:
        row, (color, marker) = names.index(part.compared), MARKS[part.verdict]
        if not np.isfinite(part.value):
            ax.annotate("all diverged", (0.5, row), xycoords=("axes fraction", "data"), ha="center", va="center")
            continue
        ax.plot((part.low, part.high), (row, row), color=color, linewidth=1.6, solid_capstyle="butt")
        for end, arrow, is_beyond in ((low, "<", part.low < low), (high, ">", part.high > high)):
            if is_beyond:
                ax.plot(end, row, arrow, color=color, markersize=4.5, clip_on=False)
        ax.plot(part.value, row, marker=marker, color=color, markersize=5.5, markeredgecolor="white",
                markeredgewidth=0.5)  # fmt: skip
        if said := _diverged(part):
            ax.annotate(said, (0.99, row - 0.14), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                        fontsize=5.5, color=GREY)  # fmt: skip


def _diverged(part: Part) -> str:
    """What the note of a part says of networks that diverged."""
    return "; ".join(said for said in part.note.split("; ") if "diverged" in said)


def _reach(parts: Sequence[Part], bounds: Sequence[float]) -> tuple[float, float, bool]:
    """From where to where an axis reaches, and whether it is logarithmic.

    It holds the bounds, all values and all intervals but those of networks that diverged, which would be all it shows.
    """
    values = [part.value for part in parts]
    ends = [end for part in parts if not _diverged(part) for end in (part.low, part.high)]
    known = np.array([end for end in (*bounds, *values, *ends) if np.isfinite(end)])
    low, high = float(known.min()), float(known.max())
    if parts[0].is_ratio and low > 0 and high > 5 * low:
        return low / 1.3, high * 1.3, True
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room, False


def _ticks(ax: Axes, bounds: Sequence[float]) -> None:
    """A tick at the bounds, and a few others that leave them room."""
    low, high = ax.get_xlim()
    scale = np.log if ax.get_xscale() == "log" else np.asarray
    decades, whole = np.outer(10.0 ** np.arange(-6, 7), (1, 2, 5)).ravel(), MaxNLocator(4).tick_values(low, high)
    wanted = decades if ax.get_xscale() == "log" else np.asarray(whole)
    ticks: list[float] = []
    for tick in (*bounds, *wanted[(wanted >= low) & (wanted <= high)]):
        if all(abs(scale(tick) - scale(other)) > APART * (scale(high) - scale(low)) for other in ticks):
            ticks.append(float(tick))
    ax.set_xticks(ticks, [f"{tick:.4g}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    ax.set_xticks([], minor=True)


def title(outcome: Outcome, figure: Figure) -> str:
    """The claim's sentence, and below it what has become of it."""
    letters = int((figure.get_figwidth() - 1.6) * 9.5)  # as many as fit beside the key at this size
    cases = outcome.cases.values()
    number, _, rest = counted(cases).partition(" ")
    said = f" ({number} of {len(cases)} {rest})" if len(cases) > 1 else ""
    return "\n".join([textwrap.fill(outcome.claim.statement, letters), f"{outcome.verdict}{said}"])


def caption(outcome: Outcome, drawn: str) -> str:
    """What was drawn, from how many replicas, at which scale."""
    counts = sorted({part.n for part in outcome.parts if part.n})
    n = "" if not counts else f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    scale = next(iter(outcome.found.values())).scale
    return " · ".join(filter(None, [drawn, n, f"scale {scale}"]))
