"""Many networks trained as one: layers whose weights carry a leading replica axis.

Activations have the shape (replicas, batch, channels, ...). No operation mixes replicas, so each is the network that it
would be alone. One baddbmm serves all dense layers of a depth, one grouped convolution all convolutions.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.activations import Activation
from activation_study.networks.initialization import Initialization
from activation_study.seeds import Noise


class StackedLinear(nn.Module):
    """Dense layers side by side: weight (replicas, in, out), bias (replicas, 1, out)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        replicas, _, units = weight.shape
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(replicas, 1, units))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, in) to (replicas, batch, out)."""
        return torch.baddbmm(self.bias, x, self.weight)


class StackedConv2d(nn.Module):
    """Convolutions side by side, as one grouped convolution: weight (replicas, out, in, k, k), bias (replicas, out)."""

    def __init__(self, weight: Tensor, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(weight.shape[:2]))
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, in, h, w) to (replicas, batch, out, h', w')."""
        replicas = self.weight.shape[0]
        images, kernels = fold(x), self.weight.flatten(0, 1)
        if x.device.type == "cpu":  # channels last takes less time, see results/benchmarks
            images, kernels = (t.contiguous(memory_format=torch.channels_last) for t in (images, kernels))
        z = F.conv2d(images, kernels, self.bias.flatten(), padding=self.padding, groups=replicas)
        return unfold(z, replicas)


AFFINE = (StackedLinear, StackedConv2d)


class StackedMaxPool2d(nn.Module):
    """Max pooling of every replica's maps."""

    def __init__(self, size: int, stride: int | None = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.size, self.stride, self.ceil_mode = size, stride, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to the same with smaller maps."""
        return unfold(F.max_pool2d(fold(x), self.size, self.stride, ceil_mode=self.ceil_mode), len(x))


def fold(x: Tensor) -> Tensor:
    """(replicas, batch, channels, h, w) as (batch, replicas * channels, h, w), the shape of a grouped convolution.

    `unfold` leaves its result in the memory order of the convolution, and elementwise functions keep it, so between
    two convolutions this copies nothing.
    """
    return x.transpose(0, 1).flatten(1, 2)


def unfold(x: Tensor, replicas: int) -> Tensor:
    """The reverse of `fold`, as a view."""
    return x.unflatten(1, (replicas, -1)).transpose(0, 1)


class Stack:
    """Makes the layers of a stack of networks, one replica a seed, each with its own draw of the weights.

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
        return StackedLinear(self._weights((fan_in, fan_out), fan_in, fan_out))

    def conv(self, channels_in: int, channels_out: int, size: int, padding: int = 0) -> StackedConv2d:
        """A square convolution of stride 1."""
        area = size * size
        shape = (channels_out, channels_in, size, size)
        return StackedConv2d(self._weights(shape, channels_in * area, channels_out * area), padding)

    def activation(self, channels: int) -> Activation:
        """A fresh activation for a layer of so many units or channels."""
        activation = self.make_activation()
        activation.fit_to(len(self.seeds), channels, self.noise.draw if self.noise else None)
        return activation

    def _weights(self, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Tensor:
        self._layers += 1
        std = self.initialization.standard_deviation(fan_in, fan_out, self._gain_of, sees_pixels=self._layers == 1)
        draws = {seed: self.initialization.draw(shape, std, seed, self._layers) for seed in set(self.seeds)}
        return torch.stack([draws[seed] for seed in self.seeds])
