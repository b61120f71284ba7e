"""The rectified activations: identity above zero, and one way each of dealing with what lies below."""

import math
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.activations.base import Activation, Draw, indicator
from activation_study.errors import refuse
from activation_study.schema.kinds import Number


class ReLU(Activation, name="relu"):
    """Zero below zero: sparse, and without gradient there."""

    formula = r"\max(0, z)"
    derivative = r"1 \;(z>0),\quad 0 \;(z\leq 0)"
    source = "Nair & Hinton 2010"
    flat_below = 0.0
    kinked_at_zero = True

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.relu(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return indicator(torch.gt, z, 0.0)


class LeakyReLU(Activation, name="lrelu"):
    """A fixed small slope below zero: 0.01 in Maas et al., 0.1 in Clevert et al."""

    formula = r"z \;(z>0),\quad s z \;(z\leq 0)"
    derivative = r"1 \;(z>0),\quad s \;(z\leq 0)"
    source = "Maas, Hannun & Ng 2013 (s = 0.01)"
    kinked_at_zero = True

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = slope

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.leaky_relu(z, self.negative_slope)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return _one_above_zero(z, self.negative_slope)


class VeryLeakyReLU(LeakyReLU, name="vlrelu"):
    """The leaky ReLU with the larger slope 1/5.5, "a = 5.5" in the tables of Xu et al."""

    source = "Xu et al. 2015 (s = 1/5.5)"

    def __init__(self, slope: float = 1 / 5.5) -> None:
        super().__init__(slope)


class PReLU(Activation, name="prelu"):
    """A slope below zero that is learned, one per channel or one per layer.

    Args:
        init: the slope that training starts from.
        shared: one slope for the whole layer instead of one per channel.
    """

    formula = r"z \;(z>0),\quad a_c z \;(z\leq 0)"
    derivative = r"1 \;(z>0),\quad a_c \;(z\leq 0)"
    source = "He et al. 2015 (learned, from 0.25, without weight decay)"

    def __init__(self, init: float = 0.25, shared: bool = False) -> None:
        super().__init__()
        self.negative_slope = init
        self.shared = shared
        self.weight = nn.Parameter(torch.full((1, 1), init))

    def fit_to(self, replicas: int, channels: int, draw: Draw | None = None) -> None:
        """Gives every replica its own slopes, shape (replicas, channels), or (replicas, 1) if shared."""
        self.weight = nn.Parameter(torch.full((replicas, 1 if self.shared else channels), self.negative_slope))

    def _slope_below(self, z: Tensor) -> Tensor:
        replicas, channels = self.weight.shape
        if self.weight.numel() == 1:
            return self.weight.to(z.dtype).reshape(())
        return self.weight.to(z.dtype).view(replicas, 1, channels, *[1] * (z.dim() - 3))

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return _scaled_below_zero(z, self._slope_below(z))

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return _one_above_zero(z, self._slope_below(z))

    def learned_slope(self) -> Tensor:  # noqa: D102
        return self.weight.detach().mean(1)


class RReLU(Activation, name="rrelu"):
    """A slope below zero that is drawn anew for every element in training, and fixed in testing.

    Xu et al. divide by a draw from U(lower, upper) and test with 2 / (lower + upper) = 1/5.5, although the mean slope
    of training is ln(upper / lower) / (upper - lower) = 0.1962. torch.nn.RReLU draws the slope itself, from
    U(1/upper, 1/lower), and tests with its mean, 11/48.

    Args:
        lower: smallest divisor.
        upper: largest divisor.
        variant: "paper" or "torch", see above.
        test_slope: "paper" (1 over the mean divisor) or "mean" (the exact mean slope of training).
    """

    formula = r"z \;(z>0),\quad z/u,\; u\sim U(3,8) \;(z\leq 0);\quad z/5.5 \mathrm{\ in\ testing}"
    derivative = r"1 \;(z>0),\quad 1/u \;(z\leq 0)"
    source = "Xu et al. 2015"

    def __init__(
        self,
        lower: Annotated[float, Number(above=0)] = 3.0,
        upper: Annotated[float, Number(above=0)] = 8.0,
        variant: Literal["paper", "torch"] = "paper",
        test_slope: Literal["paper", "mean"] = "paper",
    ) -> None:
        super().__init__()
        if lower >= upper:
            refuse("activation.lower", lower, f"give a number below activation.upper={upper}")
        self.lower, self.upper, self.divides = lower, upper, variant == "paper"
        low, high = 1 / upper, 1 / lower
        if self.divides:
            self.mean_slope = math.log(upper / lower) / (upper - lower)
            mean_square = low * high
        else:
            self.mean_slope = (low + high) / 2
            mean_square = (low * low + low * high + high * high) / 3
        self.test_slope = 2 / (lower + upper) if self.divides and test_slope == "paper" else self.mean_slope
        self.negative_slope = math.sqrt(mean_square)
        self._draw: Draw = _draw_globally

    def fit_to(self, replicas: int, channels: int, draw: Draw | None = None) -> None:
        """Takes the stack's own noise, so that a replica's slopes do not depend on who shares its stack."""
        self._draw = draw or _draw_globally

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        if not self.training:
            return F.leaky_relu(z, self.test_slope)
        if self.divides:
            return _scaled_below_zero(z, self._draw(z, self.lower, self.upper).reciprocal_())
        return _scaled_below_zero(z, self._draw(z, 1 / self.upper, 1 / self.lower))

    def slope(self, z: Tensor) -> Tensor:
        """The slope used in testing or, in training, the mean of the slopes that are drawn."""
        below = self.mean_slope if self.training else self.test_slope
        return _one_above_zero(z, below)

    def second_moments(self) -> tuple[float, float]:
        """Those of training, exactly: half the mass has slope 1, the other half the random slope."""
        moment = (1 + self.negative_slope**2) / 2
        return moment, moment


def _scaled_below_zero(z: Tensor, slope: Tensor) -> Tensor:
    """The identity above zero, slope * z below; on a CPU a third of the time that `torch.where` takes."""
    above = F.relu(z)
    return above + slope * (z - above)


def _one_above_zero(z: Tensor, below: Tensor | float) -> Tensor:
    """1 above zero and the slope given below; the shape of z."""
    above = indicator(torch.gt, z, 0.0)
    return above + (1 - above) * below


def _draw_globally(like: Tensor, low: float, high: float) -> Tensor:
    return torch.empty_like(like).uniform_(low, high)


class ELU(Activation, name="elu"):
    """Saturates below at -alpha, which brings the mean activation near zero."""

    formula = r"z \;(z>0),\quad \alpha(e^z-1) \;(z\leq 0)"
    derivative = r"1 \;(z>0),\quad f(z)+\alpha \;(z\leq 0)"
    source = "Clevert, Unterthiner & Hochreiter 2016 (alpha = 1)"
    flat_below = math.log(0.05)  # f(z) within 5 % of -alpha, for every alpha

    def __init__(self, alpha: Annotated[float, Number(above=0)] = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.elu(z, self.alpha)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return _one_above_zero(z, self.alpha * torch.exp(z.clamp(max=0)))


class ShiftedReLU(Activation, name="shifted_relu"):
    """The ReLU moved to start at -1: the "SReLU" of Clevert et al., not the S-shaped unit of Jin et al."""

    formula = r"\max(-1, z)"
    derivative = r"1 \;(z>-1),\quad 0 \;(z\leq -1)"
    source = "Clevert, Unterthiner & Hochreiter 2016"
    flat_below = -1.0

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.relu(z + 1) - 1

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return indicator(torch.gt, z, -1.0)


class SELU(Activation, name="selu"):
    """A scaled ELU whose constants make zero mean and unit variance a fixed point."""

    formula = r"\lambda z \;(z>0),\quad \lambda\alpha(e^z-1) \;(z\leq 0)"
    derivative = r"\lambda \;(z>0),\quad \lambda\alpha e^z \;(z\leq 0)"
    source = "Klambauer et al. 2017 (alpha = 1.6733, lambda = 1.0507)"
    flat_below = math.log(0.05)
    ALPHA, LAMBDA = 1.6732632423543772, 1.0507009873554805

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return F.selu(z)

    def slope(self, z: Tensor) -> Tensor:  # noqa: D102
        return self.LAMBDA * _one_above_zero(z, self.ALPHA * torch.exp(z.clamp(max=0)))
