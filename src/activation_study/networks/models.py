"""Networks built from an activation and a depth.

Each is a plain sequence of layers that a `Stack` makes; `depth` counts the layers that end in an activation, and one
linear layer follows that gives the logits. A network of the user's own is `own`, see `own`.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from torch import Tensor, nn

from activation_study.networks import own
from activation_study.networks.layers import Stack, StackedMaxPool2d
from activation_study.schema import DEPTH, WIDTH, group_of
from activation_study.schema.kinds import Choice
from activation_study.schema.signatures import options_of

Shape = tuple[int, int, int]
Depth = Annotated[int, DEPTH]
Width = Annotated[int, WIDTH]


class MeanOverMaps(nn.Module):
    """Global average pooling."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (replicas, batch, channels, h, w) to (replicas, batch, channels)."""
        return x.mean((-2, -1))


def mlp(stack: Stack, shape: Shape, classes: int, depth: Depth = 8, width: Width = 128) -> nn.Sequential:
    """Hidden layers of one width; 8 x 128 is the MNIST network of Clevert et al. 2016, Section 4.1."""
    channels, height, pixels = shape
    layers: list[nn.Module] = [nn.Flatten(2)]
    inputs = channels * height * pixels
    for _ in range(depth):
        layers += [stack.linear(inputs, width), stack.activation(width)]
        inputs = width
    return nn.Sequential(*layers, stack.linear(inputs, classes))


def convnet(stack: Stack, shape: Shape, classes: int, depth: Depth = 6, width: Width = 16) -> nn.Sequential:
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
    name, options = group_of(config, "model")
    if name == "own":
        return own.checked(config)
    make = MODELS[Choice([*MODELS, "own"], "network").read("model.name", name)]
    return make, options_of(make, skip=3, whose=name).read("model", options)
