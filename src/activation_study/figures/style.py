"""What every figure shares: the look of a variant, the grid of panels, the legend and the footer.

No figure touches the global rcParams or pyplot: each is built inside `with context():` as a plain `Figure`.
"""

import functools
import math
import textwrap
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from activation_study.names import printable, shortened

SHEET = Path(__file__).with_name("study.mplstyle")
WIDTH = 9.6  # inches of a full row of panels
GREY = "#666666"
DRAWING = threading.RLock()


class Look(NamedTuple):
    """How a variant is drawn everywhere: matplotlib colour, line style and marker."""

    color: str
    dashes: Any
    marker: str


RECTIFIERS = ("relu", "lrelu", "vlrelu", "prelu", "rrelu", "elu")
UNBOUNDED = ("lrelu", "vlrelu", "prelu", "rrelu")  # cannot saturate
# The colours of Okabe & Ito 2008, whose yellow is too pale for a line on white: Paul Tol's wine takes its place.
ARTICLE = {
    "sigmoid": Look("#000000", "-", "o"),
    "tanh": Look("#CC79A7", (0, (6, 1.5)), "s"),
    "relu": Look("#0072B2", "-", "^"),
    "lrelu": Look("#56B4E9", (0, (4, 1, 1, 1)), "v"),
    "vlrelu": Look("#882255", (0, (1, 1)), "D"),
    "prelu": Look("#009E73", (0, (6, 1.5)), "P"),
    "rrelu": Look("#E69F00", (0, (4, 1, 1, 1, 1, 1)), "X"),
    "elu": Look("#D55E00", "-", ">"),
}
OTHERS = [
    Look("#332288", (0, (3, 1)), "<"), Look("#999933", (0, (2, 1)), ">"), Look("#7F7F7F", (0, (5, 1, 1, 1)), "h"),
    Look("#D41159", (0, (3, 1, 1, 1)), "p"), Look("#44AA99", (0, (3, 1)), "d"), Look("#7A4B00", (0, (2, 1)), "8"),
    Look("#8F6BD0", (0, (5, 1, 1, 1)), "<"), Look("#B5B000", (0, (3, 1, 1, 1)), ">"), Look("#1B4D3E", "-.", "h"),
    Look("#F08080", "--", "p"), Look("#4C7A9C", "-.", "d"), Look("#5A5A00", "--", "8"),
]  # fmt: skip
# Where these are not enough, their colours come again, each time with other dashes and another marker.
AGAIN = [("-", "*"), ((0, (1, 1)), "o"), ((0, (8, 2)), "s"), ((0, (4, 1, 1, 1, 1, 1)), "^"), ((0, (1, 2)), "X"),
         ((0, (8, 2, 2, 2)), "D"), ((0, (2, 3)), "v"), ((0, (6, 1, 1, 1, 1, 1, 1, 1)), "P")]  # fmt: skip
OTHERS += [Look(look.color, dashes, marker) for dashes, marker in AGAIN for look in OTHERS]
COLORS = len(OTHERS) // (1 + len(AGAIN))
LONGEST = 42  # letters of a label
KEYS = 30  # of a column of the key


@contextmanager
def context() -> Iterator[None]:
    """The study's rcParams, for the `with` block only; they are the process's, so one thread draws at a time."""
    with DRAWING, matplotlib.style.context(SHEET):
        yield


def ordered(labels: Iterable[str]) -> list[str]:
    """Labels without repetition: those of the article in its order, then the others by name."""
    article = list(ARTICLE)
    labels = labels.unique() if isinstance(labels, pd.Series) else labels  # a column may have a million
    return sorted(set(labels), key=lambda label: (article.index(label) if label in ARTICLE else len(article), label))


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """The look of each label, in the order of `ordered`.

    The article's activations have theirs for good. Any other label gets one from its name: the next colour only where
    two labels of the same figure would share it, and a colour again only where all are taken. Beyond the 108 of
    `OTHERS` looks repeat, which `alike` says.
    """
    chosen: dict[str, Look] = {}
    taken: set[int] = set()
    for label in ordered(labels):
        if label in ARTICLE:
            chosen[label] = ARTICLE[label]
            continue
        first = zlib.crc32(label.encode(errors="backslashreplace")) % COLORS
        candidates = ((first + k) % COLORS + turn for turn in range(0, len(OTHERS), COLORS) for k in range(COLORS))
        index = next((i for i in candidates if i not in taken), first)
        taken.add(index)
        chosen[label] = OTHERS[index]
    return chosen


def alike(labels: Iterable[str]) -> str:
    """What a figure must say where it has more labels than looks; nothing otherwise."""
    chosen = looks(labels)
    repeated = len(chosen) - len(set(chosen.values()))
    return f"{repeated} of {len(chosen)} look like another: more than there are looks" if repeated else ""


def plain(text: str) -> str:
    r"""A text as matplotlib shows it letter by letter.

    `$` begins no formula, and letters that the font lacks are given by their numbers, such as `\u82b1`.
    """
    letters = _letters_of_the_font()
    known = "".join(
        letter if ord(letter) in letters else letter.encode("ascii", "backslashreplace").decode() for letter in text
    )
    return known.replace("$", r"\$")


def called(label: str) -> str:
    """A label or a name as figures show it: plain, and short enough to leave room for what is drawn."""
    return plain(shortened(printable(label), LONGEST))


@functools.cache
def _letters_of_the_font() -> frozenset[int]:
    """The numbers of all letters that the study's font can draw."""
    with context():
        return frozenset(get_font(findfont(FontProperties())).get_charmap()) | {ord("\n")}


def panels(
    count: int, xlabel: str, ylabel: str, *, sharex: bool = True, sharey: bool = True, height: float = 0.9
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` equal panels, at most four in a row.

    Args:
        count: number of panels, at least 1.
        xlabel: stands under the lowest panel of each column.
        ylabel: stands beside the first panel of each row.
        sharex: whether they share the x axis.
        sharey: whether they share the y axis.
        height: of a panel, as a share of its width.
    """
    rows = math.ceil(count / 4)
    columns = math.ceil(count / rows)
    width = min(WIDTH / columns, 3.6)
    figure = Figure(figsize=(max(width * columns + 0.8, 5.5), width * height * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False)
    axes = list(grid.flat)
    for spare in axes[count:]:
        spare.remove()
    for lowest in axes[max(count - columns, 0) : count]:
        lowest.set_xlabel(xlabel)
        lowest.xaxis.set_tick_params(labelbottom=True)
    for first in axes[:count:columns]:
        first.set_ylabel(ylabel)
    return figure, axes[:count]


def legend(figure: Figure, labels: Iterable[str], splits: Mapping[str, Any] | None = None) -> None:
    """The key, to the right of all panels.

    Args:
        figure: gets the key.
        labels: the variants.
        splits: line style of each split, where the dashes tell splits and not variants apart.
    """
    handles = keys(labels, splits)
    columns = math.ceil(len(handles) / KEYS)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + 2 * (columns - 1), max(height, 0.175 * math.ceil(len(handles) / columns) + 0.9))
    figure.legend(handles=handles, loc="outside right upper", ncols=columns)


def keys(labels: Iterable[str], splits: Mapping[str, Any] | None = None) -> list[Line2D]:
    """The lines of a key; the arguments are those of `legend`."""
    lines = [
        Line2D([], [], color=color, linestyle="-" if splits else dashes, marker=marker, label=called(label))
        for label, (color, dashes, marker) in looks(labels).items()
    ]
    return lines + [
        Line2D([], [], color=GREY, linestyle=dashes, label=split) for split, dashes in (splits or {}).items()
    ]


def beside_title(ax: Axes, text: str) -> None:
    """A remark in small type at the right end of a panel's title, where it hides nothing; further ones go before it."""
    said = " · ".join(filter(None, [text, ax.get_title("right")]))
    ax.set_title(said, loc="right", fontsize=7, fontweight="normal", color=GREY)


def finish(figure: Figure, title: str, footer: str, see: str = "") -> Figure:
    """Puts the title above the panels, left, and the caption in small type below them.

    Args:
        figure: gets both.
        title: what is drawn.
        footer: what it is drawn from.
        see: the clause that says what to see, which holds whatever the data are; it comes first.
    """
    figure.suptitle(title, x=0.01, ha="left")
    letters = int(figure.get_figwidth() * 21)  # as many as fit on a line at this size
    caption = [textwrap.fill(part, letters) for part in (f"To see: {see}." if see else "", footer) if part]
    figure.supxlabel("\n".join(caption), x=0.01, ha="left", fontsize=6.5, color=GREY)
    return figure


def layer_ticks(hidden: int, output: bool = False) -> tuple[list[int], list[str]]:
    """Where a layer axis has ticks and what they say: at most eight of the hidden layers, and the output layer."""
    step = max(1, math.ceil((hidden - 1) / 7))
    layers = list(range(1, hidden + 1, step))
    if output and len(layers) > 1 and hidden + 1 - layers[-1] < step / 2:
        layers.pop()  # its number would touch the word
    names = [str(layer) for layer in layers]
    return ([*layers, hidden + 1], [*names, "out"]) if output else (layers, names)


def log_ticks(axis: Axis) -> None:
    """Plain numbers at 1, 2 and 5 on a logarithmic axis of few decades, where powers of ten alone would be too few."""
    low, high = axis.get_view_interval()
    if high / low < 1e3:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
