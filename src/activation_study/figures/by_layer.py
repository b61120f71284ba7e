"""What happens in each layer over training: one panel per variant, one line per layer, coloured by its depth."""

import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from activation_study.figures.style import GREY, called, context, finish, layer_ticks, log_ticks, looks, panels
from activation_study.figures.tables import at_depth, checked, footer, last_hidden, mean_by_layer

STEPS = "step (weight updates)"
DECADES = 8  # of the gradient norm that are drawn: what vanished further would squeeze all others into one line


def gradient_lines(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Gradient norm of every layer over training, one panel per variant."""
    return _lines(layers, "grad_norm", depth, "Gradient norm by layer over training", "gradient norm",
                  "lines that stay apart are layers that learn at different speeds", log=True)  # fmt: skip


def saturation(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Share of saturated units in every layer over training, one panel per variant."""
    return _lines(layers, "saturated", depth, "Saturated units by layer over training", "saturated (% of units)",
                  "a line near 100 % is a layer that hardly passes on a gradient")  # fmt: skip


def mean_activation(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Mean activation of every layer over training, one panel per variant."""
    return _lines(layers, "mean", depth, "Mean activation by layer over training", "mean activation",
                  "the nearer to 0 a line, the less its layer shifts the inputs of the next")  # fmt: skip


def dead_units(layers: pd.DataFrame, depth: int | None = None) -> Figure:
    """Share of units in every layer that no probe example activates (dead, for a ReLU), one panel per variant."""
    return _lines(layers, "dead", depth, "Dead units by layer over training", "never active (% of units)",
                  "what rises and does not come down again no longer takes part")  # fmt: skip


def _lines(
    layers: pd.DataFrame, value: str, depth: int | None, title: str, ylabel: str, see: str, log: bool = False
) -> Figure:
    """Draws one quantity; a share between 0 and 1 is drawn in percent, as its label says."""
    rows = at_depth(checked(layers, ["layer", "hidden", "step", "grad_norm", value]), depth)
    hidden, without = last_hidden(rows), set(rows.layer[~rows.hidden])
    percent = 100 if "%" in ylabel else 1
    colors, norm = _layer_colors(hidden)
    with context():
        shown = looks(rows.variant)
        figure, axes = panels(len(shown), STEPS, ylabel)
        for ax, (label, look) in zip(axes, shown.items(), strict=True):
            means = percent * mean_by_layer(rows[rows.variant == label], value, log)
            for layer in means.index.tolist():
                line = means.loc[layer].dropna()
                marker = "o" if len(line) < 2 else None
                if layer not in without:
                    ax.plot(line.index, line, color=colors(norm(layer)), linewidth=1.0, marker=marker)
                elif value == "grad_norm":  # a layer without activation, such as the output layer
                    ax.plot(line.index, line, color=GREY, linewidth=1.0, linestyle=(0, (3, 1.5)), marker=marker)
            if percent == 100 and not (means > 0).any(axis=None):
                ax.text(0.5, 0.5, "0 % throughout", transform=ax.transAxes, ha="center", color=GREY)
            ax.set_title(called(label), color=look.color)
        if log:
            axes[0].set_yscale("log")
            low, high = axes[0].get_ylim()
            axes[0].set_ylim(max(low, high / 10**DECADES))
            log_ticks(axes[0].yaxis)
        elif percent == 100:
            axes[0].set_ylim(-3, 103)
        else:
            for ax in axes:
                ax.axhline(0, color=GREY, linewidth=0.6, zorder=1)
        bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, label="hidden layer (1 = at the input)", pad=0.01)
        bar.set_ticks(layer_ticks(hidden)[0])
        bar.ax.tick_params(which="both", length=0)
        drawn = "lines: mean over seeds"
        if value == "dead":  # half of a sigmoid's units may be so, and learn all the same
            drawn += "; never active: z ≤ 0 on every probe example, where a ReLU gets no gradient"
        if log:
            drawn = f"lines: geometric mean over seeds, dashed: output layer, at most {DECADES} decades shown"
        return finish(figure, title, footer(rows, drawn, "grad_norm"), see)


def _layer_colors(hidden: int) -> tuple[ListedColormap, BoundaryNorm]:
    shades = colormaps["viridis"]
    colors = [shades(0.92 * layer / max(hidden - 1, 1)) for layer in range(hidden)]  # not the palest yellow
    return ListedColormap(colors), BoundaryNorm([layer + 0.5 for layer in range(hidden + 1)], hidden)
