"""Many networks trained as one: layers whose weights carry a leading replica axis.

Activations have the shape (replicas, batch, channels, ...). No operation mixes replicas, so each is the network that it
would be alone. One baddbmm serves all dense layers of a depth, one grouped convolution all convolutions.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.activations import Activation
from activation_study.activations.base import Draw
from activation_study.networks.initialization import Initialization
from activation_study.seeds import Noise


class StackedLinear(nn.Module):
    """Dense layers side by side: weight (replicas, in, out), bias (replicas, 1, out)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter((torch.zeros_like(weight[:, 0]) if bias is None else bias).unsqueeze(1))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, in) to (replicas, batch, out)."""
        return torch.baddbmm(self.bias, x, self.weight)


class StackedConv2d(nn.Module):
    """Convolutions side by side, as one grouped convolution: weight (replicas, out, in, k, k), bias (replicas, out)."""

    def __init__(self, weight: Tensor, padding: int = 0, stride: int = 1, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(weight.shape[:2]) if bias is None else bias)
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, in, h, w) to (replicas, batch, out, h', w')."""
        replicas = self.weight.shape[0]
        images, kernels = fold(x), self.weight.flatten(0, 1)
        if x.device.type == "cpu":  # channels last takes less time, see results/benchmarks
            images, kernels = (t.contiguous(memory_format=torch.channels_last) for t in (images, kernels))
        z = F.conv2d(images, kernels, self.bias.flatten(), self.stride, self.padding, groups=replicas)
        return unfold(z, replicas)


AFFINE = (StackedLinear, StackedConv2d)


class StackedMaxPool2d(nn.Module):
    """Max pooling of every replica's maps."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False) -> None:
        super().__init__()
        self.size, self.stride, self.padding, self.ceil_mode = size, stride, padding, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to the same with smaller maps."""
        return unfold(self.pool(fold(x)), len(x))

    def pool(self, maps: Tensor) -> Tensor:
        """Of the maps of all replicas side by side."""
        return F.max_pool2d(maps, self.size, self.stride, self.padding, ceil_mode=self.ceil_mode)


class StackedAvgPool2d(StackedMaxPool2d):
    """Average pooling of every replica's maps; padding, and what hangs over the edge, do not count."""

    def pool(self, maps: Tensor) -> Tensor:  # noqa: D102
        return F.avg_pool2d(maps, self.size, self.stride, self.padding, self.ceil_mode, count_include_pad=False)


class StackedZeroPad2d(nn.ZeroPad2d):
    """torch's own, of every replica's maps: side by side they keep their order in memory."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to the same with larger maps."""
        return unfold(super().forward(fold(x)), len(x))


class StackedBatchNorm(nn.Module):
    """Batch normalisation (Ioffe & Szegedy 2015) of units or channels, by the statistics of each replica's own batch.

    weight and bias (replicas, channels); in evaluation the running statistics count, as in torch.
    """

    def __init__(self, replicas: int, channels: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(replicas, channels))
        self.bias = nn.Parameter(torch.zeros(replicas, channels))
        self.mean = nn.Buffer(torch.zeros(replicas, channels))
        self.variance = nn.Buffer(torch.ones(replicas, channels))
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, ...) to the same shape."""
        z = F.batch_norm(
            fold(x), self.mean.view(-1), self.variance.view(-1), self.weight.flatten(), self.bias.flatten(),
            self.training, self.momentum, self.epsilon,
        )  # fmt: skip
        return unfold(z, len(x))


class StackedDropout(nn.Module):
    """Sets a share of the values to zero in training and scales the others up; every replica draws for itself."""

    def __init__(self, rate: float, draw: Draw) -> None:
        super().__init__()
        self.rate, self.draw = rate, draw

    def forward(self, x: Tensor) -> Tensor:
        """Same shape; the values themselves in evaluation."""
        if not self.training or self.rate == 0:
            return x
        return x * (self.draw(x, 0.0, 1.0) >= self.rate) / (1 - self.rate)


class Residual(nn.Module):
    """What layers make of their input, added to that input, or to what a shortcut makes of it (He et al. 2016).

    The shortcut's layers count before the others, so that an activation behind the sum belongs to the last of them.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.shortcut = shortcut or nn.Identity()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Maps to the shape that both give."""
        return self.shortcut(x) + self.body(x)


def fold(x: Tensor) -> Tensor:
    """(replicas, batch, channels, ...) as (batch, replicas * channels, ...), the shape of a grouped convolution.

    `unfold` leaves its result in the memory order of the convolution, and elementwise functions keep it, so between
    two convolutions this copies nothing.
    """
    return x.transpose(0, 1).flatten(1, 2)


def unfold(x: Tensor, replicas: int) -> Tensor:
    """The reverse of `fold`, as a view."""
    return x.unflatten(1, (replicas, -1)).transpose(0, 1)


class Stack:
    """Makes the layers of a stack of networks, one replica per seed, each with its own draw of the weights.

    Args:
        seeds: one per replica; replicas may share a seed, and then differ in their learning rate.
        make_activation: gives a fresh activation, one per layer.
        initialization: the rule for the scale of the weights.
        noise: the replicas' random streams, for layers that draw in training.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        make_activation: Callable[[], Activation],
        initialization: Initialization,
        noise: Noise | None = None,
    ) -> None:
        self.seeds, self.make_activation, self.initialization = list(seeds), make_activation, initialization
        self.noise = noise
        self._gain_of = make_activation()
        self._layers = 0

    def linear(self, fan_in: int, fan_out: int) -> StackedLinear:
        """A dense layer."""
        return StackedLinear(self._weights((fan_in, fan_out), fan_in, fan_out), self._biases(fan_out))

    def conv(self, channels_in: int, channels_out: int, size: int, padding: int = 0, stride: int = 1) -> StackedConv2d:
        """A square convolution."""
        area = size * size
        shape = (channels_out, channels_in, size, size)
        weight = self._weights(shape, channels_in * area, channels_out * area)
        return StackedConv2d(weight, padding, stride, self._biases(channels_out))

    def activation(self, channels: int) -> Activation:
        """A fresh activation for a layer of so many units or channels."""
        activation = self.make_activation()
        activation.fit_to(len(self.seeds), channels, self.noise.draw if self.noise else None)
        return activation

    def batch_norm(self, channels: int) -> StackedBatchNorm:
        """Batch normalisation of so many units or channels."""
        return StackedBatchNorm(len(self.seeds), channels)

    def dropout(self, rate: float) -> StackedDropout:
        """Dropout of a share of the values."""
        assert self.noise is not None
        return StackedDropout(rate, self.noise.draw)

    def _weights(self, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Tensor:
        self._layers += 1
        std = self.initialization.standard_deviation(fan_in, fan_out, self._gain_of, layer=self._layers)
        return self._drawn(lambda seed: self.initialization.draw(shape, std, seed, self._layers))

    def _biases(self, units: int) -> Tensor:
        return self._drawn(lambda seed: self.initialization.draw_biases(units, seed, self._layers))

    def _drawn(self, draw: Callable[[int], Tensor]) -> Tensor:
        draws = {seed: draw(seed) for seed in set(self.seeds)}
        return torch.stack([draws[seed] for seed in self.seeds])
