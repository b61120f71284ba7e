"""Tailored slopes: against DeepMind's published constants, known values, and the mean-field maps of the study."""

import math

import pytest

from activation_study import activations
from activation_study.networks.mean_field import WideNetwork
from activation_study.networks.tailoring import correlation_map, in_sequence, tailored_slope


def residual(layer, c, weight=0.6):
    """A residual network of 101 layers: three layers a branch, sums that keep the variance, and one layer at the end.

    Of all parts of the network that with the highest correlation counts; here it is the whole, or one branch.
    """
    branch = in_sequence(3)
    alone = branch(layer, c)
    for blocks in (3, 4, 23, 3):
        for block in range(blocks):
            shortcut = layer(c) if block == 0 else c
            c = weight**2 * shortcut + (1 - weight**2) * branch(layer, c)
    return max(layer(c), alone)


def test_the_published_constants_of_a_residual_network():
    """Those in the tests of DeepMind's package dks: target 0.75, shortcuts of weight 0.6."""
    slope = tailored_slope(residual, 0.75)
    assert slope == pytest.approx(0.6291800290346146, abs=1e-9)
    assert math.sqrt(2 / (1 + slope**2)) == pytest.approx(1.196996549778802, abs=1e-9)


@pytest.mark.parametrize(
    ("layers", "slope"),
    [(12, 0.0), (16, 0.1045), (20, 0.18138), (22, 0.21181), (30, 0.30269), (32, 0.32022), (50, 0.43052), (64, 0.48433),
     (100, 0.57044), (128, 0.61251)],
)  # fmt: skip
def test_known_slopes_of_plain_networks(layers, slope):
    assert tailored_slope(layers) == pytest.approx(slope, abs=6e-6 if slope != 0.1045 else 6e-5)


def test_at_twenty_layers_it_is_that_of_xu():
    assert round(tailored_slope(20), 3) == 0.181
    assert abs(tailored_slope(20) - 1 / 5.5) < 0.0005


def test_relu_itself_will_do_up_to_twelve_layers():
    after = [in_sequence(layers)(correlation_map(0.0), 0.0) for layers in (12, 13)]
    assert after == pytest.approx([0.8971, 0.9071], abs=6e-5)
    assert tailored_slope(12) == 0.0 < tailored_slope(13)


@pytest.mark.parametrize("slope", [0.0, 0.1, 1 / 5.5, 0.25])
def test_the_map_is_that_of_wide_networks(slope):
    network = WideNetwork(activations.build("lrelu", slope=slope), math.sqrt(2 / (1 + slope**2)), 0.0, 1.0)
    for c in (-0.5, 0.0, 0.3, 0.9):
        assert correlation_map(slope)(c) == pytest.approx(network.correlation(c), abs=1e-8)
    assert correlation_map(slope)(1.0) == pytest.approx(1.0)


def test_the_deeper_the_nearer_to_linear_and_the_target_is_met():
    slopes = [tailored_slope(layers) for layers in (15, 30, 60, 1000)]
    assert slopes == sorted(slopes)
    assert all(0 < slope < 1 for slope in slopes)
    for target in (0.5, 0.95):
        assert in_sequence(30)(correlation_map(tailored_slope(30, target)), 0.0) == pytest.approx(target)
