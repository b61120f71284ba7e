"""What every activation is: a function, its derivative, where it is flat, and the variance it passes on."""

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from activation_study.schema import signatures
from activation_study.schema.compounds import Group

INFINITY = math.inf
Draw = Callable[[Tensor, float, float], Tensor]


class Activation(nn.Module):
    """An elementwise function of the pre-activation z.

    A subclass gives `forward` and `slope` and describes itself in its class attributes; `name=` in the class statement
    is the name that `build` and Hydra know it by. One instance serves one layer and never works in place, so that
    z stays readable for the probes.

    Attributes:
        formula: f(z), in LaTeX.
        derivative: f'(z), in LaTeX.
        source: where the function, or the constant it is used with, comes from.
        flat_below: z at and below which the unit is saturated: the function is flat because it nears a bound.
        flat_above: z at and above which the unit is saturated.
        negative_slope: root mean square slope below zero of a leaky rectifier, the `a` of He et al. 2015, Eqn. 15.
        kinked_at_zero: whether f(z) is z above zero and `negative_slope` * z everywhere else; saves the probes work.
    """

    registry: ClassVar[dict[str, type["Activation"]]] = {}
    name: ClassVar[str] = ""

    formula: str = ""
    derivative: str = ""
    source: str = ""
    flat_below: float = -INFINITY
    flat_above: float = INFINITY
    negative_slope: float = 0.0
    kinked_at_zero: bool = False

    def __init_subclass__(cls, name: str = "") -> None:
        """Registers the subclass under its name."""
        super().__init_subclass__()
        if name:
            cls.name = name
            Activation.registry[name] = cls

    def slope(self, z: Tensor) -> Tensor:
        """The derivative f'(z), same shape as z; at a kink it is torch's one-sided choice.

        The study's own activations give it in closed form; that of any other comes from autograd.
        """
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.forward(z).sum(), z)
        return slope

    def fit_to(self, replicas: int, channels: int, draw: Draw | None = None) -> None:
        """Makes the activation ready for one layer of a stack of networks.

        Called once by the layer that owns it, whose pre-activations have the shape (replicas, batch, channels, ...).

        Args:
            replicas: networks in the stack.
            channels: units of a dense layer or channels of a convolution.
            draw: `draw(like, low, high)` gives uniform noise of like's shape in which every replica has its own stream.
        """

    def learned_slope(self) -> Tensor | None:
        """The mean learned slope of each replica, shape (replicas,), where there is one."""
        return None

    def saturated(self, z: Tensor) -> Tensor:
        """1 where z lies where the function is flat because it nears a bound, else 0; shape and type of z."""
        flat = indicator(torch.le, z, self.flat_below)
        return flat if self.flat_above == INFINITY else flat + indicator(torch.ge, z, self.flat_above)

    def second_moments(self) -> tuple[float, float]:
        """E[f(z)^2] and E[f'(z)^2] for a standard normal z, by the midpoint rule in float64.

        Kinks at multiples of 1e-4, such as those of rectifiers, lie between two points; the error is below 1e-7.
        """
        step = 1e-4
        z = (torch.arange(-120_000, 120_000, dtype=torch.float64) + 0.5) * step
        weights = torch.exp(-z.square() / 2) * (step / math.sqrt(2 * math.pi))
        with torch.no_grad():
            value, slope = self(z), self.slope(z)
        return float(value.square() @ weights), float(slope.square() @ weights)

    @property
    def forward_gain(self) -> float:
        """Weight gain that keeps the second moment of the activations from layer to layer: 1 / sqrt(E[f(z)^2])."""
        return self.second_moments()[0] ** -0.5

    @property
    def backward_gain(self) -> float:
        """Weight gain that keeps the variance of the back-propagated error: 1 / sqrt(E[f'(z)^2])."""
        return self.second_moments()[1] ** -0.5

    @property
    def he_gain(self) -> float:
        """sqrt(2 / (1 + a^2)), a the slope below zero (He et al. 2015, Eqn. 15)."""
        return math.sqrt(2 / (1 + self.negative_slope**2))


def indicator(comparison: Callable[..., Tensor], z: Tensor, bound: float) -> Tensor:
    """1 where the comparison of z with a bound holds, else 0; shape and type of z.

    On a CPU this takes a third of the time of a comparison that gives booleans, and a twentieth of `torch.where`.
    """
    return comparison(z.detach(), bound, out=torch.empty_like(z, requires_grad=False))


def options_of(kind: type[Activation]) -> Group:
    """The options that an activation takes."""
    return signatures.options_of(kind, whose=kind.name or kind.__name__)
