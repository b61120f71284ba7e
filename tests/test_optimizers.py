"""Optimizers of a stack against torch's own, one replica at a time."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from activation_study import activations
from activation_study.activations import Activation
from activation_study.errors import StudyError
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import AFFINE, Stack, StackedBatchNorm
from activation_study.training import optimizers
from activation_study.training.schedules import Moment

RATES = (0.1, 0.01, 0.003)


class Network(nn.Sequential):
    """A convolution and a dense layer, with PReLU after each."""

    def __init__(self):
        stack = Stack([0, 1, 2], lambda: activations.build("prelu"), Initialization())
        super().__init__(
            stack.conv(2, 3, 3), stack.activation(3), nn.Flatten(2), stack.linear(12, 5), stack.activation(5)
        )  # fmt: skip


@pytest.fixture
def network():
    network = Network()
    with torch.no_grad():
        for parameter in network.parameters():  # biases away from zero, where a decay would not show
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)), alpha=0.3)
    return network.double()


def weights_of(network):
    return [layer.weight for layer in network if isinstance(layer, AFFINE)]


def images(step):
    return torch.randn(3, 4, 2, 4, 4, generator=torch.Generator().manual_seed(step), dtype=torch.float64)


def rates_of(values=RATES):
    return torch.tensor(values, dtype=torch.float64)


def twin_step(replica_parameters, replica, step):
    """The same loss for one replica, from plain torch functions."""
    w1, b1, a1, w2, b2, a2 = replica_parameters
    x = F.prelu(F.conv2d(images(step)[replica], w1, b1), a1)
    x = F.prelu(F.linear(x.flatten(1), w2.T, b2[0]), a2)
    return x.square().mean()


@pytest.mark.parametrize(
    ("name", "options", "torchs", "theirs"),
    [
        ("sgd", {}, torch.optim.SGD, {}),
        ("sgd", {"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
        ("adam", {}, torch.optim.Adam, {}),
        (
            "adam",
            {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3},
            torch.optim.Adam,
            {"betas": (0.8, 0.9), "eps": 1e-3},
        ),
    ],
    ids=["sgd", "momentum", "adam", "adam with options"],
)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_every_replica_moves_as_torch_moves_it(network, name, options, torchs, theirs, weight_decay):
    twins = [[p[r].detach().clone().requires_grad_() for p in network.parameters()] for r in range(3)]
    is_weight = [any(p is w for w in weights_of(network)) for p in network.parameters()]
    assert sum(is_weight) == 2
    references = []
    for twin, rate in zip(twins, RATES, strict=True):
        groups = [{"params": [p], "weight_decay": weight_decay * w} for p, w in zip(twin, is_weight, strict=True)]
        references.append(torchs(groups, lr=rate, **theirs))
    config = {"name": name, **options, "weight_decay": weight_decay, "milestones": [1, 1.5], "decay": 0.2}
    optimizer = optimizers.build(config, network, rates_of())
    for step in range(8):
        epoch = step / 4
        network(images(step)).square().mean((1, 2)).sum().backward()
        optimizer.step(Moment(step, epoch))
        for replica, (twin, reference) in enumerate(zip(twins, references, strict=True)):
            for group in reference.param_groups:
                group["lr"] = RATES[replica] * 0.2 ** ((epoch >= 1) + (epoch >= 1.5))
            reference.zero_grad()
            twin_step(twin, replica, step).backward()
            reference.step()
    for index, parameter in enumerate(network.parameters()):
        assert parameter.grad is None
        for replica, twin in enumerate(twins):
            torch.testing.assert_close(parameter[replica], twin[index], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_biases_and_learned_slopes_are_never_decayed(network, name):
    """Without a gradient only the decay moves anything, and it moves each replica by its own rate."""
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = optimizers.build({"name": name, "weight_decay": 0.5}, network, rates_of((0.1, 0.0, 0.2)))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    weights = {id(weight) for weight in weights_of(network)}
    slopes = {id(layer.weight) for layer in network if isinstance(layer, Activation)}
    assert len(weights) == len(slopes) == 2
    for key, parameter in network.named_parameters():
        moved = (parameter != before[key]).flatten(1).all(1).tolist()
        assert moved == ([True, False, True] if id(parameter) in weights else [False] * 3), key
        if id(parameter) in weights and name == "sgd":
            torch.testing.assert_close(parameter[2], before[key][2] * (1 - 0.2 * 0.5))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_rates_and_decay_by_kind_of_parameter(network, name):
    network.append(StackedBatchNorm(3, 5).double())
    options = {"rate_by_kind": {"bias": 2, "last": 0.1, "slope": 0}, "decay_by_kind": {"slope": 1, "weight": 0}}
    optimizer = optimizers.build({"name": name, "weight_decay": 0.5, **options}, network, rates_of((0.1, 0.0, 0.2)))
    names = [name for name, _ in network.named_parameters()]
    factors = {name: float(rate.max()) / 0.2 for name, rate in zip(names, optimizer.learning_rates, strict=True)}
    assert factors == pytest.approx({"0.weight": 1, "0.bias": 2, "1.weight": 0, "3.weight": 0.1, "3.bias": 0.1,
                                     "4.weight": 0, "5.weight": 1, "5.bias": 1})  # fmt: skip
    decays = dict(zip(names, optimizer.decays, strict=True))
    assert {name for name, decay in decays.items() if decay} == {"1.weight", "4.weight"}


def test_a_parameter_that_is_not_trained_stays(network):
    network[0].weight.requires_grad_(False)
    before = network[0].weight.detach().clone()
    optimizer = optimizers.build({"name": "sgd", "weight_decay": 0.5}, network, rates_of())
    network(images(0)).square().mean((1, 2)).sum().backward()
    optimizer.step()
    assert torch.equal(network[0].weight, before)


@pytest.mark.parametrize("config", [{"name": "sgd", "momentum": 0.9}, {"name": "adam"}], ids=["sgd", "adam"])
def test_training_goes_on_from_a_copied_state(network, config):
    def steps(network, optimizer, which):
        for step in which:
            network(images(step)).square().mean((1, 2)).sum().backward()
            optimizer.step()

    whole = optimizers.build(config, network, rates_of())
    steps(network, whole, range(3))
    resumed = Network().double()
    resumed.load_state_dict(network.state_dict())
    other = optimizers.build(config, resumed, rates_of())
    with torch.no_grad():
        for key, tensors in other.state().items():
            assert tensors
            for ours, theirs in zip(tensors, whole.state()[key], strict=True):
                ours.copy_(theirs)
    steps(network, whole, range(3, 5))
    steps(resumed, other, range(3, 5))
    for ours, theirs in zip(resumed.parameters(), network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("config", "begins"),
    [
        ({"name": "rmsprop"}, "optimizer.name=rmsprop: no such optimizer; choose one of sgd, adam"),
        (
            {"name": "sgd", "beta1": 0.9},
            "optimizer.beta1=0.9: sgd has no such option; its options: momentum, weight_decay",
        ),
        (
            {"name": "adam", "momentum": 0.9},
            "optimizer.momentum=0.9: adam has no such option; its options: beta1, beta2,",
        ),
        ({"name": "sgd", "args": 1}, "optimizer.args=1: sgd has no such option"),
        ({"name": "sgd", "learning_rates": 1}, "optimizer.learning_rates=1: sgd has no such option"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(network, config, begins):
    with pytest.raises(StudyError, match=rf"\A{re.escape(begins)}[^\n]*\.\Z"):
        optimizers.build(config, network, rates_of())
