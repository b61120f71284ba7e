"""The convolutional networks of the papers, at their published sizes and in proportion narrower ones.

`width` is the number of channels of the first layer; all other widths are in proportion to it. `depth` counts the
layers that end in an activation, as everywhere.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.errors import refuse
from activation_study.networks.layers import (
    Residual,
    Stack,
    StackedAvgPool2d,
    StackedMaxPool2d,
    StackedZeroPad2d,
    fold,
    unfold,
)
from activation_study.schema import WIDTH
from activation_study.schema.kinds import Choice, EveryFew, Number, Whole

Shape = tuple[int, int, int]
Width = Annotated[int, WIDTH]
Share = Annotated[float, Number(at_least=0, below=1)]


class MeanOverMaps(nn.Module):
    """Global average pooling."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to (replicas, batch, channels)."""
        return x.mean((-2, -1))


def nin(
    stack: Stack, shape: Shape, outputs: int, depth: Annotated[int, Choice((8, 9), "depth of NIN")] = 9,
    width: Width = 192, second_pool: Literal["average", "max"] = "average", dropout: Share = 0.5,
) -> nn.Sequential:  # fmt: skip
    """Network in Network (Lin et al. 2013) on CIFAR, as Xu et al. 2015 use it: three blocks with 1x1 convolutions.

    Pooling rounds up, 32 to 16 to 8, as in the frameworks of its time. With a depth of 9 an activation stands behind
    the last convolution too, before the mean over its maps, as its authors have it; with 8 the logits are linear.
    """
    blocks = [[(192, 5), (160, 1), (96, 1)], [(192, 5), (192, 1), (192, 1)], [(192, 3), (192, 1)]]
    pools = {"average": StackedAvgPool2d, "max": StackedMaxPool2d}
    layers: list[nn.Module] = []
    channels = shape[0]
    for number, block in enumerate(blocks):
        for published, size in block:
            layers += _convolution(stack, channels, of := _scaled(published, width / 192), size)
            channels = of
        if number < 2:
            pool = StackedMaxPool2d if number == 0 else pools[second_pool]
            layers += [pool(3, stride=2, ceil_mode=True), stack.dropout(dropout)]
    layers.append(stack.conv(channels, outputs, 1))
    if depth == 9:
        layers.append(stack.activation(outputs))
    return nn.Sequential(*layers, MeanOverMaps())


# Clevert et al. 2016, Sections 4.3 and 4.4: stacks of (channels, size of the kernel); the last one gives the logits.
# Keys: the convolutions before it, each of which ends in an activation.
ELU_STACKS: dict[int, list[list[tuple[int, int]]]] = {
    10: [[(192, 5)], [(192, 1), (240, 3)], [(240, 1), (260, 2)], [(260, 1), (280, 2)], [(280, 1), (300, 2)],
         [(300, 1)]],
    18: [[(384, 3)], [(384, 1), (384, 2), (640, 2), (640, 2)], [(640, 1), (768, 2), (768, 2), (768, 2)],
         [(768, 1), (896, 2), (896, 2)], [(896, 3), (1024, 2), (1024, 2)], [(1024, 1), (1152, 2)], [(1152, 1)]],
}  # fmt: skip
ELU_DROPOUT = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.0)  # behind each stack


def elu_net(
    stack: Stack, shape: Shape, outputs: int, depth: Annotated[int, Choice(ELU_STACKS, "depth of elu_net")] = 10,
    width: Width = 192, batch_norm: bool = False, dropout: Annotated[float, Number(at_least=0, below=2)] = 1.0,
    padded: bool = True,
) -> nn.Sequential:  # fmt: skip
    """The networks of 11 and 18 layers of Clevert et al. 2016; a depth of 10 or 18, and a convolution for the logits.

    The paper's list of the larger one has 19 convolutions. What it leaves open is whether 2x2 kernels see a border:
    with one, maps keep their size and five 2x2 poolings behind the first five stacks lead from 32 to 1. Without one,
    four poolings behind the stacks 2 to 5 do so in the smaller network (padded=false).

    Args:
        stack: makes the layers.
        shape: channels, height and width of an image.
        outputs: classes.
        depth: 10 or 18.
        width: channels of the first layer; published are 192, and 384 for a depth of 18.
        batch_norm: whether every convolution but the last is normalised.
        dropout: what the paper's rates, 0 to 0.5 by stack, are multiplied by; 1.5 at the end of its training.
        padded: whether 2x2 kernels see a border of zeros, on the right and below.
    """
    if not padded and depth == 18:
        refuse(
            "model.padded", padded, "without a border the maps of the network of 18 layers come to an end; give true"
        )
    share = width / ELU_STACKS[depth][0][0][0]
    pooled = range(5) if padded else range(1, 5)
    layers: list[nn.Module] = []
    channels = shape[0]
    for number, (convolutions, rate) in enumerate(zip(ELU_STACKS[depth], ELU_DROPOUT, strict=False)):
        for published, size in convolutions:
            of = _scaled(published, share)
            layers += _convolution(stack, channels, of, size, batch_norm, keeps_size=padded or size % 2 == 1)
            channels = of
        if number in pooled:
            layers.append(StackedMaxPool2d(2, ceil_mode=padded))
        if rate * dropout:
            layers.append(stack.dropout(min(rate * dropout, 0.9)))
    return nn.Sequential(*layers, stack.conv(channels, outputs, 1), MeanOverMaps())


# He et al. 2015. Images of less than 64 pixels are seen without the first layer's stride of 2.
def plain(
    stack: Stack, shape: Shape, outputs: int, depth: Annotated[int, Whole(8, 10_000)] = 13, width: Width = 64,
    dropout: Share = 0.5,
) -> nn.Sequential:  # fmt: skip
    """The plain network of Table 1 of He et al. 2015, and deeper ones: 7x7 (64), 4 of 2x2 (128), the rest 2x2 (256).

    Max pooling over a pyramid of bins and three dense layers follow. A depth of 13 is their network of 14 weight layers
    with 6 convolutions in the last stage, 29 that of 30 layers with 22 of them. `dropout` is that of two dense layers.
    """
    stages = [(4, 128, 2), (depth - 7, 256, 2)]
    return _plain(stack, shape, outputs, width, width / 64, 3, stages, (6, 3, 2, 1), dropout)


def plain_large(
    stack: Stack, shape: Shape, outputs: int, depth: Annotated[int, EveryFew(3, 6)] = 21, width: Width = 96,
    dropout: Share = 0.5,
) -> nn.Sequential:  # fmt: skip
    """The plain networks of Table 3 of He et al. 2015: 7x7 (96), then three equal stages of 3x3 (256, 512, 512).

    A depth of 18 is their model A of 19 weight layers, 21 their model B of 22. The rest is as in `plain`.
    """
    stages = [((depth - 3) // 3, channels, 3) for channels in (256, 512, 512)]
    return _plain(stack, shape, outputs, width, width / 96, 2, stages, (7, 3, 2, 1), dropout)


def _plain(
    stack: Stack, shape: Shape, outputs: int, width: int, share: float, first_pool: int,
    stages: Sequence[tuple[int, int, int]], bins: Sequence[int], dropout: float,
) -> nn.Sequential:  # fmt: skip
    """Stages of so many convolutions of so many channels and a kernel of that size."""
    layers: list[nn.Module] = [stack.conv(shape[0], width, 7, padding=3, stride=2 if min(shape[1:]) >= 64 else 1)]
    layers += [stack.activation(width), StackedMaxPool2d(first_pool, ceil_mode=True)]
    channels = width
    for number, (count, published, size) in enumerate(stages):
        if number > 0:
            layers.append(StackedMaxPool2d(2, ceil_mode=True))
        for _ in range(count):
            layers += _convolution(stack, channels, of := _scaled(published, share), size)
            channels = of
    layers.append(Pyramid(bins))
    inputs, units = channels * sum(size * size for size in bins), _scaled(4096, share)
    for _ in range(2):
        layers += [stack.linear(inputs, units), stack.activation(units), stack.dropout(dropout)]
        inputs = units
    return nn.Sequential(*layers, stack.linear(inputs, outputs))


class Pyramid(nn.Module):
    """Max pooling into grids of so many by so many bins, whatever the size of the maps (He et al. 2014)."""

    def __init__(self, bins: Sequence[int]) -> None:
        super().__init__()
        self.bins = tuple(bins)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to (replicas, batch, channels * bins)."""
        grids = [unfold(F.adaptive_max_pool2d(fold(x), size), len(x)).flatten(2) for size in self.bins]
        return torch.cat(grids, 2)


def resnet(
    stack: Stack, shape: Shape, outputs: int, depth: Annotated[int, EveryFew(6, 7)] = 19, width: Width = 16,
    batch_norm: bool = True,
) -> nn.Sequential:  # fmt: skip
    """The residual networks of He et al. 2016 on CIFAR: three stages of blocks of two 3x3 convolutions.

    A depth of 19 is their network of 20 layers, with three blocks a stage. Shortcuts have no parameters (option A).
    """
    blocks = (depth - 1) // 6
    layers = _convolution(stack, shape[0], width, 3, batch_norm)
    channels = width
    for stage in range(3):
        for block in range(blocks):
            of, stride = width << stage, 2 if stage > 0 and block == 0 else 1
            body = _convolution(stack, channels, of, 3, batch_norm, stride=stride)
            body += _convolution(stack, of, of, 3, batch_norm)
            *before_sum, activation = body
            shortcut = Shortcut(stride, of - channels) if stride > 1 else None
            layers += [Residual(nn.Sequential(*before_sum), shortcut), activation]
            channels = of
    return nn.Sequential(*layers, MeanOverMaps(), stack.linear(channels, outputs))


class Shortcut(nn.Module):
    """Every so-many-th pixel, and zeros for the channels that are new."""

    def __init__(self, stride: int, more: int) -> None:
        super().__init__()
        self.stride, self.more = stride, more

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to smaller ones with more channels."""
        seen = x[..., :: self.stride, :: self.stride]
        if x.device.type != "cpu":
            return F.pad(seen, (0, 0, 0, 0, 0, self.more))
        # Channels last in memory, as the convolutions leave them; a sum of two orders takes several times as long.
        return F.pad(seen.permute(1, 3, 4, 0, 2), (0, self.more)).permute(3, 0, 4, 1, 2)


def _convolution(
    stack: Stack, channels: int, of: int, size: int, batch_norm: bool = False, stride: int = 1, keeps_size: bool = True
) -> list[nn.Module]:
    """A convolution and its activation; a kernel of even size sees a border on the right and below."""
    padding = (size - 1) // 2 if keeps_size else 0
    layers: list[nn.Module] = []
    if keeps_size and size % 2 == 0:
        layers.append(StackedZeroPad2d((0, 1, 0, 1)))
    layers.append(stack.conv(channels, of, size, padding, stride))
    if batch_norm:
        layers.append(stack.batch_norm(of))
    return [*layers, stack.activation(of)]


def _scaled(published: int, share: float) -> int:
    return max(1, round(published * share))
