"""Activations that are bounded on both sides: they saturate at both ends, and their gradients vanish there."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from activation_study.activations.base import Activation


class Sigmoid(Activation, name="sigmoid"):
    """The logistic function; its slope is at most 1/4, reached at zero."""

    formula = r"\frac{1}{1+e^{-z}}"
    derivative = r"f(z)\,(1-f(z))"
    source = "Hochreiter 1991; Glorot & Bengio 2010"
    # The distance to the bound that Maas et al. 2013 use for tanh, on the range (0, 1): f <= 0.025 or f >= 0.975.
    flat_below, flat_above = -math.log(39), math.log(39)

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return torch.sigmoid(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return torch.sigmoid(z) * torch.sigmoid(-z)  # not f(1 - f): 1 - f rounds to 0 for large z


class Tanh(Activation, name="tanh"):
    """The hyperbolic tangent."""

    formula = r"\tanh z"
    derivative = r"1-f(z)^2"
    source = "Glorot & Bengio 2010; saturated at |f| >= 0.95 as in Maas et al. 2013"
    flat_below, flat_above = -math.atanh(0.95), math.atanh(0.95)

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return torch.tanh(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return 4 * torch.sigmoid(2 * z) * torch.sigmoid(-2 * z)  # 1 - tanh^2 without cancellation


class Softsign(Activation, name="softsign"):
    """Like tanh, but it nears its bounds polynomially."""

    formula = r"\frac{z}{1+|z|}"
    derivative = r"\frac{1}{(1+|z|)^2}"
    source = "Glorot & Bengio 2010; saturated at |f| >= 0.95"
    flat_below, flat_above = -19.0, 19.0

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.softsign(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return (1 + z.abs()).square().reciprocal()
