"""Functions that differ from a known one in a single respect, to test which respect it is that matters."""

import math
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.activations.base import Activation, Draw, indicator
from activation_study.activations.rectified import ELU
from activation_study.schema.kinds import Number

RELU_MEAN = 1 / math.sqrt(2 * math.pi)  # of max(0, z) for a standard normal z


class SurrogateReLU(Activation, name="surrogate_relu"):
    """The ReLU, bit for bit, whose errors go back as through another function: its zeros without their zero gradient.

    Args:
        backward: "leaky", with a slope below zero, or "bsilu", the function of Horuz et al.
        slope: of "leaky".
    """

    formula = r"\max(0, z)"
    derivative = r"1 \;(z>0),\quad s \;(z\leq 0) \mathrm{\ on\ the\ way\ back}"
    source = "after Horuz et al. 2025 (SUGAR)"
    flat_below = 0.0
    SHIFT = 1.67  # of bsilu: (z + 1.67) sigmoid(z) - 0.835

    def __init__(
        self,
        backward: Literal["leaky", "bsilu"] = "leaky",
        slope: Annotated[float, Number(above=0)] = 0.1,
    ) -> None:
        super().__init__()
        self.is_leaky, self.slope_below = backward == "leaky", slope

    def _surrogate(self, z: Tensor) -> Tensor:
        return F.leaky_relu(z, self.slope_below) if self.is_leaky else (z + self.SHIFT) * torch.sigmoid(z)

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        surrogate = self._surrogate(z)
        return F.relu(z).detach() + (surrogate - surrogate.detach())  # what is added is 0, and has the slope

    def slope(self, z: Tensor) -> Tensor:
        """That of the way back."""
        if self.is_leaky:
            above = indicator(torch.gt, z, 0.0)
            return above + (1 - above) * self.slope_below
        probability = torch.sigmoid(z)
        return probability * (1 + (z + self.SHIFT) * (1 - probability))


class CentredELU(ELU, name="centred_elu"):
    """The ELU less its mean, that of a standard normal pre-activation: the same slopes, and a mean of zero.

    The next layer's biases can undo it, so that it changes how a network learns and not what it can compute.
    """

    formula = r"\mathrm{ELU}(z) - \mathrm{E}[\mathrm{ELU}]"
    source = "Clevert, Unterthiner & Hochreiter 2016, changed"

    def __init__(self, alpha: Annotated[float, Number(above=0)] = 1.0) -> None:
        super().__init__(alpha)
        below = math.exp(0.5) * 0.5 * math.erfc(1 / math.sqrt(2)) - 0.5  # E[e^z - 1; z < 0]
        self.mean = RELU_MEAN + alpha * below

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return super().forward(z) - self.mean


class OffsetReLU(Activation, name="offset_relu"):
    """The ReLU with an offset that every channel learns, from minus the mean: the same zeros, at another height.

    The next layer's biases can undo it, as with `centred_elu`.
    """

    formula = r"\max(0, z) + b_c"
    derivative = r"1 \;(z>0),\quad 0 \;(z\leq 0)"
    source = "after Clevert, Unterthiner & Hochreiter 2016, Section 2"
    flat_below = 0.0

    def __init__(self, init: float = -RELU_MEAN) -> None:
        super().__init__()
        self.init = init
        self.offset = nn.Parameter(torch.full((1, 1), init))

    def fit_to(self, replicas: int, channels: int, draw: Draw | None = None) -> None:
        """Gives every replica its own offsets, shape (replicas, channels)."""
        self.offset = nn.Parameter(torch.full((replicas, channels), self.init))

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        if self.offset.numel() == 1:
            return F.relu(z) + self.offset.to(z.dtype).reshape(())
        replicas, channels = self.offset.shape
        return F.relu(z) + self.offset.to(z.dtype).view(replicas, 1, channels, *[1] * (z.dim() - 3))

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return indicator(torch.gt, z, 0.0)
