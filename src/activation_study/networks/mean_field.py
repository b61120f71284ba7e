"""Wide random networks in the mean-field limit, by quadrature in float64.

Weights N(0, sigma_w^2 / fan-in), biases N(0, sigma_b^2): with the width, the pre-activations u of a layer become
Gaussian, independent from unit to unit. Their variance q and the correlation c of those of two inputs then follow maps
from layer to layer (Poole et al. 2016), and the squared gradient shrinks by chi a layer (Schoenholz et al. 2017). On
the edge of chaos chi is 1: signals and gradients survive any depth (Hayou et al. 2019).
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from torch import Tensor

from activation_study.activations import Activation, build
from activation_study.activations.rectified import RReLU

REACH = 9.0  # standard deviations on either side; the mass beyond them is 2e-19
NODES, WEIGHTS = (torch.from_numpy(x) for x in np.polynomial.legendre.leggauss(8))
# Where functions of the study and of torch.nn have kinks, and beyond which the smooth ones hardly bend.
KINKS = torch.tensor([-12, -6, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 12], dtype=torch.float64)
SMALLEST, LARGEST = 1e-18, 1e8  # variances that stand for the limits 0 and infinity
VARIANCES = np.geomspace(SMALLEST, LARGEST, 313)  # where fixed points are looked for, twelve a decade
ROUNDING = 1e-12  # relative; what is smaller counts as nothing
STEP = 1e-5  # of the differences that give second derivatives and jumps
Function = Callable[[Tensor], Tensor]
Values = NDArray[np.float64]


class Moments:
    """Gaussian expectations of an activation and its slope, u ~ N(0, q), for one q or many.

    Of a random slope, such as RReLU's, the mean and the variance count: they give the same expectations as the draws,
    which are independent from element to element.
    """

    def __init__(self, activation: Activation) -> None:
        self.activation, self.slope_variance = activation, 0.0  # of the slope below zero
        if isinstance(activation, RReLU):
            self.activation = build("lrelu", slope=activation.mean_slope)
            self.slope_variance = activation.negative_slope**2 - activation.mean_slope**2

    def square(self, q: ArrayLike) -> Values:
        """E f(u)^2."""
        return _expected(lambda u: self._value(u).square(), q) + self.slope_variance / 2 * _inside(q)

    def slope_square(self, q: ArrayLike) -> Values:
        """E f'(u)^2."""
        return _expected(lambda u: self._slope(u).square(), q) + self.slope_variance / 2

    def bend_square(self, q: ArrayLike) -> Values:
        """E f''(u)^2, without what the kinks would add."""
        bend = lambda u: (self._slope(u + STEP) - self._slope(u - STEP)) / (2 * STEP)  # noqa: E731
        return _expected(lambda u: bend(u).square(), q)

    def product(self, q: float, c: float) -> float:
        """E f(u) f(u') of two pre-activations of correlation c."""
        return _expected_product(self._value, q, c)

    def slope_product(self, q: float, c: float) -> float:
        """E f'(u) f'(u') of two pre-activations of correlation c."""
        return _expected_product(self._slope, q, c)

    def jumps(self) -> dict[float, float]:
        """How far the slope jumps, by where its kinks are."""
        found = self._slope(KINKS + STEP) - self._slope(KINKS - STEP)
        return {float(kink): float(jump) for kink, jump in zip(KINKS, found, strict=True) if abs(jump) > 100 * STEP}

    @property
    def is_zero_at_zero(self) -> bool:
        """Whether signals can vanish: f(0) = 0."""
        return bool(self._value(torch.zeros(1, dtype=torch.float64)).abs() < ROUNDING)

    @torch.no_grad()
    def _value(self, u: Tensor) -> Tensor:
        return self.activation(u.flatten()).view_as(u)

    def _slope(self, u: Tensor) -> Tensor:
        return self.activation.slope(u.flatten()).detach().view_as(u)


class WideNetwork:
    """A random network of one activation in the limit of infinite width.

    Args:
        activation: of every layer, as it is in training.
        sigma_w: standard deviation of the weights, times the root of fan-in.
        sigma_b: that of the biases.
        q: variance of the pre-activations, a fixed point; by default the one that layers tend to from 1 on.
    """

    def __init__(self, activation: Activation, sigma_w: float, sigma_b: float = 0.0, q: float | None = None) -> None:
        self.moments, self.sigma_w, self.sigma_b = Moments(activation), sigma_w, sigma_b
        self.q = self.fixed_point() if q is None else q

    def variance(self, q: ArrayLike) -> Values:
        """The variance of the next layer's pre-activations, from that of one layer's (Poole et al. 2016)."""
        return self.sigma_w**2 * self.moments.square(q) + self.sigma_b**2

    def fixed_point(self, start: float = 1.0) -> float:
        """The variance that layers tend to from another one on: infinity if it grows without end, 0 if signals vanish.

        It is the next one at which the map crosses the diagonal, for a map that does not fall.
        """
        begin = self._excess(start)
        if begin == 0:  # such as a rectifier on its edge, which keeps any variance
            return start
        place = np.searchsorted(VARIANCES, start)
        ahead = VARIANCES[place:] if begin > 0 else VARIANCES[:place][::-1]
        crossed = np.flatnonzero(self._excess(ahead) * begin < 0)
        if len(crossed) == 0:
            return math.inf if begin > 0 else 0.0
        near, far = (start, *ahead)[crossed[0]], ahead[crossed[0]]
        return float(brentq(self._excess, min(near, far), max(near, far), xtol=1e-2 * SMALLEST, rtol=1e-14))

    def _excess(self, q: ArrayLike) -> Values:
        excess = self.variance(q) - np.asarray(q)
        return np.where(np.abs(excess) < ROUNDING * np.asarray(q), 0.0, excess)

    @property
    def chi(self) -> float:
        """The factor of the squared gradient from a layer to the one below (Schoenholz et al. 2017)."""
        return float(self.sigma_w**2 * self.moments.slope_square(self.q))

    def correlation(self, c: float) -> float:
        """The correlation of two inputs' pre-activations in the next layer, from that in one, both of variance q."""
        shared = self.sigma_w**2 * self.moments.product(self.q, c) + self.sigma_b**2
        return float(shared / self.variance(self.q))

    def correlations(self, layers: int, start: float = 0.0) -> list[float]:
        """The correlations after 1, 2, ... layers, of inputs that begin with the given one."""
        found = [start]
        for _ in range(layers):
            found.append(self.correlation(found[-1]))
        return found[1:]

    @functools.cached_property
    def c(self) -> float:
        """The correlation that layers tend to: 1 in the ordered phase, less in the chaotic, and where slopes are drawn.

        The map is a power series without negative terms, so it crosses the diagonal once below 1, or not at all.
        """
        is_noisy = self.moments.slope_variance > 0
        if self.chi <= 1 + 1e-9 and not is_noisy:
            return 1.0
        excess = lambda c: self.correlation(c) - c  # noqa: E731
        if excess(0.0) <= ROUNDING:  # an odd function without biases
            return 0.0
        top = 1.0 if is_noisy else 1 - 1e-6
        return float(brentq(excess, 0.0, top, xtol=1e-13)) if excess(top) < 0 else 1.0

    @property
    def depth_scale(self) -> float:
        """Layers over which the distance from that correlation falls to 1/e (xi_c of Schoenholz et al. 2017).

        Where that is 1, it is -1 / ln(chi), infinite on the edge of chaos, and where the variance grows without end.
        """
        if self.q == math.inf and self.c == 1:
            return math.inf
        slope = self.chi if self.c == 1 else self.sigma_w**2 * self.moments.slope_product(self.q, self.c)
        if slope <= 0:
            return 0.0
        return math.inf if slope >= 1 - 1e-9 else -1 / math.log(slope)

    @property
    def approach(self) -> tuple[int, float]:
        """How correlations near 1 on the edge of chaos: the power p and factor a of 1 - c = a / layers^p.

        A smooth function has p = 1 and a = 2 E f'^2 / (q E f''^2); where the slope jumps, p = 2 (Hayou et al. 2019).
        """
        jumps = self.moments.jumps()
        if jumps:
            density = sum(jump**2 * math.exp(-(kink**2) / 2 / _inside(self.q)) for kink, jump in jumps.items())
            return 2, float(6 * math.pi / (math.sqrt(2) * self.sigma_w**2 * density)) ** 2
        slope, bend = self.moments.slope_square(self.q), self.moments.bend_square(self.q)
        return 1, float(2 * slope / (_inside(self.q) * bend))


def edge_at(activation: Activation, q: float) -> WideNetwork | None:
    """The network on the edge of chaos whose pre-activations keep the variance q; None where there is none.

    chi = 1 gives sigma_w, and that q is kept then gives sigma_b.
    """
    moments = Moments(activation)
    slope, bias_variance = float(moments.slope_square(q)), float(_bias_variance(moments, q))
    return WideNetwork(activation, slope**-0.5, math.sqrt(bias_variance), q) if slope > 0 <= bias_variance else None


def edge_of_chaos(activation: Activation, sigma_b: float) -> WideNetwork | None:
    """The network on the edge of chaos with such biases, that of the smallest variance; None where there is none.

    Without biases, a function that is 0 at 0 has it where signals just do not vanish.
    """
    moments = Moments(activation)
    if sigma_b == 0 and moments.is_zero_at_zero:
        slope = float(moments.slope_square(0.0))
        if slope <= 0:
            return None
        vanishing = WideNetwork(activation, slope**-0.5, 0.0, 0.0)
        keeps_any = vanishing.fixed_point(1.0) == 1  # a rectifier
        return WideNetwork(activation, slope**-0.5, 0.0, 1.0) if keeps_any else vanishing
    excess = lambda q: _bias_variance(moments, q) - sigma_b**2  # noqa: E731
    crossed = np.flatnonzero(np.diff(np.sign(excess(VARIANCES))) != 0)
    if len(crossed) == 0:
        return None
    q = float(brentq(excess, *VARIANCES[crossed[0] : crossed[0] + 2], xtol=1e-2 * SMALLEST, rtol=1e-14))
    return WideNetwork(activation, float(moments.slope_square(q)) ** -0.5, sigma_b, q)


def _bias_variance(moments: Moments, q: ArrayLike) -> Values:
    """sigma_b^2 on the edge of chaos where the variance q is kept; below zero where no biases keep it."""
    slope = moments.slope_square(q)
    kept = np.where(slope > 0, np.asarray(q) - moments.square(q) / np.maximum(slope, 1e-300), -math.inf)
    return np.where(np.abs(kept) < ROUNDING * np.asarray(q), 0.0, kept)


def _inside(q: ArrayLike) -> Values:
    return np.clip(q, SMALLEST, LARGEST)


def _panels(breaks: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes of a standard normal, and their weights, on panels that are broken at the given places too, shape (..., n).

    Each panel is at most a standard deviation wide and has Gauss and Legendre's eight nodes.
    """
    regular = torch.linspace(-REACH, REACH, int(2 * REACH) + 1, dtype=torch.float64)
    edges = torch.cat([regular.expand(*breaks.shape[:-1], -1), breaks.clamp(-REACH, REACH)], -1).sort(-1).values
    half = edges.diff(dim=-1)[..., None] / 2
    z = edges[..., :-1, None] + half * (1 + NODES)
    weights = half * WEIGHTS * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return z.flatten(-2), weights.flatten(-2)


def _expected(function: Function, q: ArrayLike) -> Values:
    """E g(u) for u ~ N(0, q), of the shape of q."""
    std = torch.as_tensor(np.sqrt(_inside(q)))[..., None]
    z, weights = _panels(KINKS / std)
    return (function(std * z) * weights).sum(-1).numpy()


def _expected_product(function: Function, q: float, c: float) -> float:
    """E g(u) g(u') for u, u' ~ N(0, q) of correlation c.

    The inner expectation, over u' for given u, is broken at the kinks as they lie for that u. The outer one sees them
    smoothed over the width of u' around c u, and is broken at several such widths around each.
    """
    std, width = math.sqrt(_inside(q)), math.sqrt(max(1 - c * c, 0.0))
    if width < 1e-9:
        return float(_expected(lambda u: function(u) * function(math.copysign(1, c) * u), q))
    around = torch.tensor([-8, -3, -1, 0, 1, 3, 8], dtype=torch.float64) * width
    z, weights = _panels((KINKS[:, None] / std + around).flatten())
    z, weights = z[weights > 0], weights[weights > 0]  # many panels are empty
    inner_z, inner_weights = _panels((KINKS / std - c * z[:, None]) / width)
    inner = (function(std * (c * z[:, None] + width * inner_z)) * inner_weights).sum(1)
    return float((function(std * z) * inner) @ weights)
