"""Two convolutional networks as plain lists of layers, built in the study's way and in torch's."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.networks.layers import StackedConv2d, StackedLinear, fold, unfold
from activation_study.networks.models import MeanOverMaps

CLASSES = 10


class Conv(NamedTuple):
    """A square convolution that keeps the size, and ReLU."""

    channels_in: int
    channels_out: int
    size: int


class Pool(NamedTuple):
    """Pooling of stride 2 that rounds up."""

    function: Callable[..., Tensor]
    size: int


class Head(NamedTuple):
    """Mean over the maps, and a dense layer where the channels are no logits yet."""

    channels: int


CONVNET = (
    Conv(3, 16, 3), Conv(16, 16, 3), Pool(F.max_pool2d, 2), Conv(16, 32, 3), Conv(32, 32, 3), Pool(F.max_pool2d, 2),
    Conv(32, 64, 3), Conv(64, 64, 3), Head(64),
)  # fmt: skip
NIN = (
    Conv(3, 192, 5), Conv(192, 160, 1), Conv(160, 96, 1), Pool(F.max_pool2d, 3),
    Conv(96, 192, 5), Conv(192, 192, 1), Conv(192, 192, 1), Pool(F.avg_pool2d, 3),
    Conv(192, 192, 3), Conv(192, 192, 1), Conv(192, CLASSES, 1), Head(CLASSES),
)  # fmt: skip
Layers = tuple[Conv | Pool | Head, ...]


class Pooling(nn.Module):
    """Pools the maps of one network, (batch, channels, h, w), or of a stack, (replicas, batch, channels, h, w)."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of half the size."""
        pooled = self.pool.function(fold(x) if x.dim() == 5 else x, self.pool.size, 2, ceil_mode=True)
        return unfold(pooled, len(x)) if x.dim() == 5 else pooled


def stacked(layers: Layers, replicas: int) -> nn.Sequential:
    """The study's layers for (replicas, batch, 3, h, w)."""
    modules: list[nn.Module] = []
    for layer in layers:
        match layer:
            case Conv(fan_in, fan_out, size):
                std = (2 / (fan_in * size**2)) ** 0.5
                weight = torch.randn(replicas, fan_out, fan_in, size, size) * std
                modules += [StackedConv2d(weight, size // 2), nn.ReLU()]
            case Pool():
                modules += [Pooling(layer)]
            case Head(channels):
                modules += [MeanOverMaps()]
                if channels != CLASSES:
                    modules += [StackedLinear(torch.randn(replicas, channels, CLASSES) * channels**-0.5)]
    return nn.Sequential(*modules)


def plain(layers: Layers, groups: int = 1) -> nn.Sequential:
    """Plain layers for one network, or for several as groups of channels: (batch, groups * 3, h, w)."""
    modules: list[nn.Module] = []
    for layer in layers:
        match layer:
            case Conv(fan_in, fan_out, size):
                conv = nn.Conv2d(groups * fan_in, groups * fan_out, size, padding=size // 2, groups=groups)
                modules += [conv, nn.ReLU()]
            case Pool():
                modules += [Pooling(layer)]
            case Head(channels):
                modules += [nn.AdaptiveAvgPool2d(1)]
                if channels != CLASSES:
                    modules += [nn.Conv2d(groups * channels, groups * CLASSES, 1, groups=groups)]
    return nn.Sequential(*modules, nn.Flatten())


def convolutions(layers: Layers, size: int = 32) -> Iterator[tuple[Conv, int]]:
    """Every convolution with the height and width of its maps."""
    for layer in layers:
        if isinstance(layer, Conv):
            yield layer, size
        elif isinstance(layer, Pool):
            size = -(-(size - layer.size) // 2) + 1
