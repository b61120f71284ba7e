"""The theory of wide random networks against closed forms, tabulated values, and its own quadrature by other means."""

import math

import numpy as np
import pytest
import torch

from activation_study.activations import build
from activation_study.networks.mean_field import Moments, WideNetwork, edge_at, edge_of_chaos

INFINITY = math.inf


@pytest.mark.parametrize(
    ("activation", "weights", "q", "chi", "scale"),
    [
        ("sigmoid", 1 / 3, 0.0850, 0.0200, 0.256),
        ("sigmoid", 1, 0.2647, 0.0557, 0.346),
        ("sigmoid", 2, 0.5553, 0.1010, 0.436),
        ("softplus", 1 / 3, 0.1868, 0.0869, 0.409),
        ("softplus", 1, 0.8563, 0.2887, 0.805),
        ("tanh", 1 / 3, 0, 1 / 3, 0.910),
        ("tanh", 1, 0, 1, INFINITY),
        ("tanh", 2, 0.6180, 1.1055, None),
        ("silu", 1 / 3, 0, 1 / 12, 0.402),
        ("gelu", 1, 0, 1 / 4, 0.721),
        ("silu", 2, 0, 1 / 2, 1.44),
        ("gelu", 2, 0, 1 / 2, 1.44),
        ("selu", 1 / 3, 0, 0.699, 2.79),
        ("selu", 1, 1, 1.0716, None),
        ("selu", 2, INFINITY, None, None),
        ("relu", 1, 0, 1 / 2, 1.4427),
        ("relu", 2, 1, 1, INFINITY),
        ("relu", 3, INFINITY, 1.5, None),
    ],
)
def test_fixed_points_without_biases(activation, weights, q, chi, scale):
    network = WideNetwork(build(activation), math.sqrt(weights))
    assert network.q == pytest.approx(q, abs=5.1e-5)
    if chi is not None:
        assert network.chi == pytest.approx(chi, abs=5.1e-5 if chi != 0.699 else 5.1e-4)
    if scale is not None:
        assert network.depth_scale == pytest.approx(scale, abs=5.1e-3 if scale > 1 else 5.1e-4)


def test_softplus_has_no_fixed_point_where_its_variance_drifts():
    network, q = WideNetwork(build("softplus"), math.sqrt(2)), 1.0
    for _ in range(200):
        q = float(network.variance(q))
    assert network.q == INFINITY
    assert q == pytest.approx(65.7, abs=0.05)
    chi = 2 * float(network.moments.slope_square(q))
    assert chi == pytest.approx(0.904, abs=5e-4)
    assert -1 / math.log(chi) == pytest.approx(9.9, abs=0.05)


@pytest.mark.parametrize(
    ("activation", "sigma_b", "sigma_w", "q", "factor"),
    [
        ("tanh", 0.1, 1.193401, 0.27330, 16.64),
        ("tanh", 0.2, 1.304146, 0.51208, 7.084),
        ("tanh", 0.3, 1.395584, 0.76348, 4.283),
        ("tanh", 0.5, 1.549674, 1.31794, 2.242),
        ("elu", 0.1, 1.176148, 0.43783, 14.81),
        ("elu", 0.2, 1.229251, 1.10693, 7.391),
        ("elu", 0.3, 1.263108, 2.03454, 4.860),
        ("elu", 0.5, 1.306112, 4.88663, 2.784),
        ("softsign", 0.1, 1.512868, 0.15396, 4.371),
        ("softsign", 0.2, 1.729629, 0.35833, 1.989),
        ("softsign", 0.3, 1.897492, 0.59964, 1.227),
        ("softsign", 0.5, 2.166227, 1.17693, 0.648),
        ("selu", 0.1, 0.871913, 0.30890, None),
        ("selu", 0.2, 0.937476, 0.71705, None),
        ("selu", 0.3, 0.983691, 1.22197, None),
        ("selu", 0.5, 1.049637, 2.55551, None),
        ("silu", 0.1, 1.820052, None, None),
        ("silu", 0.2, 1.679532, None, None),
        ("silu", 0.3, 1.575621, None, None),
        ("silu", 0.5, 1.456947, None, None),
        ("gelu", 0.1, 1.727078, None, None),
        ("gelu", 0.2, 1.547009, None, None),
        ("gelu", 0.3, 1.450470, None, None),
        ("gelu", 0.5, 1.399868, None, None),
    ],
)
def test_the_edge_of_chaos(activation, sigma_b, sigma_w, q, factor):
    edge = edge_of_chaos(build(activation), sigma_b)
    assert edge.sigma_w == pytest.approx(sigma_w, abs=5.1e-7)
    assert edge.chi == pytest.approx(1, abs=1e-9)
    assert float(edge.variance(edge.q)) == pytest.approx(edge.q, rel=1e-9)
    if q is not None:
        assert edge.q == pytest.approx(q, abs=5.1e-5)
    if factor is not None:
        power, ours = edge.approach
        assert power == 1
        assert ours == pytest.approx(factor, rel=6e-4)
    again = edge_at(build(activation), edge.q)
    assert (again.sigma_w, again.sigma_b) == pytest.approx((edge.sigma_w, sigma_b), rel=1e-7)


def test_the_edge_of_tanh_as_it_was_published():
    assert edge_of_chaos(build("tanh"), math.sqrt(0.05)).sigma_w ** 2 == pytest.approx(1.760955, abs=5e-7)
    assert edge_of_chaos(build("tanh"), math.sqrt(2.01e-5)).sigma_w ** 2 == pytest.approx(1.05, abs=5e-5)


@pytest.mark.parametrize(
    ("activation", "is_stable"),
    [("tanh", (True,) * 4), ("elu", (True,) * 4), ("silu", (False,) * 4), ("gelu", (False, False, False, True))],
)
def test_where_the_variance_stays_on_the_edge(activation, is_stable):
    for sigma_b, stays in zip((0.1, 0.2, 0.3, 0.5), is_stable, strict=True):
        edge = edge_of_chaos(build(activation), sigma_b)
        up, down = edge.variance(1.01 * edge.q), edge.variance(0.99 * edge.q)
        assert bool((up - down) / (0.02 * edge.q) < 1) == stays
        assert (edge.fixed_point(edge.q * 1.3) == pytest.approx(edge.q, rel=1e-6)) == stays


@pytest.mark.parametrize("activation", ["relu", "lrelu", "vlrelu", "prelu", "rrelu"])
def test_a_rectifier_has_its_edge_without_biases_only(activation):
    function = build(activation)
    edge = edge_of_chaos(function, 0.0)
    assert edge.sigma_w == pytest.approx(function.he_gain, rel=1e-12)
    assert edge.q == 1
    assert edge_of_chaos(function, 0.1) is None
    assert edge_of_chaos(function, 1e-4) is None


def test_the_edge_of_the_sigmoid_lies_in_saturation():
    edge = edge_of_chaos(build("sigmoid"), 0.0)
    assert edge.sigma_w == pytest.approx(10.149, abs=5e-4)
    assert edge.q == pytest.approx(45.6, abs=0.05)
    assert edge.chi == pytest.approx(1, abs=1e-9)


def test_functions_without_an_edge():
    assert edge_of_chaos(build("softplus"), 0.2) is None
    assert edge_of_chaos(build("Threshold", threshold=1e9, value=0.0), 0.2) is None  # no slope anywhere


@pytest.mark.parametrize("slope", [0, 0.01, 0.1, 1 / 5.5, 0.25, 0.5])
def test_the_correlation_map_of_leaky_rectifiers(slope):
    network = WideNetwork(build("lrelu", slope=slope), math.sqrt(2 / (1 + slope**2)))
    for c in (-1, -0.5, 0, 0.3, 0.9, 0.999, 0.999999, 1):
        angle = math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c
        exact = ((1 - slope) ** 2 * angle / math.pi + 2 * slope * c) / (1 + slope**2)
        assert network.correlation(c) == pytest.approx(exact, abs=1e-11)


@pytest.mark.parametrize(
    ("slope", "factor"),
    [(0, 44.413), (0.01, 46.24), (0.1, 69.05), (1 / 5.5, 105.77), (0.25, 158.5), (1 / 3, 277.6), (0.5, 1110)],
)
def test_how_fast_leaky_rectifiers_lose_differences(slope, factor):
    power, ours = WideNetwork(build("lrelu", slope=slope), math.sqrt(2 / (1 + slope**2))).approach
    assert power == 2
    assert ours == pytest.approx(factor, rel=4e-4)


@pytest.mark.parametrize(
    ("activation", "sigma_b", "iterates"),
    [
        (("relu", {}), 0, (0.3183, 0.7359, 0.8715, 0.9484, 0.9879, 0.9964)),
        (("lrelu", {"slope": 0.1}), 0, (0.2553, 0.6679, 0.8275, 0.9269, 0.9820, 0.9946)),
        (("vlrelu", {}), 0, (0.2063, 0.5991, 0.7773, 0.8998, 0.9739, 0.9919)),
        (("prelu", {}), 0, (0.1685, 0.5334, 0.7236, 0.8678, 0.9633, 0.9884)),
        (("tanh", {}), 0.2, (0.0781, 0.3130, 0.4930, 0.6787, 0.8548, 0.9263)),
        (("elu", {}), 0.2, (0.0776, 0.3004, 0.4675, 0.6451, 0.8291, 0.9114)),
        (("selu", {}), 0.2, (0.0565, 0.2432, 0.4108, 0.6172, 0.8502, 0.9440)),
        (("softsign", {}), 0.2, (0.1116, 0.4173, 0.6184, 0.7932, 0.9250, 0.9671)),
    ],
    ids=lambda case: case[0] if isinstance(case, tuple) else str(case),
)
def test_correlations_of_orthogonal_inputs(activation, sigma_b, iterates):
    name, options = activation
    found = edge_of_chaos(build(name, **options), sigma_b).correlations(100)
    assert [found[layer - 1] for layer in (1, 5, 10, 20, 50, 100)] == pytest.approx(iterates, abs=1e-4)


@pytest.mark.parametrize("activation", ["tanh", "elu", "shifted_relu", "Hardtanh", "Hardswish", "silu"])
def test_quadrature_agrees_with_a_dense_sum(activation):
    function, q, c = build(activation), 1.7, 0.6
    moments, step = Moments(function), 0.004
    z = (torch.arange(-2000, 2000, dtype=torch.float64) + 0.5) * step
    weights = torch.exp(-z.square() / 2) * (step / math.sqrt(2 * math.pi))
    one = math.sqrt(q) * z
    assert float(moments.square(q)) == pytest.approx(float(function(one).square() @ weights), rel=1e-5)
    assert float(moments.slope_square(q)) == pytest.approx(float(function.slope(one).square() @ weights), rel=2e-3)
    other = math.sqrt(q) * (c * z[:, None] + math.sqrt(1 - c * c) * z)
    with torch.no_grad():
        product = (function(one) * (function(other) @ weights)) @ weights
    assert moments.product(q, c) == pytest.approx(float(product), rel=1e-5)


def test_a_map_is_the_integral_of_the_map_of_slopes():
    """d E f f' / dc = q E f' f' (Price 1958), which ties the two products together."""
    for name in ("relu", "tanh", "elu", "shifted_relu"):
        moments, c, step = Moments(build(name)), 0.7, 1e-4
        rise = (moments.product(1.3, c + step) - moments.product(1.3, c - step)) / (2 * step)
        assert rise == pytest.approx(1.3 * moments.slope_product(1.3, c), rel=1e-6)


def test_random_slopes_keep_inputs_apart():
    rrelu = build("rrelu")
    edge, mean = edge_of_chaos(rrelu, 0.0), rrelu.mean_slope
    total = 1 + rrelu.negative_slope**2
    assert edge.correlation(1.0) == pytest.approx((1 + mean**2) / total, rel=1e-12)
    assert edge.c < (1 + mean**2) / total
    assert edge.correlation(edge.c) == pytest.approx(edge.c, abs=1e-10)
    assert 0 < edge.depth_scale < 100
    torch.manual_seed(0)
    z = torch.randn(1_000_000, dtype=torch.float64)
    one, other = rrelu.train()(z), rrelu(z)
    assert float((one * other).mean() / one.square().mean()) == pytest.approx(edge.correlation(1.0), abs=2e-3)


def test_in_the_chaotic_phase_inputs_become_unlike():
    network = WideNetwork(build("tanh"), 2.5, 0.3)
    assert network.chi > 1
    assert network.correlations(200, start=0.99)[-1] == pytest.approx(network.c, abs=1e-6)
    assert network.correlations(200, start=0.0)[-1] == pytest.approx(network.c, abs=1e-6)
    near = network.correlations(12, start=network.c + 0.01)
    shrinks = (near[11] - network.c) / (near[10] - network.c)
    assert shrinks == pytest.approx(math.exp(-1 / network.depth_scale), rel=1e-3)
    assert WideNetwork(build("tanh"), math.sqrt(2)).c == 0


def test_the_kink_of_a_function_may_lie_elsewhere():
    edge = edge_of_chaos(build("shifted_relu"), 0.2)
    power, factor = edge.approach
    distance = [1 - c for c in edge.correlations(4, start=1 - 1e-5)]
    falls = np.diff([x**-0.5 for x in (1e-5, *distance)])
    assert power == 2
    assert falls == pytest.approx([factor**-0.5] * 4, rel=2e-2)
