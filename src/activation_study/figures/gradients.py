"""The vanishing gradient: as a map of layers and steps, and as a profile through the layers."""

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from activation_study.figures.by_layer import DECADES, STEPS
from activation_study.figures.divergence import FEW, LEFT_OUT, PALE, going_on, mean_line, note
from activation_study.figures.style import called, context, finish, layer_ticks, legend, log_ticks, looks, panels
from activation_study.figures.tables import INTERVAL, at_depth, checked, curve, footer, last_hidden, mean_by_layer


def gradient_map(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Gradient norm as a map of layers and steps, one panel per variant, logarithmic colour."""
    rows = at_depth(checked(layers, ["layer", "hidden", "step", "grad_norm"]), depth)
    hidden = last_hidden(rows)
    with context():
        shown, of = looks(rows.variant), rows.groupby("variant").seed.nunique()
        maps = {label: mean_by_layer(rows[rows.variant == label], "grad_norm", log=True) for label in shown}
        norm, extend = _log_norm(np.concatenate([grid.to_numpy().ravel() for grid in maps.values()]))
        figure, axes = panels(len(shown), STEPS, "layer")
        for ax, (label, look) in zip(axes, shown.items(), strict=True):
            grid, left = maps[label].reindex(range(1, hidden + 2)), going_on(rows[rows.variant == label])
            ax.set_facecolor("#d9d9d9")  # no value
            if grid.size:
                edges = _edges(grid.columns)
                ax.pcolormesh(edges, np.arange(0.5, hidden + 2), grid, norm=norm, rasterized=True)
                few = (left < of[label]) & (left < FEW)
                for begin, end in zip(edges[:-1][few[grid.columns]], edges[1:][few[grid.columns]], strict=True):
                    ax.axvspan(begin, end, color="white", alpha=1 - PALE, linewidth=0)
            note(ax, left, of[label])
            ax.axhline(hidden + 0.5, color="white", linewidth=1.2)
            ax.grid(False)
            ax.set_title(called(label), color=look.color)
        axes[0].set_yticks(*layer_ticks(hidden, output=True))
        axes[0].set_xlim(0, max(1, rows.step.max()))
        bar = figure.colorbar(ScalarMappable(norm), ax=axes, label="gradient norm", pad=0.01, extend=extend)
        log_ticks(bar.ax.yaxis)
        drawn = "colour: geometric mean over seeds; grey: no value; layer 1 is at the input"
        if extend == "min":
            drawn += f"; the bar's arrow: norms below {norm.vmin:.0e}, all in the darkest colour"
        return finish(figure, "Gradient norm by layer and step", footer(rows, drawn, "grad_norm", LEFT_OUT),
                      "where colours darken downwards, the gradient vanishes on its way to the input")  # fmt: skip


def gradient_profile(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Gradient norm through the layers, before training and in its last epoch, one line per variant."""
    rows = at_depth(checked(layers, ["layer", "hidden", "epoch", "step", "grad_norm"]), depth)
    hidden = last_hidden(rows)
    with context():
        figure, axes = panels(2, "layer (1 = at the input)", "gradient norm", height=1.0)
        for ax, (moment, part) in zip(axes, moments(rows).items(), strict=True):
            for label, look in looks(rows.variant).items():
                line = curve(part[part.variant == label], "grad_norm", "layer", log=True)
                if line.empty:
                    continue
                mean_line(ax, line.index.to_numpy(), line, look, linewidth=1.5, markevery=max(1, hidden // 8))
                ax.fill_between(line.index, line.low, line.high, color=look.color, alpha=0.18, linewidth=0)
            ax.set_title(moment)
        axes[0].set_yscale("log")
        log_ticks(axes[0].yaxis)
        axes[0].set_xticks(*layer_ticks(hidden, output=True))
        legend(figure, rows.variant)
        drawn = f"lines: geometric mean, bands: {INTERVAL}"
        return finish(figure, "Gradient norm through the layers", footer(rows, drawn, "grad_norm", LEFT_OUT),
                      "a straight fall towards layer 1 is a gradient that loses its share in every layer")  # fmt: skip


def moments(layers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Gradient norms before the first update and in the last epoch, one row per replica and layer.

    The gradient of a single batch is noisy, so the last epoch is the geometric mean over its logged steps.
    """
    last = layers[layers.epoch == layers.groupby(["variant", "depth"]).epoch.transform("max")]
    norms = last.grad_norm.astype(float)  # in float32 the logarithms of two machines differ
    logs = np.log10(norms.where((norms > 0) & np.isfinite(norms)))
    keys = ["variant", "depth", "seed", "layer", "hidden"]
    means = 10 ** logs.groupby([last[key] for key in keys]).mean()
    return {"before training": layers[layers.step == 0], "in the last epoch": means.rename("grad_norm").reset_index()}


def _log_norm(values: np.ndarray) -> tuple[LogNorm, str]:
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min(), values.max()) if len(values) else (0.1, 1.0)
    floor = max(low, high / 10**DECADES)  # smaller norms all get the darkest colour
    return LogNorm(floor, max(high, floor * 1.01)), "min" if floor > low else "neither"


def _edges(steps: pd.Index) -> np.ndarray:
    """Borders half-way between the steps, which are not evenly spaced."""
    at = steps.to_numpy(dtype=float)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    between = (at[1:] + at[:-1]) / 2
    return np.concatenate([at[:1], between, at[-1:]])
