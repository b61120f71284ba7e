"""What follows from the functions alone, and the tests of it: slopes, bounds, the noise passed on, softmax."""

import functools
import math

import torch
from torch import Tensor

from activation_study.activations import Activation, build, softmax
from activation_study.activations.rectified import RReLU
from activation_study.claims.evidence import Found
from activation_study.claims.ledger import Part, Range, Test
from activation_study.claims.small_networks import NOISE
from activation_study.claims.testing import exact

# The three cases of the article, Section "Softmax activation function": logits and the probabilities printed there.
SOFTMAX_CASES = (
    ([3, 0.7, 0.5], [0.846, 0.085, 0.069]),
    ([1.2, 1, 1.5], [0.316, 0.258, 0.426]),
    ([1.5] + [1.2] * 9, [0.13] + [0.097] * 9),
)
Z = torch.linspace(-20, 20, 40_001, dtype=torch.float64)  # steps of 0.001, zero included
DIGITS = 1e-9  # how far an exact number may lie from the one that is claimed


@functools.cache
def double(name: str) -> Activation:
    """An activation as it is used in testing, in double precision."""
    return build(name).double().eval()


@torch.no_grad()
def values(name: str, z: Tensor | float) -> Tensor:
    """f(z); the shape of z."""
    return double(name)(torch.as_tensor(z, dtype=torch.float64))


@torch.no_grad()
def slopes(name: str, z: Tensor | float) -> Tensor:
    """f'(z); the shape of z."""
    return double(name).slope(torch.as_tensor(z, dtype=torch.float64))


def noise_passed(name: str, z: float, noise: float = NOISE) -> float:
    """The share of the noise around a pre-activation that an activation passes on: Var[f(z + noise e)] / noise^2.

    e is a standard normal; midpoint rule over ten standard deviations on either side.

    Args:
        name: the activation.
        z: the pre-activation without noise.
        noise: standard deviation of the noise.
    """
    step = 1e-3
    e = (torch.arange(-10_000, 10_000, dtype=torch.float64) + 0.5) * step
    weights = torch.exp(-e.square() / 2) * (step / math.sqrt(2 * math.pi))
    passed = values(name, z + noise * e)
    return float((passed - passed @ weights).square() @ weights) / noise**2


def softmax_errors() -> list[float]:
    """How far the probabilities printed in the article lie from the recomputed ones, at most, in each of its cases."""
    return [
        float(
            (softmax(torch.tensor(logits, dtype=torch.float64)) - torch.tensor(printed, dtype=torch.float64))
            .abs()
            .max()
        )
        for logits, printed in SOFTMAX_CASES
    ]


def largest_slope(name: str, claimed: float) -> Test:
    """A test of an activation's largest slope."""

    def test(found: Found, places: int) -> list[Part]:
        return [exact(found, name, "largest slope", float(slopes(name, Z).max()), _just(claimed))]

    return test


def slope_above_zero(name: str, claimed: float) -> Test:
    """A test of an activation's smallest and largest slope above zero."""

    def test(found: Found, places: int) -> list[Part]:
        above = slopes(name, Z[Z > 0])
        ends = {"smallest": above.min(), "largest": above.max()}
        return [exact(found, name, f"{end} slope above zero", float(at), _just(claimed)) for end, at in ends.items()]

    return test


def is_flat(name: str, *where: float) -> Test:
    """A test that the slope at some pre-activations is below a hundredth of the largest."""

    def test(found: Found, places: int) -> list[Part]:
        largest = float(slopes(name, Z).max())
        return [
            exact(found, name, "slope, share of the largest", float(slopes(name, z)) / largest, Range(high=0.01),
                  f"z = {z:g}")
            for z in where
        ]  # fmt: skip

    return test


def is_near(name: str, bound: float, z: float) -> Test:
    """A test that the function is within a hundredth of a bound."""

    def test(found: Found, places: int) -> list[Part]:
        distance = abs(float(values(name, z)) - bound)
        return [exact(found, name, f"distance from the bound {bound:g}", distance, Range(high=0.01), f"z = {z:g}")]

    return test


def less_noise(ours: str, others: tuple[str, ...], *where: float) -> Test:
    """A test that an activation passes on less noise around some pre-activations than each of others."""

    def test(found: Found, places: int) -> list[Part]:
        return [
            exact(found, f"{ours} / {other}", "noise variance passed on, ratio",
                  noise_passed(ours, z) / noise_passed(other, z), Range(high=1), f"z = {z:g}", is_ratio=True)
            for z in where for other in others
        ]  # fmt: skip

    return test


def mean_slope_in_testing(found: Found, places: int) -> list[Part]:
    """Whether RReLU's slope in testing is the mean of those drawn in training."""
    rrelu = double("rrelu")
    assert isinstance(rrelu, RReLU)
    ratio = rrelu.test_slope / rrelu.mean_slope
    return [exact(found, "rrelu", "slope in testing / mean slope in training", ratio, Range(0.99, 1.01))]


def softmax_as_printed(found: Found, places: int) -> list[Part]:
    """Whether the probabilities printed in the article are right to three digits."""
    return [
        exact(found, "softmax", "largest error of a printed probability", error, Range(high=0.0005), f"case {number}")
        for number, error in enumerate(softmax_errors(), 1)
    ]


def _just(value: float) -> Range:
    return Range(value - DIGITS, value + DIGITS)
