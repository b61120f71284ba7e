"""What the paper's figures share: a colour for every layer, and a key of layers and activations."""

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from activation_study.figures.style import GREY, called, looks


def shades(layers: int) -> list[str]:
    """The colours of so many layers, from the input on, dark to light."""
    return [to_hex(colormaps["viridis"](0.9 * layer / max(layers - 1, 1))) for layer in range(layers)]


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
