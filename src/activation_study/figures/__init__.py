"""Every figure of the study as a function from tables to a matplotlib Figure.

`FIGURES["learning_curves"](metrics, layers)` draws one of them by name; `save(figure, stem)` writes it. The tables are
those of `activation_study.runs.read`, filtered to one data set and to one learning rate per variant and depth.
Importing this package does not import torch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from activation_study.figures.accuracy import final_accuracy, learning_curves
from activation_study.figures.by_depth import accuracy_by_depth, depth, gradient_ratio
from activation_study.figures.by_layer import dead_units, gradient_lines, mean_activation, saturation
from activation_study.figures.functions import functions
from activation_study.figures.gradients import gradient_map, gradient_profile
from activation_study.figures.saving import save
from activation_study.figures.verdicts import differences, learning_rates, ranks

if TYPE_CHECKING:
    from activation_study.runs import Tables

__all__ = [
    "FIGURES", "Entry", "accuracy_by_depth", "dead_units", "depth", "differences", "draw", "drawn", "final_accuracy",
    "functions", "gradient_lines", "gradient_map", "gradient_profile", "gradient_ratio", "learning_curves",
    "learning_rates", "mean_activation", "ranks", "saturation", "save",
]  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A figure by name.

    Attributes:
        draw: its function.
        tables: those that it takes, in order: metrics, layers, or both.
        needs: the column that it cannot do without.
        over_depth: whether it is of several depths, of one of which it would be a column of dots.
    """

    draw: Callable[..., Figure]
    tables: tuple[str, ...] = ()
    needs: str | None = None
    over_depth: bool = False

    def can_draw(self, metrics: pd.DataFrame, layers: pd.DataFrame) -> bool:
        """Whether what it shows was measured: without probes there are no layers, without validation images no dead."""
        if self.over_depth and metrics["depth"].nunique() < 2:
            return False
        if "layers" not in self.tables:
            return True
        return len(layers) > 0 and (self.needs is None or bool(layers[self.needs].notna().any()))

    @property
    def description(self) -> str:
        """One line on what the figure shows."""
        return (self.draw.__doc__ or "").splitlines()[0]

    def __call__(self, metrics: pd.DataFrame, layers: pd.DataFrame, **options: object) -> Figure:
        """Draws it; options are those of its function, such as depth."""
        given = {"metrics": metrics, "layers": layers}
        return self.draw(*(given[name] for name in self.tables), **options)


METRICS, LAYERS = ("metrics",), ("layers",)
FIGURES = {
    "functions": Entry(functions),
    "gradient_lines": Entry(gradient_lines, LAYERS),
    "gradient_map": Entry(gradient_map, LAYERS),
    "gradient_profile": Entry(gradient_profile, LAYERS),
    "gradient_ratio": Entry(gradient_ratio, LAYERS, over_depth=True),
    "accuracy_by_depth": Entry(accuracy_by_depth, METRICS, over_depth=True),
    "depth": Entry(depth, METRICS + LAYERS, over_depth=True),
    "saturation": Entry(saturation, LAYERS),
    "mean_activation": Entry(mean_activation, LAYERS),
    "dead_units": Entry(dead_units, LAYERS, needs="dead"),
    "learning_curves": Entry(learning_curves, METRICS),
    "final_accuracy": Entry(final_accuracy, METRICS),
    "differences": Entry(differences, METRICS),
    "ranks": Entry(ranks, METRICS),
}


def draw(tables: "Tables", out: Path, only: str | None = None, **options: dict[str, Any]) -> list[Path]:
    """Draws every figure of comparable runs, or one, into a folder; returns the paths of the PNG files.

    Args:
        tables: as `drawn` takes them.
        out: the folder.
        only: name of the one figure that is wanted.
        options: by figure, such as `differences={"reference": "elu"}`.
    """
    return [save(figure, out / name)[0] for name, figure in drawn(tables, only, **options)]


def drawn(tables: "Tables", only: str | None = None, **options: dict[str, Any]) -> Iterator[tuple[str, Figure]]:
    """Every figure of comparable runs by its name, or one.

    What was not measured is left out, and so are the functions, which no run changes.

    Args:
        tables: one learning rate for each variant and depth.
        only: name of the one figure that is wanted.
        options: by figure, such as `differences={"reference": "elu"}`.
    """
    names = [name for name, entry in FIGURES.items() if entry.tables] if only is None else [only]
    for name in names:
        if FIGURES[name].can_draw(tables.metrics, tables.layers):
            yield name, FIGURES[name](tables.metrics, tables.layers, **options.get(name, {}))
