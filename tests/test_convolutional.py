"""The papers' convolutional networks: parameters and multiplications as published, maps, and passes at that size."""

import math

import pytest
import torch
from helpers import in_process

from activation_study import activations
from activation_study.activations import Activation
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.convolutional import ELU_STACKS, Pyramid, Shortcut
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import (
    AFFINE,
    Stack,
    StackedConv2d,
    StackedLinear,
    StackedMaxPool2d,
    StackedZeroPad2d,
)
from activation_study.runs.identity import configuration_hash, scientific
from activation_study.seeds import Noise
from activation_study.training.probes import layers_of

CIFAR, IMAGENET = (3, 32, 32), (3, 224, 224)
CASES = [("nin", {}), ("nin", {"depth": 8}), ("elu_net", {}), ("elu_net", {"padded": False}),
         ("elu_net", {"depth": 18, "width": 384}), ("plain", {}), ("plain", {"depth": 29}),
         ("plain_large", {"depth": 18}), ("plain_large", {"depth": 21}), ("resnet", {})]  # fmt: skip


def build(name, shape=CIFAR, classes=10, seeds=(0,), activation="relu", **options):
    noise = Noise(seeds)
    stack = Stack(seeds, lambda: activations.build(activation), Initialization(), noise)
    return models.build({"name": name, **options}, stack, shape, classes), noise


def parameters(network):
    """Of one replica."""
    return sum(p.numel() for p in network.parameters())


@torch.no_grad()
def multiplications(network, shape):
    """Of one image: every weight of a layer, times the places that it is used at."""
    counted = []
    handles = [layer.register_forward_hook(
        lambda layer, _, out: counted.append(layer.weight.numel() * math.prod(out.shape[3:])))
        for layer in network.modules() if isinstance(layer, AFFINE)]  # fmt: skip
    network.to("meta")(torch.empty(1, 1, *shape, device="meta"))
    for handle in handles:
        handle.remove()
    return sum(counted)


@pytest.mark.parametrize(
    ("name", "options", "classes", "millions", "multiplied"),
    [
        ("nin", {}, 10, 0.967, 222.5),
        ("nin", {"second_pool": "max"}, 100, 0.984, None),
        ("elu_net", {}, 100, 1.67, 157.5),
        ("elu_net", {"depth": 18, "width": 384}, 100, 39.3, 1497),
        ("resnet", {}, 10, 0.27, 40.55),  # He et al. 2016, Table 6
    ],
)
def test_the_networks_on_cifar_have_their_published_sizes(name, options, classes, millions, multiplied):
    network, _ = build(name, classes=classes, **options)
    assert parameters(network) / 1e6 == pytest.approx(millions, abs=0.0051 if millions < 10 else 0.051)
    if millions < 0.99:
        assert round(parameters(network) / 1e6, 2 if name == "resnet" else 3) == millions
    if multiplied:
        assert multiplications(network.eval(), CIFAR) / 1e6 == pytest.approx(multiplied, rel=5e-4)


@pytest.mark.parametrize(("depth", "multiplied"), [(18, 1.90), (21, 2.32)])
def test_models_a_and_b_of_he_have_the_operations_of_their_table_3(depth, multiplied, monkeypatch):
    monkeypatch.setattr(Stack, "_weights", lambda self, shape, *fans: torch.empty(1, *shape, device="meta"))
    network, _ = build("plain_large", IMAGENET, 1000, depth=depth)
    assert multiplications(network.eval(), IMAGENET) / 1e10 == pytest.approx(multiplied, abs=0.01)  # A: 1.906


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
@pytest.mark.parametrize("activation", ["prelu", "rrelu"])
def test_layers_are_counted_by_their_activations(name, options, activation):
    network, noise = build(name, activation=activation, seeds=(0, 1), **{**options, "width": 4})
    default = {"nin": 9, "elu_net": 10, "plain": 13, "resnet": 19}
    depth = options.get("depth") or default[name]
    assert sum(isinstance(module, Activation) for module in network.modules()) == depth
    ends = [layer.activation is not None for layer in layers_of(network)]
    assert sum(ends) == depth
    assert len(ends) == depth + (name != "nin" or depth == 8)
    noise.at(0)
    logits = network(torch.randn(2, 3, *CIFAR))
    assert logits.shape == (2, 3, 10)
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_pass_forward_and_back_at_the_published_size(name, options):
    network, noise = build(name, activation="elu", **options)
    noise.at(0)
    logits = network(torch.randn(1, 1, *CIFAR, generator=torch.Generator().manual_seed(0)))
    logits.logsumexp(2).sum().backward()
    assert logits.isfinite().all()
    norms = [float(layer.affine.weight.grad.norm()) for layer in layers_of(network)]
    assert all(0 < norm < math.inf for norm in norms)


def maps(network, shape=CIFAR):
    """Heights of the maps behind every convolution."""
    found = []
    for layer in network.modules():
        if isinstance(layer, StackedConv2d):
            layer.register_forward_hook(lambda layer, _, out: found.append(out.shape[-1]))
    network.eval()(torch.randn(1, 1, *shape))
    return found


@pytest.mark.parametrize(
    ("name", "options", "heights"),
    [
        ("nin", {}, [32] * 3 + [16] * 3 + [8] * 3),  # pooling rounds up
        ("elu_net", {}, [32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1]),
        ("elu_net", {"padded": False}, [32, 32, 32, 16, 15, 7, 6, 3, 2, 1, 1]),
        ("plain", {}, [32] + [11] * 4 + [6] * 6),
        ("plain_large", {"depth": 18}, [32] + [16] * 5 + [8] * 5 + [4] * 5),
        ("resnet", {"depth": 7}, [32] * 3 + [16] * 2 + [8] * 2),
    ],
    ids=str,
)
def test_the_sizes_of_the_maps(name, options, heights):
    network, _ = build(name, width=4, **options)
    assert maps(network) == heights


def test_the_large_networks_of_he_have_the_papers_maps_on_the_papers_images():
    network, _ = build("plain_large", IMAGENET, depth=18, width=4)
    assert maps(network, IMAGENET) == [112] + [56] * 5 + [28] * 5 + [14] * 5


def test_thirty_layers_are_the_fourteen_and_sixteen_more():
    fourteen, thirty = (build("plain", depth=depth, width=8)[0] for depth in (13, 29))
    shapes = [[m.weight.shape[1:] for m in network.modules() if isinstance(m, StackedConv2d)]
              for network in (fourteen, thirty)]  # fmt: skip
    assert [len(each) for each in shapes] == [11, 27]
    assert shapes[1] == [*shapes[0], *shapes[0][-1:] * 16]
    dense = [m.weight.shape[2] for m in thirty.modules() if isinstance(m, StackedLinear)]
    assert dense == [512, 512, 10]  # an eighth of 4096, as 8 is of 64


def test_the_larger_elu_network_has_nineteen_convolutions():
    counts = {depth: sum(map(len, stacks)) for depth, stacks in ELU_STACKS.items()}
    assert counts == {10: 10, 18: 18}  # and one for the logits


def test_a_kernel_of_two_sees_zeros_on_the_right_and_below():
    network, _ = build("plain", depth=8, width=2)
    layers = list(network)
    place = 1 + next(i for i, layer in enumerate(layers) if isinstance(layer, StackedZeroPad2d))
    x = torch.randn(1, 1, 2, 5, 5)
    with torch.no_grad():
        ours = layers[place](layers[place - 1](x))
        weight, bias = layers[place].weight[0], layers[place].bias[0]
        theirs = torch.nn.functional.conv2d(torch.nn.functional.pad(x[0], (0, 1, 0, 1)), weight, bias)
    torch.testing.assert_close(ours[0], theirs)
    assert ours.shape[-2:] == x.shape[-2:]


def test_a_pyramid_has_the_maximum_of_every_bin():
    x = torch.arange(2 * 36.0).view(1, 1, 2, 6, 6)
    found = Pyramid((3, 1))(x)
    assert found.shape == (1, 1, 2 * 9 + 2)
    assert found[0, 0, -2:].tolist() == [35, 71]
    assert found[0, 0, :9].tolist() == [7, 9, 11, 19, 21, 23, 31, 33, 35]


@pytest.mark.parametrize("name", ["nin", "elu_net", "plain", "plain_large", "resnet"])
def test_maps_keep_the_order_in_memory_in_which_convolutions_are_fast(name):
    """A sum of maps in two orders takes several times as long."""
    network, _ = build(name, width=8, seeds=(0, 1))
    strides = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, _, out: strides.append((module, out.stride(2), out.dim())))
    network(torch.randn(2, 3, *CIFAR))
    assert [str(module) for module, stride, dim in strides if dim == 5 and stride != 1] == []


def test_a_shortcut_takes_every_second_pixel_and_adds_channels_of_zeros():
    x = torch.randn(1, 2, 3, 4, 4)
    out = Shortcut(2, 3)(x)
    assert out.shape == (1, 2, 6, 2, 2)
    assert torch.equal(out[:, :, :3], x[..., ::2, ::2])
    assert not out[:, :, 3:].any()


def test_a_residual_network_of_zero_weights_passes_its_input_on():
    network, _ = build("resnet", depth=13, width=4)
    with torch.no_grad():
        for layer in list(network.modules()):
            if isinstance(layer, StackedConv2d) and layer.weight.shape[2] > 3:
                layer.weight.zero_()
        first = network.eval()[:3](x := torch.randn(1, 2, *CIFAR))
        assert torch.equal(network[:-2](x)[:, :, :4], first[..., ::4, ::4])


@pytest.mark.parametrize(("factor", "rates"), [(1.0, [0.1, 0.2, 0.3, 0.4, 0.5]), (1.5, [0.15, 0.3, 0.45, 0.6, 0.75])])
def test_dropout_of_the_elu_networks_by_stack(factor, rates):
    network, _ = build("elu_net", width=4, dropout=factor)
    assert [layer.rate for layer in network if hasattr(layer, "rate")] == pytest.approx(rates)
    assert not [layer for layer in build("elu_net", width=4, dropout=0.0)[0] if hasattr(layer, "rate")]


def test_the_second_pool_of_nin_is_a_choice():
    pools = [[type(m) is StackedMaxPool2d for m in build("nin", width=4, second_pool=kind)[0]
              if isinstance(m, StackedMaxPool2d)] for kind in ("average", "max")]  # fmt: skip
    assert pools == [[True, False], [True, True]]


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("nin", {"depth": 7}, "model.depth=7: no such depth of NIN; choose one of 8, 9."),
        ("elu_net", {"depth": 11}, "model.depth=11: no such depth of elu_net; choose one of 10, 18."),
        ("elu_net", {"depth": 18, "padded": False}, "model.padded=false: without a border the maps"),
        ("plain", {"depth": 7}, "model.depth=7: give a whole number of at least 8."),
        ("plain_large", {"depth": 13}, "model.depth=13: give one of 6, 9, 12, ..."),
        ("resnet", {"depth": 18}, "model.depth=18: give one of 7, 13, 19, ..."),
        ("resnet", {"dropout": 0.5}, "model.dropout=0.5: resnet has no such option; its options: depth, width"),
    ],
)
def test_mistakes(name, options, says):
    with pytest.raises(StudyError) as told:
        build(name, **options)
    assert str(told.value).startswith(says)


def test_options_of_a_newer_network_are_all_told(compose_settings):
    """What is left out of an identity is read as mlp's and convnet's default, which may not be another network's."""
    chosen = compose_settings("model=nin", "model.dropout=0", "dataset=cifar10")
    assert scientific(chosen)["model"]["dropout"] == 0
    assert configuration_hash(chosen) != configuration_hash(compose_settings("model=nin", "dataset=cifar10"))
    assert "start_from" not in scientific(chosen)["model"]
    assert "dropout" not in scientific(compose_settings("model=mlp"))["model"]


@pytest.mark.parametrize("name", ["nin", "elu_net", "plain", "plain_large", "resnet"])
def test_they_are_trained_by_the_command(name, tmp_path, monkeypatch):
    depth = {"plain_large": 6, "resnet": 7}.get(name)
    chosen = [f"model={name}", "model.width=2", "dataset=digits", "dataset.train_limit=64", "dataset.valid_size=32",
              "train.epochs=1", "seeds=2", "activation=rrelu", f"runs_dir={tmp_path}", "device=cpu"]  # fmt: skip
    if depth:
        chosen.append(f"model.depth={depth}")
    assert in_process(monkeypatch, "train", *chosen) is None
    assert len(list(tmp_path.glob("*/metrics.parquet"))) == 1
