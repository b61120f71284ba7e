"""Weight scales against the papers' formulas, and what they do to the signal of a deep network."""

import math
import re

import pytest
import torch

from activation_study import activations
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack, StackedLinear
from activation_study.seeds import Noise

FAN_IN, FAN_OUT = 64 * 9, 128 * 9  # a 3x3 convolution from 64 to 128 channels


def scale(rule, activation="relu", **options):
    activation = activations.build(activation, **options)
    return rule.standard_deviation(FAN_IN, FAN_OUT, activation)


@pytest.mark.parametrize(
    ("name", "activation", "variance"),
    [
        ("he", "relu", 2),
        ("he", "elu", 2),
        ("he", "sigmoid", 2),
        ("he", "lrelu", 2 / (1 + 0.01**2)),
        ("he", "vlrelu", 2 / (1 + 5.5**-2)),
        ("he", "prelu", 2 / (1 + 0.25**2)),
        ("he", "rrelu", 2 / (1 + 1 / 24)),
        ("xavier", "relu", 1),
        ("glorot_standard", "relu", 1 / 3),
        ("lecun", "relu", 1),
        ("unit_variance", "relu", 2),
        ("unit_variance", "tanh", 1.593**2),
        ("unit_variance", "elu", 1.245**2),
        ("unit_variance", "selu", 1),
        ("edge_of_chaos", "relu", 2),
        ("edge_of_chaos", "lrelu", 2 / (1 + 0.01**2)),
        ("edge_of_chaos", "prelu", 2 / (1 + 0.25**2)),
        ("edge_of_chaos", "rrelu", 2 / (1 + 1 / 24)),
        ("edge_of_chaos", "tanh", 1),
        ("edge_of_chaos", "gelu", 4),
        ("edge_of_chaos", "sigmoid", 10.149263710**2),
    ],
)
@pytest.mark.parametrize(
    ("mode", "fan"), [("fan_in", FAN_IN), ("fan_out", FAN_OUT), ("fan_avg", (FAN_IN + FAN_OUT) / 2)]
)
def test_standard_deviation_of_each_rule(name, activation, variance, mode, fan):
    rel = {"unit_variance": 1e-3, "edge_of_chaos": 1e-8}.get(name, 1e-12)  # as many digits as are known
    assert scale(Initialization(name, mode), activation) == pytest.approx(math.sqrt(variance / fan), rel=rel)


def test_the_biases_choose_the_point_of_the_edge():
    rule = Initialization("edge_of_chaos", bias_std=0.2)
    assert scale(rule, "tanh") == pytest.approx(1.3041458 / math.sqrt(FAN_IN), rel=1e-7)
    assert scale(rule, "elu") == pytest.approx(1.2292511 / math.sqrt(FAN_IN), rel=1e-7)
    assert rule.draw_biases(100_000, seed=0, layer=1).std().item() == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize(
    ("activation", "bias_std", "begins"),
    [
        ("relu", 0.2, "init.bias_std=0.2: relu with these options has no edge of chaos at such biases; give one such "
                      "as 0"),
        ("rrelu", 1, "init.bias_std=1: rrelu with these options has no edge"),
        ("softplus", 0.2, "init.name=edge_of_chaos: softplus with these options has no edge of chaos, whatever its "
                          "biases; choose one of he, xavier, glorot_standard, lecun, unit_variance, normal"),
    ],
)  # fmt: skip
def test_where_there_is_no_edge_of_chaos_the_sentence_says_so(activation, bias_std, begins):
    rule = Initialization("edge_of_chaos", bias_std=bias_std)
    with pytest.raises(StudyError, match=rf"\A{re.escape(begins)}[^\n]*\.\Z"):
        rule.check_gain(activations.build(activation), activation)


def test_he_takes_the_slope_that_the_user_chose():
    assert scale(Initialization("he"), "lrelu", slope=0.5) == pytest.approx(math.sqrt(2 / 1.25 / FAN_IN))
    assert scale(Initialization("he"), "prelu", init=1.0) == pytest.approx(math.sqrt(1 / FAN_IN))


@pytest.mark.parametrize(("mode", "expected"), [("fan_in", 0.0589), ("fan_out", 0.0417)])
def test_the_stds_that_he_et_al_print(mode, expected):
    assert scale(Initialization("he", mode)) == pytest.approx(expected, abs=5e-5)


def test_normal_has_the_standard_deviation_that_it_is_given():
    assert scale(Initialization("normal", std=0.05)) == 0.05


@pytest.mark.parametrize("name", ["he", "glorot_standard", "xavier"])
def test_the_draw_has_that_standard_deviation(name):
    shape, std = (300, 400), scale(Initialization(name))
    n = math.prod(shape)
    normal = Initialization(name).draw(shape, std, seed=0, layer=1)
    uniform = Initialization(name, distribution="uniform").draw(shape, std, seed=0, layer=1)
    for weights, kurtosis in ((normal, 3), (uniform, 1.8)):
        assert weights.shape == shape
        assert weights.dtype == torch.float32
        assert abs(weights.mean().item()) < 4 * std / math.sqrt(n)
        assert weights.std().item() == pytest.approx(std, rel=4 / math.sqrt(2 * n))
        assert ((weights / std) ** 4).mean().item() == pytest.approx(kurtosis, rel=0.05)
    bound = math.sqrt(3) * std
    assert bound * 0.999 < uniform.abs().max().item() <= bound * (1 + 1e-6)


def test_glorots_standard_rule_is_torchs_default():
    rule = Initialization("glorot_standard", distribution="uniform")
    torch.manual_seed(0)
    theirs = torch.nn.Linear(500, 400).weight
    std = rule.standard_deviation(500, 400, activations.build("relu"))
    ours = rule.draw((500, 400), std, seed=0, layer=1)
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.01)
    assert ours.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=1e-4)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_one_seed_is_one_draw_up_to_its_scale(distribution):
    he, lecun = (Initialization(name, distribution=distribution) for name in ("he", "lecun"))
    one, other = he.draw((30, 40), 0.5, seed=3, layer=2), lecun.draw((30, 40), 0.125, seed=3, layer=2)
    torch.testing.assert_close(one, 4 * other, rtol=1e-6, atol=0)
    torch.manual_seed(99)  # the global stream has no part in it
    assert torch.equal(one, he.draw((30, 40), 0.5, seed=3, layer=2))
    for seed, layer in ((3, 1), (2, 2), (4, 2)):
        correlation = torch.corrcoef(torch.stack([one.flatten(), he.draw((30, 40), 0.5, seed, layer).flatten()]))
        assert abs(correlation[0, 1].item()) < 4 / math.sqrt(one.numel())


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({"name": "kaiming"}, "init.name=kaiming: no such choice; choose one of he, xavier,"),
        ({"mode": "fan"}, "init.mode=fan: no such choice; choose one of fan_in, fan_out, fan_avg"),
        ({"distribution": "cauchy"}, "init.distribution=cauchy: no such choice; choose one of normal, uniform"),
        ({"name": "normal"}, "init.std=null: init=normal needs a number"),
        ({"name": "he", "std": 0.1}, "init.std=0.1: init=normal needs a number, and the other rules need none"),
        ({"name": "normal", "std": 0}, "init.std=0: give a number above 0"),
        ({"name": "normal", "std": -0.1}, "init.std=-0.1: give a number above 0"),
        ({"name": "normal", "std": "wide"}, "init.std=wide: give a number above 0"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(options, begins):
    with pytest.raises(StudyError, match=rf"\A{re.escape(begins)}[^\n]*\.\Z"):
        Initialization(**options)


# ---- A deep network on its initial weights -------------------------------------------------------------------------

WIDTH, DEPTH, BATCH = 1000, 20, 100
RULES = {"glorot_standard": 1 / 3, "xavier": 1.0, "he": 2.0}
# Measured once, independently of this package: the factor per layer of the activations' rms from layer 10 to 20, and of
# the back-propagated error's standard deviation from layer 20 to 1, for each of RULES; "he" is n Var[w] = 2 for all.
FACTORS = {
    "sigmoid": [(1.00, 0.141), (1.00, 0.235), (1.00, 0.315)],
    "tanh": [(0.578, 0.569), (0.965, 0.918), (1.000, 1.029)],
    "relu": [(0.405, 0.408), (0.713, 0.711), (0.989, 1.000)],
    "lrelu": [(0.406, 0.408), (0.715, 0.707), (0.984, 1.000)],
    "vlrelu": [(0.417, 0.415), (0.721, 0.719), (1.018, 1.017)],
    "prelu": [(0.417, 0.422), (0.735, 0.728), (1.026, 1.029)],
    "rrelu": [(0.416, 0.417), (0.723, 0.723), (1.027, 1.023)],
    "elu": [(0.577, 0.566), (0.938, 0.904), (1.037, 1.079)],
}


@pytest.fixture(scope="module")
def unit_weights():
    """One draw of standard deviation 1 per layer, which every activation and rule scales."""
    return [Initialization().draw((WIDTH, WIDTH), 1.0, seed=0, layer=layer) for layer in range(1, DEPTH + 1)]


def normal(seed):
    return torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(seed))


def signal(activation, std, weights):
    """Pre-activations and outputs of every layer, for Gaussian input and zero biases."""
    torch.manual_seed(0)  # for RReLU's slopes
    layers, x = [], normal(1)
    for weight in weights:
        z = (x @ weight * std).requires_grad_()
        z.retain_grad()
        x = activation(z)
        layers.append((z, x))
    return layers


def rms(x):
    return x.detach().square().mean().sqrt().item()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", FACTORS)
def test_how_the_signal_grows_or_fades_with_depth(name, rule, unit_weights):
    activation = activations.build(name).train()
    std = Initialization(rule).standard_deviation(WIDTH, WIDTH, activations.build("relu"))
    layers = signal(activation, std, unit_weights)
    layers[-1][1].backward(normal(2))
    forward = (rms(layers[19][1]) / rms(layers[9][1])) ** (1 / 10)
    first, last = (layers[index][0].grad.std().item() for index in (0, 19))
    backward = (first / last) ** (1 / 19)
    expected_forward, expected_backward = FACTORS[name][list(RULES).index(rule)]
    assert forward == pytest.approx(expected_forward, rel=0.025)
    assert backward == pytest.approx(expected_backward, rel=0.015)
    if name == "sigmoid" and rule != "he":
        published = {"glorot_standard": 7e-17, "xavier": 1e-12}[rule]
        assert first / last == pytest.approx(published, rel=0.3)
    if name not in ("sigmoid", "tanh", "elu"):  # positively homogeneous: theory gives the factor
        a = activation.negative_slope
        assert backward == pytest.approx(math.sqrt((1 + a * a) / 2 * RULES[rule]), rel=0.015)


@pytest.mark.parametrize("name", FACTORS)
def test_unit_variance_keeps_standard_normal_pre_activations(name, unit_weights):
    activation = activations.build(name).train()
    std = Initialization("unit_variance").standard_deviation(WIDTH, WIDTH, activation)
    torch.manual_seed(0)
    z, sizes = normal(1), []
    for weight in unit_weights[:8]:
        z = activation(z).detach() @ weight * std
        sizes.append(rms(z))
    assert sizes == pytest.approx([1] * 8, rel=0.08)  # He initialization would have ELU at 1.37 here
    assert sizes[0] == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize("name", FACTORS)
def test_unit_variance_holds_from_the_pixels_on(name):
    stack = Stack([0, 1], lambda: activations.build(name), Initialization("unit_variance"), Noise([0, 1]))
    network, shape = models.mlp(stack, (1, 20, 20), 10, depth=6, width=600), (2, 200, 1, 20, 20)
    x, sizes = torch.randn(shape, generator=torch.Generator().manual_seed(0)), []
    stack.noise.at(0)
    with torch.no_grad():
        for module in network:
            x = module(x)
            if isinstance(module, StackedLinear):
                sizes.append(rms(x))
    assert sizes[:-1] == pytest.approx(
        [1] * 6, rel=0.1
    )  # without gain 1 for the pixels a sigmoid's would begin at 1.85


def test_only_unit_variance_treats_pixels_otherwise():
    relu = activations.build("relu")
    for name in ("he", "xavier", "glorot_standard", "lecun", "unit_variance"):
        hidden, first = (Initialization(name).standard_deviation(50, 50, relu, layer) for layer in (None, 1))
        assert first == pytest.approx(hidden / math.sqrt(2) if name == "unit_variance" else hidden)
