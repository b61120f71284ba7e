"""Networks built from an activation and a depth.

Each is made of layers that a `Stack` makes. `depth` counts the layers that end in an activation, those of the encoder
in an autoencoder, and one linear layer follows that gives the logits, or the pixels. The papers' convolutional networks
are in `convolutional`; one of the user's own is `own`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from torch import nn

from activation_study.networks import own
from activation_study.networks.convolutional import MeanOverMaps, elu_net, nin, plain, plain_large, resnet
from activation_study.networks.layers import Stack, StackedMaxPool2d
from activation_study.networks.rbm import RBM, rbm_of
from activation_study.schema import DEPTH, WIDTH, group_of
from activation_study.schema.kinds import Choice, Number
from activation_study.schema.signatures import options_of

Shape = tuple[int, int, int]
Depth = Annotated[int, DEPTH]
Width = Annotated[int, WIDTH]
SHARE = Number(at_least=0, below=1)


def mlp(
    stack: Stack, shape: Shape, outputs: int, depth: Depth = 8, width: Width = 128, batch_norm: bool = False,
    dropout: Annotated[float, SHARE] = 0.0,
) -> nn.Sequential:  # fmt: skip
    """Hidden layers of one width; 8 x 128 is the MNIST network of Clevert et al. 2016, Section 4.1."""
    return nn.Sequential(nn.Flatten(2), *_dense(stack, math.prod(shape), [width] * depth, outputs, batch_norm, dropout))


def autoencoder(
    stack: Stack, shape: Shape, outputs: int, depth: Depth = 4, width: Width = 1000, code: Width = 30
) -> nn.Sequential:
    """Encoder layers of half the width of the one before, a code, and a decoder that mirrors them.

    1000-500-250-30 is that of Clevert et al. 2016, Section 4.2. An activation ends every layer but the last one.
    """
    encoder = [max(1, width >> layer) for layer in range(depth - 1)] + [code]
    return nn.Sequential(nn.Flatten(2), *_dense(stack, math.prod(shape), encoder + encoder[-2::-1], outputs))


def _dense(
    stack: Stack, inputs: int, widths: Sequence[int], outputs: int, batch_norm: bool = False, dropout: float = 0.0
) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(stack.linear(inputs, width))
        if batch_norm:
            layers.append(stack.batch_norm(width))
        layers.append(stack.activation(width))
        if dropout:
            layers.append(stack.dropout(dropout))
        inputs = width
    return [*layers, stack.linear(inputs, outputs)]


def convnet(
    stack: Stack, shape: Shape, outputs: int, depth: Depth = 6, width: Width = 16, batch_norm: bool = False
) -> nn.Sequential:
    """3x3 convolutions in up to three stages, each with half the resolution and twice the channels of the one before.

    The convolutions are spread evenly over the stages, earlier stages taking the remainder. Max pooling stands between
    stages, global average pooling before the logits; without normalisation, which is the default, the activation and
    the initialization alone keep the signal alive.
    """
    channels, size = shape[0], min(shape[1:])
    stages = min(3, depth)
    while size >> (stages - 1) < 4 and stages > 1:  # no maps smaller than 4 x 4
        stages -= 1
    layers: list[nn.Module] = []
    for stage in range(stages):
        if stage > 0:
            layers.append(StackedMaxPool2d(2))
        for _ in range(depth // stages + (stage < depth % stages)):
            layers.append(stack.conv(channels, width << stage, 3, padding=1))
            if batch_norm:
                layers.append(stack.batch_norm(width << stage))
            layers.append(stack.activation(width << stage))
            channels = width << stage
    return nn.Sequential(*layers, MeanOverMaps(), stack.linear(channels, outputs))


def rbm(stack: Stack, shape: Shape, outputs: int, depth: Depth = 1, width: Width = 1000) -> RBM:
    """A restricted Boltzmann machine, on top of layers that machines before it have trained (model.start_from)."""
    return rbm_of(stack, math.prod(shape), depth, width)


MODELS: dict[str, Callable[..., nn.Module]] = {
    "mlp": mlp, "convnet": convnet, "nin": nin, "elu_net": elu_net, "plain": plain, "plain_large": plain_large,
    "resnet": resnet, "autoencoder": autoencoder, "rbm": rbm,
}  # fmt: skip


def build(config: Mapping[str, object], stack: Stack, shape: Shape, outputs: int) -> nn.Module:
    """The network that a configuration names, from a stack's layers.

    Args:
        config: `name` and the options of that network, such as depth and width.
        stack: makes the layers.
        shape: channels, height and width of an image.
        outputs: units that it ends in: classes, or pixels.

    Raises:
        StudyError: as `checked` does.
    """
    make, options = checked(config)
    return make(stack, shape, outputs, **options)


def checked(config: Mapping[str, object]) -> tuple[Callable[..., nn.Module], dict[str, Any]]:
    """The function that makes the network that a configuration names, and its options.

    Raises:
        StudyError: unknown name or option, a size that is not a whole number of at least 1, or code of the user's own
            that is not usable.
    """
    name, options = group_of({key: value for key, value in config.items() if key != "start_from"}, "model")
    if name == "own":
        return own.checked({"name": name, **options})
    make = MODELS[Choice([*MODELS, "own"], "network").read("model.name", name)]
    return make, options_of(make, skip=3, whose=name).read("model", options)
