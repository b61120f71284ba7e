"""Diverged networks, by one rule in every figure: each counts, and is seen.

Its accuracy counts as 0, at which a hollow cross stands for it. Of what else is measured it has no value: means are
those of the networks that go on, pale where fewer than `FEW` of them do. Where a network has diverged no interval is
drawn, for what is left is no sample of the same kind.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from activation_study.comparison.quantities import ACCURACY, diverged
from activation_study.figures.style import GREY, Look, beside_title

FEW = 3  # networks, below which a mean over those that are left says little
PALE = 0.3
CROSSED = "count as 0 %: hollow crosses, and no interval"
LEFT_OUT = f"are left out from there on: no interval, and pale where fewer than {FEW} are left"


def percentages(metrics: pd.DataFrame) -> pd.DataFrame:
    """Test accuracy in percent of every replica, 0 for a diverged one, which the column `lost` tells."""
    accuracy = (100 * ACCURACY.per_replica(metrics)).rename("accuracy")
    return pd.DataFrame({"accuracy": accuracy, "lost": diverged(metrics)}).reset_index()


def told(lost: int, of: int) -> str:
    """Such as "3 of 5 diverged"; nothing where none did."""
    return f"{lost} of {of} diverged" if lost else ""


def is_pale(line: pd.DataFrame) -> np.ndarray:
    """Where too few networks are left of a mean over those that are; `line` is of `tables.curve`."""
    return ((line.lost > 0) & (line.seeds - line.lost < FEW)).to_numpy()


def mean_line(ax: Axes, x: np.ndarray, line: pd.DataFrame, look: Look, counts: bool = False, **style: Any) -> None:
    """Draws the means of `tables.curve`, pale where too few networks are left of them.

    Args:
        ax: gets the line.
        x: where each mean stands.
        line: the means.
        look: of the variant.
        counts: whether diverged networks count, so that the means are those of all.
        **style: matplotlib's options of the line.
    """
    drawn: dict[str, Any] = {"color": look.color, "linestyle": look.dashes, "marker": look.marker}
    drawn |= {"linewidth": 1.2} | style
    means, pale = line["mean"].to_numpy(), is_pale(line) & (not counts)
    if pale.any():
        ax.plot(x, means, **drawn | {"alpha": PALE})
    if not pale.all():
        ax.plot(x, np.where(pale, np.nan, means), **drawn)


def crosses(ax: Axes, x: np.ndarray, look: Look, y: np.ndarray | None = None) -> None:
    """Marks diverged networks by hollow crosses, which stand at a height of 0 unless told otherwise."""
    if len(x):
        ax.plot(x, np.zeros(len(x)) if y is None else y, "X", color=look.color, markerfacecolor="white",
                markeredgewidth=0.8, markersize=4.5, zorder=3)  # fmt: skip


def going_on(rows: pd.DataFrame) -> pd.Series:
    """How many of a variant's networks have gradients, at each step that was measured."""
    finite = np.isfinite(rows.grad_norm.astype(float))
    return finite.groupby([rows.step, rows.seed]).any().groupby("step").sum()


def note(ax: Axes, left: pd.Series, of: int) -> None:
    """Says at a variant's own panel how many of its networks diverged, and in its middle where all of them did.

    Args:
        ax: the panel.
        left: of `going_on`.
        of: the number of networks.
    """
    said = told(of - int(left.iloc[-1]), of)
    if left.iloc[-1] == 0:
        ax.text(0.5, 0.5, f"{said}\nby step {left.index[left == 0][0]}", transform=ax.transAxes, ha="center",
                va="center", fontsize=8, color=GREY)  # fmt: skip
    else:
        beside_title(ax, said)
