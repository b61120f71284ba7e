"""Restricted Boltzmann machines with binary or noisy rectified hidden units (Nair & Hinton 2010), side by side."""

import torch
from torch import Tensor, nn

from activation_study.activations import Activation
from activation_study.errors import refuse
from activation_study.networks.layers import Stack, StackedLinear
from activation_study.seeds import Noise

HIDDEN_UNITS = ("sigmoid", "relu")


class RBM(nn.Module):
    """A machine on top of the layers below it, which are not trained.

    Its hidden units are binary where the activation is the sigmoid, and max(0, x + N(0, sigmoid(x))) where it is ReLU:
    sigmoid(x) is the noise's variance (Nair & Hinton 2010, Section 2). Visible pixels are Gaussian of unit variance;
    visible units that are hidden units of the layer below are of their kind.
    """

    def __init__(self, layers: list[tuple[StackedLinear, Activation]], noise: Noise) -> None:
        super().__init__()
        self.below = nn.Sequential(*(module for layer in layers[:-1] for module in layer))
        self.top, self.activation = layers[-1]
        self.visible_bias = nn.Parameter(torch.zeros(len(self.top.weight), 1, self.top.weight.shape[1]))
        self.noise = noise
        for parameter in self.below.parameters():
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """What the machine makes of the visible units that images set, without noise, (replicas, batch, visible)."""
        return self.visible(self.activation(self.top(self.seen(images))))

    def seen(self, images: Tensor) -> Tensor:
        """What the visible units are set to: pixels, or what the layers below make of them."""
        return self.below(images.flatten(2))

    def sample(self, inputs: Tensor) -> Tensor:
        """Hidden states drawn at the units' total inputs x, both (replicas, batch, hidden)."""
        if self.activation.name == "sigmoid":
            return (self.noise.draw(inputs, 0.0, 1.0) < self.activation(inputs)).to(inputs.dtype)
        return self.activation(inputs + self.noise.normal(inputs) * inputs.sigmoid().sqrt())

    def visible(self, hidden: Tensor) -> Tensor:
        """The means of the visible units given hidden states."""
        inputs = self.visible_bias + torch.matmul(hidden, self.top.weight.transpose(1, 2))
        return self.activation(inputs) if len(self.below) else inputs

    def energy(self, visible: Tensor, inputs: Tensor) -> Tensor:
        """The energy of visible states with the hidden units at their means, (replicas, batch).

        Up to terms without a parameter, and with the means as constants: its gradient is that of the free energy,
        -b v - sum of log(1 + e^x) over binary units, or over the copies that a rectified unit stands for.

        Args:
            visible: their states v.
            inputs: the total inputs x of the hidden units, `top(visible)`.
        """
        means = inputs.sigmoid() if self.activation.name == "sigmoid" else nn.functional.softplus(inputs)
        return -(visible * self.visible_bias).sum(2) - (inputs * means.detach()).sum(2)


def rbm_of(stack: Stack, inputs: int, depth: int, width: int) -> RBM:
    """A machine of so many hidden units, on top of depth - 1 layers of as many.

    Raises:
        StudyError: the activation is not one that the hidden units of a machine can have.
    """
    layers = []
    for _ in range(depth):
        layers.append((stack.linear(inputs, width), stack.activation(width)))
        inputs = width
    check_hidden_units(layers[-1][1].name)
    assert stack.noise is not None
    return RBM(layers, stack.noise)


def check_hidden_units(activation: str) -> None:
    """Refuses an activation that hidden units of a machine cannot have."""
    if activation not in HIDDEN_UNITS:
        text = "hidden units of an RBM are binary (sigmoid) or noisy rectified (relu); choose one of sigmoid, relu"
        refuse("activation.name", activation, text)
