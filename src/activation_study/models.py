"""Networks built from an activation and a depth.

Each is a plain sequence of layers that a `Stack` makes; `depth` counts the layers that end in an activation, and one
linear layer follows that gives the logits. A network of the user's own is `own`, see `own_network`.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from activation_study import own_network
from activation_study.errors import StudyError
from activation_study.replicas import Stack, StackedMaxPool2d

Shape = tuple[int, int, int]


class MeanOverMaps(nn.Module):
    """Global average pooling."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to (replicas, batch, channels)."""
        return x.mean((-2, -1))


def mlp(stack: Stack, shape: Shape, classes: int, depth: int = 8, width: int = 128) -> nn.Sequential:
    """Hidden layers of one width; 8 x 128 is the MNIST network of Clevert et al. 2016, Section 4.1."""
    channels, height, pixels = shape
    layers: list[nn.Module] = [nn.Flatten(2)]
    inputs = channels * height * pixels
    for _ in range(depth):
        layers += [stack.linear(inputs, width), stack.activation(width)]
        inputs = width
    return nn.Sequential(*layers, stack.linear(inputs, classes))


def convnet(stack: Stack, shape: Shape, classes: int, depth: int = 6, width: int = 16) -> nn.Sequential:
    """3x3 convolutions in up to three stages, each with half the resolution and twice the channels of the one before.

    The convolutions are spread evenly over the stages, earlier stages taking the remainder. Max pooling stands between
    stages, global average pooling before the logits; there is no normalisation, so the activation and the
    initialization alone keep the signal alive.
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
            layers += [stack.conv(channels, width << stage, 3, padding=1), stack.activation(width << stage)]
            channels = width << stage
    return nn.Sequential(*layers, MeanOverMaps(), stack.linear(channels, classes))


MODELS: dict[str, Callable[..., nn.Module]] = {"mlp": mlp, "convnet": convnet}


def build(config: Mapping[str, object], stack: Stack, shape: Shape, classes: int) -> nn.Module:
    """The network that a configuration names, from a stack's layers.

    Args:
        config: `name` and the options of that network, such as depth and width.
        stack: makes the layers.
        shape: channels, height and width of an image.
        classes: number of logits.

    Raises:
        StudyError: as `checked` does.
    """
    make, options = checked(config)
    return make(stack, shape, classes, **options)


def checked(config: Mapping[str, object]) -> tuple[Callable[..., nn.Module], dict[str, Any]]:
    """The function that makes the network that a configuration names, and its options.

    Raises:
        StudyError: unknown name or option, a size that is not a whole number of at least 1, or code of the user's own
            that is not usable.
    """
    options = dict(config)
    name = str(options.pop("name"))
    if name == "own":
        return own_network.checked(config)
    if name not in MODELS:
        raise StudyError(f"model.name={name}: no such network; choose one of {', '.join(MODELS)}, own.")
    known = list(inspect.signature(MODELS[name]).parameters)[3:]
    for key, value in options.items():
        if key not in known:
            raise StudyError(f"model.{key}: {name} has no such option; its options: {', '.join(known)}.")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise StudyError(f"model.{key}={value}: {name} needs a whole number of at least 1.")
    return MODELS[name], options
