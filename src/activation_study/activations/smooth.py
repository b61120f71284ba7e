"""Smooth relatives of the ReLU. They saturate below, where their value comes within 0.05 of their bound at zero."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from activation_study.activations.base import Activation


class Softplus(Activation, name="softplus"):
    """The smooth ReLU, the expectation of the stepped sigmoid units of Nair & Hinton 2010."""

    formula = r"\log(1+e^z)"
    derivative = r"\frac{1}{1+e^{-z}}"
    source = "Dugas et al. 2001; Glorot, Bordes & Bengio 2011"
    flat_below = math.log(math.expm1(0.05))

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.softplus(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return torch.sigmoid(z)


class GELU(Activation, name="gelu"):
    """The input times the probability that a standard normal lies below it."""

    formula = r"z\,\Phi(z)"
    derivative = r"\Phi(z)+z\,\varphi(z)"
    source = "Hendrycks & Gimpel 2016"
    flat_below = -1.949

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.gelu(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        z = z.clamp(-40, 40)  # beyond, the density is zero and z^2 would overflow
        density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
        return torch.special.ndtr(z) + z * density


class SiLU(Activation, name="silu"):
    """The input times its sigmoid; "Swish" with beta = 1."""

    formula = r"z\,\sigma(z)"
    derivative = r"\sigma(z)\,(1+z\,\sigma(-z))"
    source = "Elfwing et al. 2017; Ramachandran et al. 2017"
    flat_below = -4.485

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.silu(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return torch.sigmoid(z) * (1 + z * torch.sigmoid(-z))


class Mish(Activation, name="mish"):
    """The input times the hyperbolic tangent of its softplus."""

    formula = r"z\,\tanh(\log(1+e^z))"
    derivative = r"t+z\,\sigma(z)\,(1-t^2),\quad t=\tanh(\log(1+e^z))"
    source = "Misra 2019"
    flat_below = -4.493

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.mish(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        t = torch.tanh(F.softplus(z))
        return t + z * torch.sigmoid(z) * (1 - t.square())
