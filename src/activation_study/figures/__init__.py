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
from activation_study.figures.by_depth import accuracy_by_depth, gradient_ratio
from activation_study.figures.by_layer import dead_units, gradient_lines, mean_activation, saturation
from activation_study.figures.functions import functions
from activation_study.figures.gradients import gradient_map, gradient_profile
from activation_study.figures.saving import save
from activation_study.figures.verdicts import differences, learning_rates, ranks

if TYPE_CHECKING:
    from activation_study.runs import Tables

__all__ = [
    "FIGURES", "Entry", "accuracy_by_depth", "dead_units", "differences", "draw", "drawn", "final_accuracy",
    "functions", "gradient_lines", "gradient_map", "gradient_profile", "gradient_ratio", "learning_curves",
    "learning_rates", "mean_activation", "ranks", "saturation", "save",
]  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A figure by name: its function, which of the two tables that takes, and the column that it cannot do without."""

    draw: Callable[..., Figure]
    table: str | None
    needs: str | None = None

    def can_draw(self, metrics: pd.DataFrame, layers: pd.DataFrame) -> bool:
        """Whether what it shows was measured: without probes there are no layers, without validation images no dead."""
        if self.table != "layers":
            return True
        return len(layers) > 0 and (self.needs is None or bool(layers[self.needs].notna().any()))

    @property
    def description(self) -> str:
        """One line on what the figure shows."""
        return (self.draw.__doc__ or "").splitlines()[0]

    def __call__(self, metrics: pd.DataFrame, layers: pd.DataFrame, **options: object) -> Figure:
        """Draws it; options are those of its function, such as depth."""
        tables = {"metrics": (metrics,), "layers": (layers,), None: ()}
        return self.draw(*tables[self.table], **options)


FIGURES = {
    "functions": Entry(functions, None),
    "gradient_lines": Entry(gradient_lines, "layers"),
    "gradient_map": Entry(gradient_map, "layers"),
    "gradient_profile": Entry(gradient_profile, "layers"),
    "gradient_ratio": Entry(gradient_ratio, "layers"),
    "accuracy_by_depth": Entry(accuracy_by_depth, "metrics"),
    "saturation": Entry(saturation, "layers"),
    "mean_activation": Entry(mean_activation, "layers"),
    "dead_units": Entry(dead_units, "layers", needs="dead"),
    "learning_curves": Entry(learning_curves, "metrics"),
    "final_accuracy": Entry(final_accuracy, "metrics"),
    "differences": Entry(differences, "metrics"),
    "ranks": Entry(ranks, "metrics"),
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
    names = [name for name, entry in FIGURES.items() if entry.table] if only is None else [only]
    for name in names:
        if FIGURES[name].can_draw(tables.metrics, tables.layers):
            yield name, FIGURES[name](tables.metrics, tables.layers, **options.get(name, {}))
