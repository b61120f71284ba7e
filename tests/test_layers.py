"""The stacked layers against torch's own, one replica at a time."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from activation_study import activations
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import (
    Residual,
    Stack,
    StackedAvgPool2d,
    StackedBatchNorm,
    StackedConv2d,
    StackedLinear,
    StackedMaxPool2d,
    fold,
    unfold,
)  # fmt: skip
from activation_study.seeds import Noise


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_bias(layer):
    layer = layer.double()
    with torch.no_grad():
        layer.bias.copy_(normal(*layer.bias.shape, seed=9))
    return layer


def dense(replicas):
    layer = with_bias(StackedLinear(normal(replicas, 6, 4, seed=1)))
    return layer, normal(replicas, 5, 6), lambda x, r: F.linear(x, layer.weight[r].T, layer.bias[r, 0])


def convolution(**options):
    def make(replicas):
        layer = with_bias(StackedConv2d(normal(replicas, 4, 2, 3, 3, seed=1), **options))
        one = lambda x, r: F.conv2d(x, layer.weight[r], layer.bias[r], **options)  # noqa: E731
        return layer, normal(replicas, 5, 2, 7, 6), one

    return make


def pooling(kind, torchs, size, **options):
    def make(replicas):
        return kind(size, **options), normal(replicas, 5, 2, 8, 7), lambda x, r: torchs(x, size, **options)

    return make


def batch_norm(*shape, training=True):
    """Of units or of channels; torch's own running statistics have begun alike."""

    def make(replicas):
        layer = with_bias(StackedBatchNorm(replicas, 4))
        layer.train(training)
        statistics = torch.rand(2, replicas, 4, dtype=torch.float64) + 0.5
        layer.mean.copy_(statistics[0]), layer.variance.copy_(statistics[1])

        def one(x, r):
            mean, variance = statistics[:, r].clone()
            return F.batch_norm(x, mean, variance, layer.weight[r], layer.bias[r], training)

        return layer, normal(replicas, 5, 4, *shape), one

    return make


def residual(replicas):
    body, shortcut = (with_bias(StackedLinear(normal(replicas, 6, 4, seed=seed))) for seed in (1, 2))

    def one(x, r):
        return sum(F.linear(x, layer.weight[r].T, layer.bias[r, 0]) for layer in (body, shortcut))

    return Residual(body, shortcut), normal(replicas, 5, 6), one


LAYERS = {
    "dense": dense,
    "conv, padding 0": convolution(),
    "conv, padding 1": convolution(padding=1),
    "conv, stride 2": convolution(padding=1, stride=2),
    "max pool 2": pooling(StackedMaxPool2d, F.max_pool2d, 2),
    "max pool 3, stride 2": pooling(StackedMaxPool2d, F.max_pool2d, 3, stride=2, padding=1),
    "max pool 3, stride 2, rounded up": pooling(StackedMaxPool2d, F.max_pool2d, 3, stride=2, ceil_mode=True),
    "average pool 2": pooling(StackedAvgPool2d, F.avg_pool2d, 2),
    "average pool 3, stride 2, rounded up": pooling(StackedAvgPool2d, F.avg_pool2d, 3, stride=2, ceil_mode=True),
    "batch norm of units": batch_norm(),
    "batch norm of channels": batch_norm(3, 2),
    "batch norm in evaluation": batch_norm(3, 2, training=False),
    "residual": residual,
}


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_stacked_layer_is_torchs_layer_for_every_replica(kind, replicas):
    layer, x, one = LAYERS[kind](replicas)
    x.requires_grad_()
    stacked = layer(x)
    expected = torch.stack([one(x[replica], replica) for replica in range(replicas)])
    torch.testing.assert_close(stacked, expected, rtol=1e-12, atol=1e-12)
    upstream = normal(*expected.shape, seed=5)
    leaves = [x, *layer.parameters()]
    ours = torch.autograd.grad(stacked, leaves, upstream)
    theirs = torch.autograd.grad(expected, leaves, upstream)
    for gradient, by_torch in zip(ours, theirs, strict=True):
        torch.testing.assert_close(gradient, by_torch, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_no_replica_reads_another(kind):
    layer, x, _ = LAYERS[kind](3)
    before = layer(x)
    x[1] = float("nan")
    after = layer(x)
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    assert after[1].isnan().any()


def test_batch_norm_keeps_the_running_statistics_that_torch_keeps():
    layer, theirs = StackedBatchNorm(2, 3), [torch.nn.BatchNorm2d(3) for _ in range(2)]
    for step in range(3):
        x = normal(2, 5, 3, 4, 4, seed=step).float()
        layer(x)
        for replica, one in enumerate(theirs):
            one(x[replica])
    torch.testing.assert_close(layer.mean, torch.stack([one.running_mean for one in theirs]))
    torch.testing.assert_close(layer.variance, torch.stack([one.running_var for one in theirs]))


def test_dropout_draws_for_every_replica_as_if_it_were_alone():
    def dropped(seeds, step=0):
        noise = Noise(seeds)
        noise.at(step)
        return Stack(seeds, lambda: activations.build("relu"), Initialization(), noise).dropout(0.3)(x[: len(seeds)])

    x = torch.ones(2, 2000, 5)
    alone, together = dropped([4]), dropped([4, 5])
    assert torch.equal(alone[0], together[0])
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(dropped([4], step=1), alone)
    assert together.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert (together == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    layer = Stack([4], lambda: activations.build("relu"), Initialization(), Noise([4])).dropout(0.3).eval()
    assert torch.equal(layer(x[:1]), x[:1])


def test_rounding_up_is_what_network_in_network_pools_with():
    x = torch.zeros(1, 1, 1, 32, 32)
    pool = StackedMaxPool2d(3, stride=2, ceil_mode=True)
    assert pool(x).shape[-2:] == (16, 16)
    assert pool(pool(x)).shape[-2:] == (8, 8)


@settings(max_examples=50, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 4)] * 5))
def test_unfold_reverses_fold(shape):
    x = torch.arange(torch.Size(shape).numel()).view(shape)
    folded = fold(x)
    assert folded.shape == (shape[1], shape[0] * shape[2], shape[3], shape[4])
    assert torch.equal(unfold(folded, shape[0]), x)
    assert unfold(folded, shape[0]).data_ptr() == folded.data_ptr()
    for replica, channel in product(range(shape[0]), range(shape[2])):
        assert torch.equal(folded[:, replica * shape[2] + channel], x[replica, :, channel])


@pytest.mark.parametrize("name", activations.names())
def test_nothing_is_copied_between_two_convolutions(name):
    activation = activations.build(name)
    activation.fit_to(3, 2, Noise([0, 1, 2]).draw)
    output = activation(unfold(torch.randn(5, 3 * 2, 4, 4), 3))
    assert output.shape == (3, 5, 2, 4, 4)
    assert fold(output).data_ptr() == output.data_ptr()


# ---- Stack ---------------------------------------------------------------------------------------------------------


def stack(seeds, name="relu", **options):
    return Stack(seeds, lambda: activations.build(name), Initialization(**options))


def test_a_stack_draws_each_replica_by_its_seed_alone():
    together, alone = stack([5, 3, 5]), stack([3])
    for make in (lambda s: s.linear(7, 4), lambda s: s.conv(2, 3, 3), lambda s: s.linear(7, 4)):
        ours, lone = make(together), make(alone)
        assert torch.equal(ours.weight[1:2], lone.weight)
        assert torch.equal(ours.weight[0], ours.weight[2])
        assert not torch.isclose(ours.weight[0], ours.weight[1]).any()
        assert not ours.bias.any()


def test_no_two_layers_of_a_stack_are_drawn_alike():
    s = stack([0])
    assert not torch.isclose(s.linear(6, 6).weight, s.linear(6, 6).weight).any()


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 5 * 9), ("fan_out", 40 * 9)])
def test_the_fans_of_a_convolution_count_its_kernel(mode, fan):
    weight = stack(range(5), mode=mode).conv(5, 40, 3).weight
    assert weight.shape == (5, 40, 5, 3, 3)
    assert weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.05)


def test_the_fans_of_a_dense_layer():
    weight = stack(range(3), mode="fan_out").linear(30, 200).weight
    assert weight.shape == (3, 30, 200)
    assert weight.std().item() == pytest.approx((2 / 200) ** 0.5, rel=0.05)


def test_a_stack_gives_every_layer_an_activation_of_its_own():
    s = stack([0, 1], "prelu")
    first, second = s.activation(4), s.activation(6)
    assert first.weight.shape == (2, 4)
    assert second.weight.shape == (2, 6)
