"""Networks: what they consist of, for every depth and size of image."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from activation_study import activations
from activation_study.activations import Activation
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import AFFINE, Stack, StackedConv2d, StackedLinear, StackedMaxPool2d


def build(name, shape, classes=10, seeds=(0, 1), activation="relu", **sizes):
    stack = Stack(seeds, lambda: activations.build(activation), Initialization())
    return models.build({"name": name, **sizes}, stack, shape, classes)


def of_kind(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


@pytest.mark.parametrize("depth", range(1, 25))
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)], ids=["8x8", "32x32"])
@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_depth_counts_the_layers_that_end_in_an_activation(name, shape, depth):
    network = build(name, shape, classes=7, depth=depth, width=2, activation="prelu")
    assert len(of_kind(network, Activation)) == depth
    assert len(of_kind(network, AFFINE)) == depth + 1
    assert len({id(slope) for slope in of_kind(network, Activation)}) == depth
    assert isinstance(network[-1], StackedLinear)
    with torch.no_grad():
        logits = network(torch.randn(2, 3, *shape))
    assert logits.shape == (2, 3, 7)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("shape", "classes", "parameters"),
    [
        ((1, 28, 28), 10, 784 * 128 + 7 * 128 * 128 + 8 * 128 + 128 * 10 + 10),
        ((3, 32, 32), 100, 3072 * 128 + 7 * 128 * 128 + 8 * 128 + 128 * 100 + 100),
    ],
)
def test_the_default_mlp_is_eight_layers_of_128(shape, classes, parameters):
    assert sum(p.numel() for p in build("mlp", shape, classes, seeds=(0, 1, 2)).parameters()) == 3 * parameters


@pytest.mark.parametrize(
    ("shape", "depth", "channels"),
    [
        ((1, 8, 8), 6, [4, 4, 4, 8, 8, 8]),  # a third stage would have maps of 2x2
        ((1, 28, 28), 6, [4, 4, 8, 8, 16, 16]),
        ((3, 32, 32), 6, [4, 4, 8, 8, 16, 16]),
        ((3, 32, 32), 8, [4, 4, 4, 8, 8, 8, 16, 16]),
        ((3, 32, 32), 7, [4, 4, 4, 8, 8, 16, 16]),
        ((3, 32, 32), 1, [4]),
        ((3, 32, 32), 2, [4, 8]),
        ((1, 16, 16), 3, [4, 8, 16]),
        ((1, 15, 15), 3, [4, 4, 8]),
        ((1, 4, 4), 3, [4, 4, 4]),
        ((1, 2, 2), 3, [4, 4, 4]),
        ((1, 8, 64), 4, [4, 4, 8, 8]),
        ((1, 64, 8), 4, [4, 4, 8, 8]),
    ],
    ids=str,
)
def test_the_stages_of_the_convnet(shape, depth, channels):
    network = build("convnet", shape, depth=depth, width=4)
    convolutions = of_kind(network, StackedConv2d)
    assert [layer.weight.shape[1] for layer in convolutions] == channels
    assert [layer.weight.shape[2] for layer in convolutions] == [shape[0], *channels[:-1]]
    assert len(of_kind(network, StackedMaxPool2d)) == len(set(channels)) - 1
    assert network[-1].weight.shape == (2, channels[-1], 10)
    maps = torch.randn(2, 1, *shape)
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, models.MeanOverMaps):
                break
            maps = layer(maps)
    assert maps.shape[-2:] == tuple(size >> (len(set(channels)) - 1) for size in shape[1:])


def plain(network, replica, convolutional):
    """One replica as an ordinary torch network with the same weights."""
    layers = [] if convolutional else [nn.Flatten()]
    for module in network:
        if isinstance(module, StackedConv2d):
            out, inputs, size, _ = module.weight.shape[1:]
            layer = nn.Conv2d(inputs, out, size, padding="same")
            layer.weight.data, layer.bias.data = module.weight.data[replica], module.bias.data[replica]
            layers.append(layer)
        elif isinstance(module, StackedLinear):
            layer = nn.Linear(*module.weight.shape[1:])
            layer.weight.data, layer.bias.data = module.weight.data[replica].T, module.bias.data[replica, 0]
            layers.append(layer)
        elif isinstance(module, Activation):
            layers.append(nn.ELU())
        elif isinstance(module, StackedMaxPool2d):
            layers.append(nn.MaxPool2d(2))
        elif isinstance(module, models.MeanOverMaps):
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_a_replica_is_the_network_that_torchs_own_layers_make(name):
    network = build(name, (2, 16, 16), seeds=(4, 5), activation="elu", depth=5, width=3)
    with torch.no_grad():
        for parameter in network.parameters():  # biases too
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)), alpha=0.1)
        x = torch.randn(2, 4, 2, 16, 16, generator=torch.Generator().manual_seed(1))
        logits = network(x)
        for replica in (0, 1):
            theirs = plain(network, replica, convolutional=name == "convnet")(x[replica])
            torch.testing.assert_close(logits[replica], theirs, rtol=1e-4, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["mlp", "convnet"]),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    depth=st.integers(1, 7),
    width=st.integers(1, 3),
    replicas=st.integers(1, 3),
    batch=st.integers(1, 3),
)
def test_any_size_of_image_gives_logits(name, shape, depth, width, replicas, batch):
    network = build(name, shape, classes=4, seeds=range(replicas), depth=depth, width=width)
    assert network(torch.ones(replicas, batch, *shape)).shape == (replicas, batch, 4)


@pytest.mark.parametrize(
    ("config", "begins"),
    [
        ({"name": "vgg"}, "model.name=vgg: no such network; choose one of mlp, convnet"),
        ({"name": "mlp", "kernel": 3}, "model.kernel=3: mlp has no such option; its options: depth, width"),
        ({"name": "mlp", "depth": 0}, "model.depth=0: give a whole number of at least 1"),
        ({"name": "convnet", "depth": 2.5}, "model.depth=2.5: give a whole number of at least 1"),
        ({"name": "mlp", "width": -1}, "model.width=-1: give a whole number of at least 1"),
        ({"name": "mlp", "width": True}, "model.width=true: give a whole number of at least 1"),
        ({"name": "mlp", "depth": "deep"}, "model.depth=deep: give a whole number of at least 1"),
        ({"name": "mlp", "depth": None}, "model.depth=null: give a whole number of at least 1"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(config, begins):
    with pytest.raises(StudyError, match=rf"\A{re.escape(begins)}[^\n]*\.\Z"):
        build(config.pop("name"), (1, 8, 8), **config)
