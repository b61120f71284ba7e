"""Pictures that move: panels of lines and bars, drawn as SVG within milliseconds or as a figure of the study.

The SVG takes its ink from the page that it stands in (`currentColor`) and can be read on white and on black; the figure
is what remains of it in a stored notebook.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from activation_study.figures.style import GREY, context, finish
from activation_study.figures.style import panels as figure_panels

BLUE, ORANGE = "#0072B2", "#D55E00"  # of Okabe & Ito 2008, those with a contrast of 3 : 1 on white and on black
INK = None  # the ink of the text
WIDTH, HEIGHT = 720, 210  # of the whole picture, and of a row of panels
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 40, 40  # what a panel leaves to its labels
HEAD = 22  # of the title
LETTER = 7  # about the width of one


class Line(NamedTuple):
    """A line through points; values that are not finite, or not above 0 on a logarithmic axis, are left out."""

    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    label: str = ""
    color: str | None = INK
    dashed: bool = False
    marked: bool = False


class Bars(NamedTuple):
    """Bars from 0, on an axis that is not logarithmic, between edges, of which there is one more than heights."""

    edges: Sequence[float] | np.ndarray
    heights: Sequence[float] | np.ndarray
    color: str | None = BLUE


@dataclass(frozen=True)
class Panel:
    """One of them.

    Attributes:
        title: stands above it.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        marks: what is drawn.
        xlim: both ends of x.
        ylim: both ends of y.
        log: whether y is logarithmic.
        xticks: where x has ticks, and what they say; by default round numbers.
    """

    title: str
    xlabel: str
    ylabel: str
    marks: Sequence[Line | Bars]
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    log: bool = False
    xticks: tuple[Sequence[float], Sequence[str]] | None = None


class Panels(NamedTuple):
    """A picture of several panels, with a title and a line below that says what they show."""

    title: str
    note: str
    panels: Sequence[Panel]


def as_figure(picture: Panels) -> Figure:
    """The picture as a figure of the study."""
    with context():
        figure, axes = figure_panels(len(picture.panels), "", "", sharex=False, sharey=False, height=0.8)
        for ax, panel in zip(axes, picture.panels, strict=True):
            for mark in panel.marks:
                if isinstance(mark, Bars):
                    ax.stairs(mark.heights, mark.edges, fill=True, color=mark.color or GREY)
                else:
                    ax.plot(*_points(mark, panel), color=mark.color or GREY, label=mark.label or None,
                            linestyle=(0, (3, 1.5)) if mark.dashed else "-",
                            marker="o" if mark.marked else None)  # fmt: skip
            ax.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel, xlim=panel.xlim)
            ax.set_yscale("log" if panel.log else "linear")
            ax.set_ylim(panel.ylim)
            if panel.xticks:
                ax.set_xticks(*panel.xticks)
            if any(isinstance(mark, Line) and mark.label for mark in panel.marks):
                ax.legend(handlelength=2)
        return finish(figure, picture.title, picture.note)


def as_svg(picture: Panels) -> str:
    """The picture as SVG, in the ink of the page; its title and note are its text for those who cannot see it."""
    columns = min(len(picture.panels), 4)
    rows = -(-len(picture.panels) // columns)
    lines = _wrapped(picture.note, WIDTH // 6)
    height = HEAD + rows * HEIGHT + 15 * len(lines) + 4
    parts = [_text(4, 15, picture.title, weight="bold", size=14)]
    for number, panel in enumerate(picture.panels):
        row, column = divmod(number, columns)
        width = WIDTH / columns
        parts.append(f'<g transform="translate({column * width:.1f},{HEAD + row * HEIGHT})">')
        parts += _panel(panel, width)
        parts.append("</g>")
    parts += [_text(4, height - 15 * (len(lines) - n) + 8, line, size=11) for n, line in enumerate(lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" fill="currentColor" '
        f'aria-label="{html.escape(f"{picture.title}. {picture.note}")}" font-family="sans-serif" '
        f'style="width:100%;max-width:{WIDTH + 40}px">{"".join(parts)}</svg>'
    )


def _panel(panel: Panel, width: float) -> list[str]:
    """Frame, ticks, key and marks of one panel, whose upper left corner is the origin."""
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    low, high = np.log10(panel.ylim) if panel.log else panel.ylim

    def across(x: np.ndarray) -> np.ndarray:
        return LEFT + (np.asarray(x, float) - panel.xlim[0]) / (panel.xlim[1] - panel.xlim[0]) * (right - LEFT)

    def down(y: np.ndarray) -> np.ndarray:
        value = np.log10(y) if panel.log else np.asarray(y, float)
        return bottom - (value - low) / (high - low) * (bottom - TOP)

    parts = [
        f'<path d="M{LEFT},{TOP}V{bottom}H{right:.1f}" fill="none" stroke="currentColor" opacity="0.6"/>',
        _text(LEFT, 14, panel.title, weight="bold"),
        _text((LEFT + right) / 2, HEIGHT - 6, panel.xlabel, anchor="middle"),
        _text(13, (TOP + bottom) / 2, panel.ylabel, anchor="middle",
              turned=f' transform="rotate(-90 13 {(TOP + bottom) / 2:.1f})"'),
    ]  # fmt: skip
    yticks = _decades(panel.ylim) if panel.log else _round(panel.ylim, 5)
    for y, at in zip(yticks, down(np.array(yticks)), strict=True):
        parts.append(f'<path d="M{LEFT},{at:.1f}H{right:.1f}" stroke="currentColor" opacity="0.15"/>')
        parts.append(_text(LEFT - 5, at + 4, f"1e{np.log10(y):.0f}" if panel.log else f"{y:g}", anchor="end", size=11))
    xticks = _round(panel.xlim, max(2, int(width // 70)))
    places, names = panel.xticks or (xticks, [f"{x:g}" for x in xticks])
    for name, at in zip(names, across(np.array(places)), strict=True):
        parts.append(f'<path d="M{at:.1f},{bottom}v4" stroke="currentColor" opacity="0.6"/>')
        parts.append(_text(at, bottom + 16, name, anchor="middle", size=11))
    at = float(LEFT)
    for mark in panel.marks:
        ink = mark.color or "currentColor"
        if isinstance(mark, Bars):
            x, base = across(np.asarray(mark.edges)), float(down(np.zeros(1))[0])
            tops = np.clip(down(np.asarray(mark.heights, float)), TOP, bottom)
            parts += [f'<rect x="{left:.1f}" y="{min(top, base):.1f}" width="{max(after - left - 0.5, 0.5):.1f}" '
                      f'height="{abs(base - top):.1f}" fill="{ink}"/>'
                      for left, after, top in zip(x, x[1:], tops, strict=False)]  # fmt: skip
            continue
        xs, ys = _points(mark, panel)
        points = list(zip(across(xs), np.clip(down(ys), TOP - 2, bottom), strict=True))
        dashes = ' stroke-dasharray="5 3"' if mark.dashed else ""
        parts.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" fill="none" '
                     f'stroke="{ink}" stroke-width="2"{dashes}/>')  # fmt: skip
        if mark.marked:
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{ink}"/>' for a, b in points]
        if mark.label:
            parts.append(f'<path d="M{at:.1f},26h18" stroke="{ink}" stroke-width="2"{dashes}/>')
            parts.append(_text(at + 22, 30, mark.label, size=11))
            at += 34 + LETTER * len(mark.label)
    return parts


def _points(line: Line, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    kept = np.isfinite(y) & ((y > 0) | (not panel.log))
    return x[kept], y[kept]


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 12, weight: str = "normal", turned: str = ""
) -> str:
    look = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}{turned}>{html.escape(text)}</text>'


def _round(ends: tuple[float, float], most: int) -> list[float]:
    ticks = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(*ends)
    return [float(tick) for tick in ticks if ends[0] <= tick <= ends[1]]


def _decades(ends: tuple[float, float]) -> list[float]:
    ticks = LogLocator(numticks=6).tick_values(*ends)
    return [float(tick) for tick in ticks if ends[0] <= tick <= ends[1]]


def _wrapped(text: str, letters: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= letters:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]
