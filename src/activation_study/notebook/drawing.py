"""Figures and tables that only the notebooks have."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from activation_study.activations import Activation, build, softmax
from activation_study.comparison import statistics
from activation_study.comparison.variants import kind
from activation_study.figures.style import context, finish, layer_ticks, legend, looks, panels
from activation_study.figures.tables import INTERVAL, REPLICA, at_depth, checked, curve, footer, last_hidden
from activation_study.notebook.panels import BLUE, ORANGE, Bars, Line, Panel, Panels


def properties(names: Iterable[str]) -> pd.DataFrame:
    """What follows from the formula of each activation: its slopes, where it saturates, the gains that it needs."""
    z = torch.linspace(-20, 20, 40_001)
    rows = []
    for name in names:
        activation = build(name).eval()
        with torch.no_grad():
            slope = activation.slope(z)
        rows.append(
            {
                "activation": name,
                "largest slope": float(slope.max()),
                "slope at z = -5": float(slope[(z + 5).abs().argmin()]),
                "saturated below z =": activation.flat_below,
                "saturated above z =": activation.flat_above,
                "forward gain": activation.forward_gain,
                "backward gain": activation.backward_gain,
                "He's gain": activation.he_gain,
            }
        )
    return pd.DataFrame(rows).replace([float("inf"), float("-inf")], "never")


def layer_factors(layers: pd.DataFrame) -> pd.DataFrame:
    """The factor by which one hidden layer changes the back-propagated error before training, with its interval.

    Columns: activation or variant (see `variants.kind`), depth, n (replicas), factor (geometric mean over layers and
    replicas), low, high.
    """
    start = layers[(layers.step == 0) & layers.hidden]
    wide = start.pivot(index=REPLICA, columns="layer", values="error_rms")
    rows, compared = [], kind(start)
    for variant in looks(start.variant):
        for depth, errors in wide.loc[variant].dropna(axis=1, how="all").groupby("depth"):
            errors = errors.dropna(axis=1, how="all")
            per_layer = (errors.iloc[:, 0] / errors.iloc[:, -1]) ** (1 / (errors.shape[1] - 1))
            estimate = statistics.geometric_mean(per_layer)._asdict()
            rows.append({compared: variant, "depth": depth, "n": len(errors), "factor": estimate.pop("value")})
            rows[-1] |= estimate
    return pd.DataFrame(rows)


def error_and_bound(layers: pd.DataFrame, bounds: Mapping[str, float], depth: int | None = None) -> Figure:
    """Back-propagated error before training, relative to the last hidden layer, and the most that theory allows.

    Args:
        layers: the table of that name.
        bounds: for each label in the column `variant`, the largest factor of one layer.
        depth: of the networks; by default the deepest that all share.
    """
    rows = at_depth(checked(layers, ["layer", "hidden", "step", "error_rms", "grad_norm"]), depth)
    rows = rows[(rows.step == 0) & rows.hidden]
    last = rows[rows.layer == last_hidden(rows)].set_index(REPLICA).error_rms
    rows = rows.assign(relative=rows.error_rms / last.loc[pd.MultiIndex.from_frame(rows[REPLICA])].to_numpy())
    hidden = last_hidden(rows)
    with context():
        figure, (ax,) = panels(1, "hidden layer (1 = at the input)", "error, relative to the last hidden layer")
        figure.set_size_inches(8, 3.6)
        for label, look in looks(rows.variant).items():
            line = curve(rows[rows.variant == label], "relative", "layer", log=True)
            bound = [bounds[label] ** (hidden - layer) for layer in line.index]
            ax.plot(line.index, line["mean"], color=look.color, marker=look.marker, markevery=max(1, hidden // 8))
            ax.fill_between(line.index, line.low, line.high, color=look.color, alpha=0.18, linewidth=0)
            ax.plot(line.index, bound, color=look.color, linestyle=(0, (2, 2)), linewidth=1)
        ax.set_yscale("log")
        ax.set_xticks(*layer_ticks(hidden))
        legend(figure, rows.variant, {"measured": "-", "largest expected": (0, (2, 2))})
        drawn = f"solid: geometric mean, bands: {INTERVAL}, dashed: largest slope times the scale of the weights"
        return finish(figure, "Back-propagated error before training", footer(rows, drawn, "grad_norm"))


def profile(layers: pd.DataFrame, value: str, label: str, depth: int | None = None) -> Figure:
    """One quantity through the hidden layers, before and after training, one line per variant.

    Args:
        layers: the table of that name.
        value: its column to draw.
        label: what to call it.
        depth: of the networks; by default the deepest that all share.
    """
    rows = at_depth(checked(layers, ["layer", "hidden", "step", "grad_norm", value]), depth)
    rows = rows[rows.hidden]
    ends = rows.groupby("variant").step.transform("max")
    moments = {"before training": rows[rows.step == 0], "after training": rows[rows.step == ends]}
    with context():
        figure, axes = panels(2, "hidden layer (1 = at the input)", label, height=0.8)
        for ax, (moment, part) in zip(axes, moments.items(), strict=True):
            for name, look in looks(part.variant).items():
                line = curve(part[part.variant == name], value, "layer")
                ax.plot(line.index, line["mean"], color=look.color, linestyle=look.dashes, marker=look.marker,
                        markevery=max(1, len(line) // 8))  # fmt: skip
                ax.fill_between(line.index, line.low, line.high, color=look.color, alpha=0.18, linewidth=0)
            ax.set_title(moment)
        axes[0].set_xticks(*layer_ticks(last_hidden(rows)))
        legend(figure, rows.variant)
        drawn = f"lines: mean, bands: {INTERVAL}"
        return finish(figure, f"{label[:1].upper()}{label[1:]} by layer", footer(rows, drawn, "grad_norm"))


def function(label: str, activation: Activation) -> Panels:
    """A function and its slope, as panels that follow a slider."""
    z = torch.linspace(-4, 4, 401)
    with torch.no_grad():
        value, slope = (f(z).numpy() for f in (activation.eval(), activation.slope))
    low, high = activation.flat_below, activation.flat_above
    ends = " and ".join([f"below z = {low:.2f}"] * (low > -4) + [f"above z = {high:.2f}"] * (high < 4))
    x, jump = z.numpy(), z.numpy() <= 0  # a jump of the slope is a gap in its line
    panels = [
        Panel("value: what goes forward", "pre-activation z", "f(z)", [Line(x, value, color=BLUE)], (-4, 4), (-3, 4)),
        Panel("slope: what errors are multiplied by", "pre-activation z", "f'(z)",
              [Line(x[side], slope[side], color=ORANGE) for side in (jump, ~jump)], (-4, 4), (-0.25, 1.25)),
    ]  # fmt: skip
    return Panels(label, f"saturated {ends}" if ends else "no bound, so it never saturates", panels)


def probabilities(logits: Sequence[float]) -> Panels:
    """Logits and what softmax makes of them, as panels that follow sliders."""
    shares, classes = softmax(torch.tensor(logits)).tolist(), len(logits)
    edges, ticks = np.arange(0.5, classes + 1), (range(1, classes + 1), [str(k) for k in range(1, classes + 1)])
    panels = [
        Panel("logits", "class", "z", [Bars(edges, logits, ORANGE)], (0.4, classes + 0.6), (-5, 5), xticks=ticks),
        Panel("probabilities", "class", "p", [Bars(edges, shares, BLUE)], (0.4, classes + 0.6), (0, 1), xticks=ticks),
    ]
    told = ", ".join(f"{share:.3f}" for share in shares)
    return Panels("Softmax", f"probabilities {told}: only differences between logits count", panels)
