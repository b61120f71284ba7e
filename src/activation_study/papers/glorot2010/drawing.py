"""What the paper's figures share: a colour for every layer, and a key of layers and activations."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from activation_study.figures.divergence import crosses, mean_line
from activation_study.figures.style import GREY, called, looks


def shades(layers: int) -> list[str]:
    """The colours of so many layers, from the input on, dark to light."""
    return [to_hex(colormaps["viridis"](0.9 * layer / max(layers - 1, 1))) for layer in range(layers)]


def error_curves(ax: Axes, rows: pd.DataFrame) -> None:
    """Mean errors of the networks that go on, a hollow cross where one diverges, and how many did.

    Args:
        ax: gets a line for each kind.
        rows: kind, seed, step and error in per cent, which is 100 from where a network has diverged.
    """
    gone = []
    for kind, look in looks(rows.kind).items():
        errors = rows[rows.kind == kind].pivot(index="step", columns="seed", values="error")
        left = errors.where(errors < 100)
        examples = left.index.to_numpy() / 100  # thousands, in batches of ten
        lost = left.isna().sum(axis=1)
        line = pd.DataFrame({"mean": left.mean(axis=1), "lost": lost, "seeds": len(left.columns)})
        mean_line(ax, examples, line, look, marker="")
        for seed in left.columns[left.isna().any()]:
            crosses(ax, examples[left[seed].isna()][:1], look, left[seed].dropna().to_numpy()[-1:])
        if lost.iloc[-1]:
            gone.append(f"{called(kind)} {lost.iloc[-1]} of {len(left.columns)}")
    if gone:
        ax.text(0.98, 0.97, "\n".join(["diverged:", *gone]), transform=ax.transAxes, ha="right", va="top", fontsize=7,
                color=GREY)  # fmt: skip


def key(figure: Figure, layers: int = 0, labels: Iterable[str] = (), lines: Mapping[str, Any] | None = None) -> None:
    """The key, to the right of all panels.

    Args:
        figure: gets it.
        layers: how many have a colour, see `shades`.
        labels: activations, each with its look.
        lines: further names, with what `Line2D` is to be given.
    """
    handles = [Line2D([], [], color=shade, label=f"layer {number}") for number, shade in enumerate(shades(layers), 1)]
    handles += [Line2D([], [], color=look.color, linestyle=look.dashes, label=called(label))
                for label, look in looks(labels).items()]  # fmt: skip
    handles += [Line2D([], [], label=name, **{"color": GREY, **style}) for name, style in (lines or {}).items()]
    figure.legend(handles=handles, loc="outside right upper")
