"""Each activation with its derivative, and where it saturates: the article's own pictures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.figures.style import ARTICLE, GREY, called, context, finish, looks, panels

if TYPE_CHECKING:  # torch is slow to import, and only this figure needs it
    from activation_study.activations import Activation

LEFT, RIGHT = -4.0, 4.0


def functions(activations: "Mapping[str, Activation] | None" = None) -> Figure:
    """Each function with its derivative; the region where it saturates is shaded.

    Args:
        activations: label -> activation; by default the eight of the article as `build` makes them.
    """
    from activation_study.activations import build

    activations = activations or {name: build(name) for name in ARTICLE}
    with context():
        figure, axes = panels(len(activations), "pre-activation $z$", "$f(z)$ and $f'(z)$")
        for ax, (label, look) in zip(axes, looks(activations).items(), strict=True):
            _panel(ax, label, activations[label], look.color)
        axes[0].set(xlim=(LEFT, RIGHT), ylim=(-2, 3.6))
        drawn = (
            "Solid: function $f$. Dashed: derivative $f'$. Grey: saturated, where $f$ is flat because it nears a bound "
            "(sigmoid and tanh within 2.5 % of their range, ELU within 5 % of its bound, ReLU below zero). "
            "The leaky functions have no bound below and never saturate."
        )
        return finish(figure, "Activation functions and their derivatives", drawn,
                      "an error is multiplied by the dashed line, and where that is near 0 it is lost")  # fmt: skip


def _panel(ax: Axes, label: str, activation: "Activation", color: str) -> None:
    import torch

    activation = activation.eval()
    z = torch.linspace(LEFT, RIGHT, 801)
    with torch.no_grad():
        value, slope = activation(z).numpy(), activation.slope(z).numpy()
    ax.axhline(0, color=GREY, linewidth=0.5)
    ax.axvline(0, color=GREY, linewidth=0.5)
    for low, high in ((LEFT, activation.flat_below), (activation.flat_above, RIGHT)):
        if low < high:
            ax.axvspan(low, high, color="#dddddd", linewidth=0, zorder=0)
    x = z.numpy()
    # A jump of the derivative is a gap in its line, not a slope.
    left, right = x <= 0, x > 0
    ax.plot(x, value, color=color, linewidth=2)
    for side in (left, right):
        ax.plot(x[side], slope[side], color="#444444", linestyle=(0, (3, 1.2)), linewidth=1.2)
    _fan(ax, activation, color)
    for text, at, curve, shift, shade in (("$f$", 2.0, value, (-5, 2), color), ("$f'$", 3.4, slope, (0, 3), "#444444")):
        height = float(curve[abs(x - at).argmin()])
        ax.annotate(text, (at, height), shift, textcoords="offset points", ha="center", color=shade)
    for text, formula, height in (("f", activation.formula, 23), ("f'", activation.derivative, 8)):
        readable = formula.replace(r"\frac", r"\dfrac")
        ax.annotate(f"${text}(z) = {readable}$", (0, 1), (0, height), fontsize=6, xycoords="axes fraction",
                    textcoords="offset points", va="center")  # fmt: skip
    ax.set_title(called(label), color=color, pad=34)


def _fan(ax: Axes, activation: "Activation", color: str) -> None:
    """Says what the slope below zero is where it is fixed, learned or random; draws the random ones as a fan."""
    from activation_study.activations.rectified import LeakyReLU, PReLU, RReLU

    note = ""
    if isinstance(activation, RReLU):
        low, high = 1 / activation.upper, 1 / activation.lower
        ax.fill_between([LEFT, 0], [LEFT * low, 0], [LEFT * high, 0], color=color, alpha=0.3, linewidth=0)
        ax.fill_between([LEFT, 0], low, high, color=color, alpha=0.3, linewidth=0)
        note = (
            f"slope below 0:\nrandom, 1/{activation.upper:g} to 1/{activation.lower:g} (fan)\n"
            f"1/{1 / activation.test_slope:.3g} in testing (line)"
        )
    elif isinstance(activation, PReLU):
        note = f"slope below 0:\nlearned, starts at {activation.negative_slope:g}"
    elif isinstance(activation, LeakyReLU):
        slope = activation.negative_slope
        note = f"slope below 0:\n{slope:g}" if round(slope, 3) == slope else f"slope below 0:\n1/{1 / slope:.3g}"
    ax.text(0.03, 0.97, note, transform=ax.transAxes, va="top", fontsize=6.5, color=GREY)
