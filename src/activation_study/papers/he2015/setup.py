"""What the items share: the networks of 14, 22 and 30 weight layers, and how their weights begin."""

from typing import NamedTuple

from activation_study.networks.tailoring import tailored_slope
from activation_study.papers.item import Scale

HE = "init=he init.mode=fan_out"
XAVIER = "init=xavier init.mode=fan_out init.distribution=normal"


class Network(NamedTuple):
    """A plain network of the paper.

    Attributes:
        layers: weight layers.
        model: name of its family.
        width: channels of its first layer, as published.
    """

    layers: int
    model: str
    width: int

    @property
    def depth(self) -> int:
        """Layers that end in an activation."""
        return self.layers - 1


FOURTEEN, TWENTY_TWO, THIRTY = Network(14, "plain", 64), Network(22, "plain_large", 96), Network(30, "plain", 64)
DENSE = (0.01, 0.01, 0.064)  # standard deviations of the weights of the three dense layers at the published width
DENSE_SAID = (
    "As in the paper the dense layers begin with weights of standard deviation 0.01, 0.01 and 0.001; the last one with "
    "0.064, since our pixels are standardised and the paper's are not: theirs spread about 64 times as far. In "
    "narrower networks these three are larger, so that what goes through the layers is the same."
)
IMAGES_SAID = (
    "CIFAR-10 stands for ImageNet: the first layer has no stride, for the images are small, and with 10 classes chance "
    "is an error of 90 %. Kernels of 2x2 see zeros on the right and below."
)


def begin(network: Network, rule: str, width: int) -> list[str]:
    """What chooses a network and how its weights begin.

    Args:
        network: it.
        rule: overrides that choose the initialization of its convolutions.
        width: channels of its first layer.
    """
    wider = (network.width / width) ** 0.5
    stds = {network.layers - 2 + place: f"{std * wider:.6g}" for place, std in enumerate(DENSE)}
    by_layer = ",".join(f"{layer}:{std}" for layer, std in stds.items())
    return [f"model={network.model}", f"model.depth={network.depth}", *rule.split(), f"init.by_layer={{{by_layer}}}"]


def tailored(network: Network) -> str:
    """A leaky rectifier with the slope that Zhang, Botev & Martens 2022 tailor to a network's depth."""
    return f"activation=lrelu activation.slope={tailored_slope(network.depth):.6f}"


def width_of(scale: Scale, network: Network) -> int:
    """Channels of the first layer at a scale."""
    return int(scale.value("model.width") or network.width)
