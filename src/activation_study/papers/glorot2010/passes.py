"""One pass forward and back through networks that have not been trained, layer by layer.

The inputs are Gaussian noise, as many as a layer has units, and the labels are drawn: before training a network knows
nothing of its images, and so every layer, the first one too, follows one law.
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from hydra import compose
from torch import Tensor
from torch.nn import functional as F

from activation_study import activations
from activation_study.activations import Activation
from activation_study.config import settings
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack, StackedLinear
from activation_study.seeds import Noise, generator

ACTIVATIONS = ("sigmoid", "tanh", "relu", "lrelu", "vlrelu", "prelu", "rrelu", "elu")
RULES = {"glorot_standard": "standard", "xavier": "normalised", "he": "He"}  # initializations, as they are called here
CLASSES = 10
EXAMPLES = 300  # as many as the paper looks at
WEAK = 0.3  # standard deviation of the inputs from which tanh has the peak of about 1.4 that the paper's Figure 6 shows
BINS = 121  # of a histogram; odd, so that one lies around zero
REACH = 3.0  # how far it goes to both sides, in standard deviations of its widest layer


@dataclass(frozen=True)
class Layer:
    """What a pass leaves in a hidden layer.

    The errors of a deep network are smaller than float32 can be, so they are kept as a direction and a size.

    Attributes:
        weight: (inputs, units).
        inputs: of the layer, (examples, inputs).
        output: its activations f(z), (examples, units).
        slope: f'(z) as it was in this pass, (examples, units).
        error: gradient of every example's own loss with respect to z, divided by `size`, (examples, units).
        size: root mean square of that gradient.
    """

    weight: Tensor
    inputs: Tensor
    output: Tensor
    slope: Tensor
    error: Tensor
    size: float

    @property
    def gradient(self) -> Tensor:
        """Gradient of the mean loss with respect to the weights, divided by `size`, (inputs, units)."""
        return self.inputs.T @ self.error / len(self.error)


def forward_and_back(
    activation: str, rule: str, depth: int, width: int, seed: int, examples: int = EXAMPLES, signal: float = 1.0
) -> list[Layer]:
    """The hidden layers of a network with a softmax on top, from the input on.

    Args:
        activation: its name.
        rule: name of the initialization.
        depth: hidden layers.
        width: units of each, and inputs of the network.
        seed: of weights, inputs and labels; RReLU's slopes are those of the first training step.
        examples: how many pass.
        signal: standard deviation of the inputs.
    """
    chosen = settings(compose("train", [f"activation={activation}", f"init={rule}"]))
    noise = Noise([seed])
    stack = Stack(
        [seed], lambda: activations.build(**chosen["activation"]), Initialization.checked(chosen["init"]), noise
    )
    network = models.mlp(stack, (1, 1, width), CLASSES, depth, width)
    noise.at(0)
    x = signal * torch.randn(1, examples, width, generator=generator(seed, "inputs"))
    weights, inputs, outputs, slopes = [], [], [], []
    for module in network[1:].children():  # the first flattens images
        if isinstance(module, Activation):
            z = x.detach().requires_grad_()
            x = module(z)
            slopes.append(torch.autograd.grad(x.sum(), z)[0][0])
            outputs.append(x.detach()[0])
        else:
            assert isinstance(module, StackedLinear)
            weights.append(module.weight.detach()[0])
            inputs.append(x.detach()[0])
            with torch.no_grad():
                x = module(x)
    labels = torch.randint(CLASSES, (examples,), generator=generator(seed, "labels"))
    error, size = x.detach()[0].softmax(1) - F.one_hot(labels, CLASSES), 1.0
    layers = []
    for number in reversed(range(depth)):
        error = (error @ weights[number + 1].T) * slopes[number]
        rms = root_mean_square(error)
        error, size = error / rms, size * rms
        layers.append(Layer(weights[number], inputs[number], outputs[number], slopes[number], error, size))
    return layers[::-1]


def root_mean_square(values: Tensor) -> float:
    """Of all entries."""
    return float(values.double().square().mean().sqrt())


@functools.cache
def spread(depth: int, width: int, seeds: Sequence[int]) -> pd.DataFrame:
    """How far activations, errors and weight gradients of every layer spread.

    Returns:
        Columns init, activation, seed, layer, and for each of these the common logarithm of its standard deviation over
        examples and units, or over weights: forward, error, gradient.
    """
    rows = []
    for activation, rule, seed in itertools.product(ACTIVATIONS, RULES, seeds):
        layers = forward_and_back(activation, rule, depth, width, seed, EXAMPLES // 10, WEAK)
        for number, layer in enumerate(layers, 1):
            size = np.log10(layer.size)
            found = {"forward": layer.output, "error": layer.error, "gradient": layer.gradient}
            logarithms = {name: np.log10(float(values.double().std())) for name, values in found.items()}
            rows.append({"init": rule, "activation": activation, "seed": seed, "layer": number,
                         "forward": logarithms["forward"], "error": logarithms["error"] + size,
                         "gradient": logarithms["gradient"] + size})  # fmt: skip
    return pd.DataFrame(rows)


@functools.cache
def histograms(depth: int, width: int, seeds: Sequence[int]) -> pd.DataFrame:
    """The densities of activations, errors and weight gradients in networks of tanh.

    Returns:
        Columns quantity (forward, error, gradient), init, seed, layer, value (middle of a bin) and density.
    """
    ends: dict[tuple[str, str], float] = {}  # the same for all seeds
    parts = []
    for rule, seed in itertools.product(RULES, seeds):
        layers = forward_and_back("tanh", rule, depth, width, seed, signal=WEAK)
        for quantity in ("forward", "error", "gradient"):
            values = [_values(layer, quantity) for layer in layers]
            end = ends.setdefault((rule, quantity), REACH * max(float(each.std()) for each in values))
            edges = np.linspace(-end, end, BINS + 1)
            for number, each in enumerate(values, 1):
                density = np.histogram(each, edges)[0] / len(each) / (edges[1] - edges[0])
                parts.append(pd.DataFrame({"quantity": quantity, "init": rule, "seed": seed, "layer": number,
                                           "value": (edges[1:] + edges[:-1]) / 2, "density": density}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _values(layer: Layer, quantity: str) -> np.ndarray:
    found = {"forward": layer.output, "error": layer.error, "gradient": layer.gradient}[quantity]
    return found.double().flatten().numpy() * (1.0 if quantity == "forward" else layer.size)
