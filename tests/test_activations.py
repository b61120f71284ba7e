"""Each activation against its definition, its derivative, torch's own version and the numbers of the papers."""

import math
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import special, stats
from torch import nn

from activation_study import activations, runs
from activation_study.activations import Activation
from activation_study.errors import StudyError
from activation_study.runs.identity import label

ROOT = Path(__file__).resolve().parents[1]
NAMES = activations.names()
MEAN_SLOPE = math.log(8 / 3) / 5
RELU_MEAN = 1 / math.sqrt(2 * math.pi)
ELU_MEAN = RELU_MEAN + math.exp(0.5) * stats.norm.cdf(-1) - 0.5


def leaky(slope):
    return lambda z: np.where(z > 0, z, slope * z)


def elu(alpha, scale=1.0):
    return lambda z: scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


# name, options, the definition in numpy, torch's own
CASES = [
    ("sigmoid", {}, special.expit, nn.Sigmoid()),
    ("tanh", {}, lambda z: np.sinh(z) / np.cosh(z), nn.Tanh()),
    ("softsign", {}, lambda z: np.sign(z) * (1 - 1 / (1 + np.abs(z))), nn.Softsign()),
    ("relu", {}, lambda z: np.maximum(z, 0), nn.ReLU()),
    ("lrelu", {}, leaky(0.01), nn.LeakyReLU()),
    ("lrelu", {"slope": 0.1}, leaky(0.1), nn.LeakyReLU(0.1)),
    ("vlrelu", {}, leaky(1 / 5.5), nn.LeakyReLU(1 / 5.5)),
    ("prelu", {}, leaky(0.25), nn.PReLU()),
    ("prelu", {"init": 0.5, "shared": True}, leaky(0.5), nn.PReLU(init=0.5)),
    ("rrelu", {}, leaky(1 / 5.5), nn.LeakyReLU(1 / 5.5)),
    ("rrelu", {"test_slope": "mean"}, leaky(MEAN_SLOPE), nn.LeakyReLU(MEAN_SLOPE)),
    ("rrelu", {"variant": "torch"}, leaky(11 / 48), nn.RReLU().eval()),
    ("rrelu", {"lower": 2.0, "upper": 4.0}, leaky(1 / 3), nn.LeakyReLU(1 / 3)),
    ("elu", {}, elu(1.0), nn.ELU()),
    ("elu", {"alpha": 0.5}, elu(0.5), nn.ELU(0.5)),
    ("elu", {"alpha": 2.0}, elu(2.0), nn.ELU(2.0)),
    ("shifted_relu", {}, lambda z: np.maximum(z, -1), partial(torch.clamp, min=-1)),
    ("selu", {}, elu(1.67326324, 1.05070098), nn.SELU()),
    ("softplus", {}, lambda z: np.logaddexp(0, z), nn.Softplus()),
    ("gelu", {}, lambda z: z * special.ndtr(z), nn.GELU()),
    ("silu", {}, lambda z: z / (1 + np.exp(-z)), nn.SiLU()),
    ("mish", {}, lambda z: z * np.tanh(np.logaddexp(0, z)), nn.Mish()),
    ("surrogate_relu", {}, lambda z: np.maximum(z, 0), nn.ReLU()),
    ("surrogate_relu", {"backward": "bsilu"}, lambda z: np.maximum(z, 0), nn.ReLU()),
    ("centred_elu", {}, lambda z: elu(1.0)(z) - ELU_MEAN, lambda z: nn.functional.elu(z) - ELU_MEAN),
    ("offset_relu", {"init": -0.5}, lambda z: np.maximum(z, 0) - 0.5, lambda z: nn.functional.relu(z) - 0.5),
]
EVERY = [pytest.param(name, options, id=label({"name": name, **options})) for name, options, _, _ in CASES]
# Beyond this share of the largest float the value overflows: SELU multiplies by 1.05, and torch's GELU doubles z first.
LARGEST = {"selu": 0.95, "gelu": 0.499}


def sentence(start):
    """A pattern for one sentence on one line that begins like this."""
    return rf"\A{re.escape(start)}[^\n]*\.\Z"


def test_every_activation_of_the_study_has_a_case():
    assert {name for name, *_ in CASES} == set(NAMES)


@pytest.mark.parametrize(
    ("name", "options", "definition", "torchs"), [pytest.param(*c, id=p.id) for c, p in zip(CASES, EVERY, strict=True)]
)
def test_value_is_the_definition_and_torchs_own(name, options, definition, torchs):
    activation = activations.build(name, **options).eval()
    z = torch.linspace(-50, 50, 2001, dtype=torch.float64)
    value = activation(z).detach()
    np.testing.assert_allclose(value.numpy(), definition(z.numpy()), rtol=1e-8, atol=1e-8)
    own = torchs.double() if isinstance(torchs, nn.Module) else torchs
    torch.testing.assert_close(value, own(z).detach(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_slope_is_the_derivative(name, options):
    activation = activations.build(name, **options).eval()
    z = torch.linspace(-11.9, 12.1, 1001, dtype=torch.float64, requires_grad=True)
    kinks = torch.tensor([0.0, -1.0])
    step = 1e-5
    assert ((z.detach()[:, None] - kinks).abs() > 2 * step).all()
    (by_autograd,) = torch.autograd.grad(activation(z).sum(), z)
    with torch.no_grad():
        by_difference = (activation(z + step) - activation(z - step)) / (2 * step)
        torch.testing.assert_close(activation.slope(z), by_autograd, rtol=1e-12, atol=1e-12)
        if name != "surrogate_relu":  # whose errors go back as through another function
            torch.testing.assert_close(activation.slope(z), by_difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("backward", ["leaky", "bsilu"])
def test_a_surrogate_is_the_relu_bit_for_bit_and_passes_errors_back_where_that_is_zero(backward, dtype):
    z = torch.randn(5, 40, generator=torch.Generator().manual_seed(0)).mul(10).to(dtype).requires_grad_()
    value = activations.build("surrogate_relu", backward=backward)(z)
    assert torch.equal(value, torch.relu(z))
    (back,) = torch.autograd.grad(value.sum(), z)
    assert (back[z < 0] != 0).float().mean() > 0.9
    if backward == "bsilu":  # (z + 1.67) sigmoid(z) - 0.835, whose slope at 0 is 1/2 + 1.67/4
        assert activations.build("surrogate_relu", backward="bsilu").slope(torch.zeros(1)).item() == pytest.approx(
            0.9175
        )


def test_centred_ones_have_a_mean_of_zero_and_offsets_are_learned_by_channel():
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for name in ("centred_elu", "offset_relu"):
        assert abs(activations.build(name).double()(z).mean().item()) < 0.003
    offset = activations.build("offset_relu")
    offset.fit_to(2, 3)
    z = torch.randn(2, 7, 3, 4, 4)
    offset(z).sum().backward()
    assert offset.offset.grad.tolist() == [[7 * 16] * 3] * 2


@pytest.mark.parametrize(
    ("name", "options", "kink", "expected"),
    [
        ("relu", {}, 0.0, 0.0),
        ("lrelu", {}, 0.0, 0.01),
        ("vlrelu", {}, 0.0, 1 / 5.5),
        ("prelu", {}, 0.0, 0.25),
        ("prelu", {"init": 0.5}, 0.0, 0.5),
        ("rrelu", {}, 0.0, 1 / 5.5),
        ("elu", {}, 0.0, 1.0),
        ("elu", {"alpha": 0.5}, 0.0, 0.5),
        ("selu", {}, 0.0, 1.0507009873554805 * 1.6732632423543772),
        ("shifted_relu", {}, -1.0, 0.0),
        ("surrogate_relu", {}, 0.0, 0.1),
        ("centred_elu", {}, 0.0, 1.0),
        ("offset_relu", {}, 0.0, 0.0),
    ],
)
def test_slope_at_a_kink_is_torchs(name, options, kink, expected):
    activation = activations.build(name, **options).eval()
    z = torch.tensor([kink, -0.0 if kink == 0 else kink], dtype=torch.float64, requires_grad=True)
    (by_autograd,) = torch.autograd.grad(activation(z).sum(), z)
    assert activation.slope(z).tolist() == pytest.approx([expected] * 2, abs=1e-15)
    assert by_autograd.tolist() == pytest.approx([expected] * 2, abs=1e-15)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(("name", "options"), EVERY)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_finite_in_finite_out_and_never_in_place(name, options, dtype, training, data):
    largest = torch.finfo(dtype).max * LARGEST.get(name, 1.0)
    finite = st.floats(-largest, largest, allow_nan=False)
    extremes = [0.0, -0.0, largest, -largest, torch.finfo(dtype).tiny, -1e-40, 1e-45, 20.0, -20.0, 100.0, -100.0]
    drawn = data.draw(st.lists(finite, max_size=12))
    z = torch.tensor([*extremes, *drawn], dtype=torch.float64).to(dtype).requires_grad_()
    assert torch.isfinite(z).all()
    before = z.detach().clone()
    activation = activations.build(name, **options).train(training)
    value = activation(z)
    (gradient,) = torch.autograd.grad(value.double().sum(), z)
    for result in (value, gradient, activation.slope(z)):
        assert result.dtype == dtype
        assert result.shape == z.shape
        assert torch.isfinite(result).all(), z[~torch.isfinite(result)]
    assert torch.equal(z, before)
    assert value.data_ptr() != z.data_ptr()


# ---- Where they saturate -------------------------------------------------------------------------------------------

Z = torch.linspace(-60, 60, 120_007, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "options", "definition"),
    [
        ("tanh", {}, lambda z, f: f.abs() >= 0.95),  # Maas et al. 2013
        ("sigmoid", {}, lambda z, f: (f <= 0.025) | (f >= 0.975)),
        ("softsign", {}, lambda z, f: f.abs() >= 0.95),
        ("relu", {}, lambda z, f: z <= 0),
        ("shifted_relu", {}, lambda z, f: z <= -1),
        *[("elu", {"alpha": a}, lambda z, f, a=a: f <= -0.95 * a) for a in (0.1, 0.5, 1.0, 3.0)],
        ("selu", {}, lambda z, f: f <= -0.95 * 1.0507009873554805 * 1.6732632423543772),
        ("softplus", {}, lambda z, f: f <= 0.05),
        # of a smooth relative of the ReLU, the branch to the left of its minimum
        ("gelu", {}, lambda z, f: (z < -0.76) & (f >= -0.05)),
        ("silu", {}, lambda z, f: (z < -1.28) & (f >= -0.05)),
        ("mish", {}, lambda z, f: (z < -1.2) & (f >= -0.05)),
        *[(name, {}, lambda z, f: z > math.inf) for name in ("lrelu", "vlrelu", "prelu", "rrelu")],
    ],
)
def test_saturated_means_near_a_bound(name, options, definition):
    activation = activations.build(name, **options).eval()
    expected = definition(Z, activation(Z).detach())
    differ = Z[activation.saturated(Z) != expected]
    # the smooth ones have thresholds that are rounded to three digits
    assert len(differ) <= (1 if name in ("gelu", "silu", "mish") else 0), differ
    assert torch.equal(activation.saturated(torch.tensor([activation.flat_below])), torch.tensor([True]))


def test_the_sigmoid_passes_at_most_a_quarter():
    sigmoid = activations.build("sigmoid")
    assert sigmoid.slope(Z).max() <= 0.25
    assert sigmoid.slope(torch.zeros(1)).item() == 0.25


# ---- Gains ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "forward", "backward"),
    [
        ("sigmoid", {}, 1.847, 4.72),
        ("tanh", {}, 1.593, 1.467),
        ("relu", {}, math.sqrt(2), math.sqrt(2)),
        ("lrelu", {}, 1.414, 1.414),
        ("lrelu", {"slope": 0.1}, 1.407, 1.407),
        ("vlrelu", {}, 1.391, 1.391),
        ("prelu", {}, 1.372, 1.372),
        ("rrelu", {}, 1.3856, 1.3856),
        ("rrelu", {"variant": "torch"}, 1.3762, 1.3762),
        ("elu", {}, 1.245, 1.224),
        ("shifted_relu", {}, 1.149, 1.090),
        ("selu", {}, 1.000, 0.966),
    ],
)
def test_unit_variance_gains(name, options, forward, backward):
    activation = activations.build(name, **options)
    assert activation.forward_gain == pytest.approx(forward, abs=1e-3)
    assert activation.backward_gain == pytest.approx(backward, abs=3e-3 if name == "sigmoid" else 1e-3)


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_second_moments_against_gauss_legendre(name, options):
    """Another quadrature of the same integrals, piece by piece between the kinks."""
    activation = activations.build(name, **options).eval()
    nodes, weights = np.polynomial.legendre.leggauss(200)
    moments = np.zeros(2)
    for low, high in ((-12, -1), (-1, 0), (0, 12)):
        z = torch.tensor((high - low) / 2 * nodes + (high + low) / 2)
        density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
        with torch.no_grad():
            values = torch.stack([activation(z), activation.slope(z)]).square() * density
        moments += (high - low) / 2 * (values.numpy() @ weights)
    if name == "rrelu":  # whose moments are those of training: half of the mass has a random slope, half the slope 1
        ends = activation.lower, activation.upper
        low, high = ends if activation.divides else (1 / ends[1], 1 / ends[0])
        drawn = (high - low) / 2 * nodes + (high + low) / 2
        slopes = 1 / drawn if activation.divides else drawn
        moments[:] = (1 + slopes**2 @ weights / 2) / 2
    assert activation.second_moments() == pytest.approx(moments.tolist(), rel=1e-7)


@pytest.mark.parametrize(
    ("name", "a"), [("relu", 0), ("lrelu", 0.01), ("vlrelu", 1 / 5.5), ("prelu", 0.25), ("elu", 0)]
)
def test_he_gain_knows_the_slope_below_zero(name, a):
    assert activations.build(name).he_gain == pytest.approx(math.sqrt(2 / (1 + a**2)))


# ---- PReLU ---------------------------------------------------------------------------------------------------------


def test_prelu_starts_at_a_quarter_everywhere():
    prelu = activations.build("prelu")
    prelu.fit_to(3, 7)
    assert prelu.weight.shape == (3, 7)
    assert (prelu.weight == 0.25).all()
    assert prelu.learned_slope().tolist() == [0.25] * 3


@pytest.mark.parametrize("maps", [(), (4, 4)], ids=["dense", "maps"])
@pytest.mark.parametrize("shared", [False, True])
def test_prelu_gradient_of_the_slope(shared, maps):
    """He et al. 2015, Eqn. 8: 0 above zero, z at and below, summed over all that shares it."""
    stream = torch.Generator().manual_seed(0)
    z = torch.randn(2, 5, 3, *maps, generator=stream, requires_grad=True)
    upstream = torch.randn(z.shape, generator=stream)
    prelu = activations.build("prelu", shared=shared)
    prelu.fit_to(2, 3)
    with torch.no_grad():
        prelu.weight.copy_(torch.rand(prelu.weight.shape, generator=stream))
    below = prelu.weight.detach().expand(2, 3).view(2, 1, 3, *[1] * len(maps))
    expected_value = torch.where(z > 0, z, below * z).detach()
    terms = (upstream * z * (z <= 0)).detach().flatten(3).sum(-1) if maps else (upstream * z * (z <= 0)).detach()
    expected = terms.sum(1).sum(1, keepdim=True) if shared else terms.sum(1)

    value = prelu(z)
    value.backward(upstream)
    assert torch.equal(value, expected_value)
    torch.testing.assert_close(prelu.weight.grad, expected)
    torch.testing.assert_close(z.grad, upstream * torch.where(z > 0, 1.0, below))
    torch.testing.assert_close(prelu.slope(z.detach()), torch.where(z > 0, 1.0, below))
    torch.testing.assert_close(prelu.learned_slope(), prelu.weight.detach().mean(1))


def test_no_two_layers_share_an_activation():
    first, second = activations.build("prelu"), activations.build("prelu")
    first.fit_to(1, 4)
    second.fit_to(1, 4)
    with torch.no_grad():
        first.weight.fill_(0.9)
    assert (second.weight == 0.25).all()


# ---- RReLU ---------------------------------------------------------------------------------------------------------


def drawn_slopes(n=100_000, **options):
    torch.manual_seed(0)
    z = -torch.rand(n, dtype=torch.float64) - 0.5
    rrelu = activations.build("rrelu", **options).train()
    return rrelu, (rrelu(z) / z).numpy()


@pytest.mark.parametrize(
    ("variant", "mean", "square", "uniform"),
    [
        ("paper", MEAN_SLOPE, 1 / 24, lambda s: (1 / s - 3) / 5),
        ("torch", 11 / 48, 97 / 1728, lambda s: (s - 1 / 8) * 4.8),
    ],
)
def test_rrelu_draws_its_slopes_as_published(variant, mean, square, uniform):
    rrelu, slopes = drawn_slopes(variant=variant)
    n = len(slopes)
    assert slopes.min() >= 1 / 8
    assert slopes.max() <= 1 / 3
    assert slopes.mean() == pytest.approx(mean, abs=4 * slopes.std() / math.sqrt(n))
    assert (slopes**2).mean() == pytest.approx(square, abs=4 * (slopes**2).std() / math.sqrt(n))
    assert stats.kstest(uniform(slopes), "uniform").pvalue > 1e-3
    assert rrelu.mean_slope == pytest.approx(mean)
    assert rrelu.negative_slope**2 == pytest.approx(square)
    assert rrelu.slope(torch.tensor([-2.0, 3.0], dtype=torch.float64)).tolist() == pytest.approx([mean, 1])


def test_rrelu_draws_for_every_element_of_every_forward():
    torch.manual_seed(0)
    rrelu = activations.build("rrelu").train()
    z = torch.full((2, 3, 4, 4), -1.0, dtype=torch.float64, requires_grad=True)
    first = rrelu(z)
    assert len(first.unique()) == z.numel()
    assert not (first == rrelu(z)).any()
    (gradient,) = torch.autograd.grad(first.sum(), z)
    torch.testing.assert_close(gradient, -first)  # what is passed back is scaled by the slope of the same forward
    positive = torch.linspace(0.1, 9, 50)
    assert torch.equal(rrelu(positive), positive)


@pytest.mark.parametrize(
    ("options", "slope"),
    [
        ({}, 1 / 5.5),
        ({"test_slope": "mean"}, MEAN_SLOPE),
        ({"variant": "torch"}, 11 / 48),
        ({"lower": 5, "upper": 10}, 1 / 7.5),
    ],
)
def test_rrelu_is_fixed_in_testing(options, slope):
    rrelu = activations.build("rrelu", **options).eval()
    z = torch.tensor([-4.0, 0.0, 4.0], dtype=torch.float64)
    assert rrelu(z).tolist() == pytest.approx([-4 * slope, 0, 4], rel=1e-12)
    assert rrelu.slope(z).tolist() == pytest.approx([slope, slope, 1], rel=1e-12)


def test_rrelu_takes_the_noise_of_its_stack():
    asked = []

    def draw(like, low, high):
        asked.append((like.shape, low, high))
        return torch.full_like(like, 4.0)

    rrelu = activations.build("rrelu").train()
    rrelu.fit_to(2, 5, draw)
    assert torch.equal(rrelu(torch.full((2, 3, 5), -1.0)), torch.full((2, 3, 5), -0.25))
    assert asked == [((2, 3, 5), 3.0, 8.0)]


# ---- By name: options, torch's own, a user's own -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "begins"),
    [
        ("nonsense", {}, "activation.name=nonsense: no such activation; choose one of sigmoid, tanh,"),
        ("functional", {}, "activation.name=functional: no such activation"),
        ("relu", {"alpha": 1.0}, "activation.alpha=1.0: relu has no such option; its options: none"),
        ("relu", {"args": 1}, "activation.args=1: relu has no such option; its options: none"),
        ("elu", {"slope": 1.0}, "activation.slope=1.0: elu has no such option; its options: alpha"),
        ("elu", {"alpha": "big"}, "activation.alpha=big: give a number above 0"),
        ("elu", {"alpha": None}, "activation.alpha=null: give a number above 0"),
        ("lrelu", {"slope": math.nan}, "activation.slope=nan: give a number"),
        ("prelu", {"shared": "yes"}, "activation.shared=yes: give true or false"),
        ("rrelu", {"variant": "mxnet"}, "activation.variant=mxnet: no such choice; choose one of paper, torch"),
        ("rrelu", {"test_slope": 0.2}, "activation.test_slope=0.2: no such choice; choose one of paper, mean"),
        (
            "rrelu",
            {"lower": 8.0, "upper": 3.0},
            "activation.lower=8.0: give a number below activation.upper=3.0",
        ),
        ("rrelu", {"lower": 0.0}, "activation.lower=0.0: give a number above 0"),
        ("Linear", {}, "activation.name=Linear: torch.nn.Linear is no activation"),
        ("Softmax", {"dim": -1}, "activation.name=Softmax: torch.nn.Softmax is not an elementwise function"),
        ("Softmax2d", {}, "activation.name=Softmax2d: torch.nn.Softmax2d is not an elementwise function"),
        ("GLU", {}, "activation.name=GLU: torch.nn.GLU is not an elementwise function"),
        ("RReLU", {}, "activation.name=RReLU: torch.nn.RReLU is not an elementwise function"),
        ("Dropout", {}, "activation.name=Dropout: torch.nn.Dropout is not an elementwise function"),
        ("PReLU", {}, "activation.name=PReLU: torch.nn.PReLU is not an elementwise function"),
        ("Flatten", {}, "activation.name=Flatten: torch.nn.Flatten is not an elementwise function"),
        ("Module", {}, "activation.name=Module: torch.nn.Module is no activation"),
        ("Hardswish", {"alpha": 1}, "activation.alpha=1: torch.nn.Hardswish has no such option; its options: inplace"),
        ("ReLU", {"inplace": True}, "activation.name=ReLU: with these options torch.nn.ReLU works in place"),
        ("mine", {"target": "nowhere.Mine"}, "activation.target=nowhere.Mine: it cannot be imported"),
        ("mine", {"target": "math.nothing"}, "activation.target=math.nothing: it cannot be imported"),
        ("mine", {"target": "Mine"}, "activation.target=Mine: it cannot be imported"),
        ("mine", {"target": "math.pi"}, "activation.target=math.pi: it is no subclass of"),
        ("mine", {"target": "torch.nn.ReLU"}, "activation.target=torch.nn.ReLU: it is no subclass of"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(name, options, begins):
    torch.manual_seed(0)
    with pytest.raises(StudyError, match=sentence(begins)):
        activations.build(name, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Hardswish", {}),
        ("CELU", {"alpha": 0.5}),
        ("Softshrink", {"lambd": 0.3}),
        ("Threshold", {"threshold": 0.1, "value": 2}),
    ],
)
def test_an_elementwise_class_of_torch_is_an_activation(name, options):
    activation = activations.build(name, **options)
    z = torch.linspace(-4, 4, 301, dtype=torch.float64, requires_grad=True)
    expected = getattr(nn, name)(**options)(z)
    assert torch.equal(activation(z), expected)
    with torch.no_grad():
        slope = activation.slope(z)
    assert torch.equal(slope, torch.autograd.grad(expected.sum(), z)[0])
    assert not activation.saturated(z).any()
    assert activation.source == f"torch.nn.{name}"
    assert activation.forward_gain > 0


MINE = '''
import torch
from activation_study.activations import Activation


class Mine(Activation, name="mine"):
    """A sine."""

    def __init__(self, frequency: float = 1.0) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, z):
        return torch.sin(self.frequency * z)

    def slope(self, z):
        return self.frequency * torch.cos(self.frequency * z)
'''


def test_one_class_and_one_yaml_make_a_new_activation(tmp_path, monkeypatch):
    user, results = tmp_path / "user", tmp_path / "runs"
    (user / "activation").mkdir(parents=True)
    (user / "my_activations.py").write_text(MINE)
    (user / "activation" / "mine.yaml").write_text("name: mine\ntarget: my_activations.Mine\nfrequency: 1.0\n")
    command = (
        f"experiments/train.py --config-dir={user} activation=mine activation.frequency=2.5 dataset=digits "
        f"model.depth=2 model.width=8 train.epochs=1 seeds=1 dataset.train_limit=64 runs_dir={results} device=cpu"
    )
    env = {**os.environ, "PYTHONPATH": str(user)}
    done = subprocess.run([sys.executable, *command.split()], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(user)
    monkeypatch.setattr(Activation, "registry", dict(Activation.registry))
    tables = runs.read(results)
    assert set(tables.metrics["activation"]) == {"mine(frequency=2.5)"}
    assert set(tables.metrics["split"]) == {"train", "valid", "test"}
    assert set(tables.layers["layer"]) == {1, 2, 3}
    hidden = tables.layers.query("layer < 3")
    assert hidden["slope_mean"].between(-2.5, 2.5).all()
    assert hidden["slope_mean"].abs().max() > 0


# ---- Softmax -------------------------------------------------------------------------------------------------------

LOGITS = arrays(np.float64, array_shapes(min_dims=1, max_dims=4, max_side=5), elements=st.floats(-1e4, 1e4))


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([3, 0.7, 0.5], [0.846, 0.085, 0.069]),
        ([1.2, 1, 1.5], [0.316, 0.258, 0.426]),
        ([1.5, *[1.2] * 9], [0.130, *[0.097] * 9]),
    ],
)
def test_softmax_gives_the_numbers_of_the_article(logits, expected):
    assert [round(p, 3) for p in activations.softmax(torch.tensor(logits)).tolist()] == pytest.approx(
        expected, abs=1e-6
    )


@settings(max_examples=60, deadline=None)
@given(logits=LOGITS, data=st.data(), shift=st.floats(-1e3, 1e3))
def test_softmax_gives_probabilities_along_any_axis(logits, data, shift):
    dim = data.draw(st.integers(-logits.ndim, logits.ndim - 1))
    probabilities = activations.softmax(torch.from_numpy(logits), dim)
    assert probabilities.shape == logits.shape
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(dim), 1, rtol=1e-12)
    np.testing.assert_allclose(probabilities, special.softmax(logits, axis=dim), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(activations.softmax(torch.from_numpy(logits + shift), dim), probabilities, rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_softmax_of_huge_logits(dtype):
    z = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], dtype=dtype, requires_grad=True)
    probabilities = activations.softmax(z)
    assert probabilities[0].tolist() == [1, 0, 0]
    assert probabilities[1].tolist() == pytest.approx([1 / 3] * 3, rel=torch.finfo(dtype).eps)
    (gradient,) = torch.autograd.grad(probabilities[:, 0].sum(), z)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["sigmoid", "elu", "vlrelu", "softplus"])
def test_an_activation_without_a_slope_of_its_own_gets_it_from_autograd(name):
    activation = activations.build(name)
    z = torch.linspace(-3, 3, 24, dtype=torch.float64).view(2, 3, 4)
    torch.testing.assert_close(Activation.slope(activation, z), activation.slope(z))
