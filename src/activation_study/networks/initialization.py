"""Weight scales: which standard deviation the weights of a layer start from, given its fan and its activation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NoReturn

import torch
from torch import Tensor

from activation_study.activations import Activation
from activation_study.errors import refuse
from activation_study.networks.mean_field import edge_of_chaos
from activation_study.schema.compounds import Nullable, Table
from activation_study.schema.kinds import Choice, Number, Whole
from activation_study.schema.signatures import options_of
from activation_study.seeds import generator

FAN_MODES = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
}
# n Var[w] of each rule, where n is the fan that its mode chooses; of an activation, and the biases' standard deviation.
SCALED_VARIANCE = {
    # He et al. 2015, Eqns. 10 and 15. No activation has halved the pixels, so the layer that sees them would need 1;
    # the paper gives it the factor of the others "for simplicity", since that of one layer alone does no harm.
    "he": lambda activation, bias_std: activation.he_gain**2,
    "xavier": lambda activation, bias_std: 1.0,  # Glorot & Bengio 2010, Eqn. 16, with fan_avg and uniform weights
    "glorot_standard": lambda activation, bias_std: 1 / 3,  # Glorot & Bengio 2010, Eqn. 1; torch's own default
    "lecun": lambda activation, bias_std: 1.0,  # LeCun et al. 1998, Section 4.6
    "unit_variance": lambda activation, bias_std: activation.forward_gain**2,  # exact, by quadrature
    "edge_of_chaos": lambda activation, bias_std: _on_the_edge(activation, bias_std),  # Schoenholz et al. 2017
}
BIAS_STDS = (0, 0.05, 0.1, 0.2, 0.5, 1)  # which are tried before an activation is said to have no edge of chaos
OF_PIXELS = {"unit_variance": 1.0}  # n Var[w] where a layer's inputs are pixels of unit variance, if it is another


@dataclass(frozen=True)
class Initialization:
    """A rule for the scale of the weights, and of the biases.

    Attributes:
        name: he, xavier, glorot_standard, lecun, unit_variance, edge_of_chaos, or normal (a fixed standard deviation).
        mode: the fan that scales the weights: fan_in, fan_out or fan_avg.
        distribution: normal or uniform.
        std: the standard deviation, for `normal` only.
        by_layer: other standard deviations for some layers, which are numbered from 1 at the input.
        bias_std: the standard deviation of the biases, which are normal; it chooses the point of edge_of_chaos.
    """

    name: Annotated[str, Choice([*SCALED_VARIANCE, "normal"])] = "he"
    mode: Annotated[str, Choice(FAN_MODES)] = "fan_in"
    distribution: Annotated[str, Choice(["normal", "uniform"])] = "normal"
    std: Annotated[float | None, Nullable(Number(above=0))] = None
    by_layer: Annotated[Mapping[int, float] | None, Nullable(Table(Whole(1), Number(above=0), "{1: 0.001}"))] = None
    bias_std: Annotated[float, Number(at_least=0)] = 0.0

    def __post_init__(self) -> None:
        """Refuses what does not exist, in one sentence."""
        options_of(Initialization).read("init", vars(self))
        if (self.name == "normal") != (self.std is not None):
            refuse("init.std", self.std, "init=normal needs a number, and the other rules need none")

    @classmethod
    def checked(cls, config: Mapping[str, object]) -> "Initialization":
        """The rule that a configuration names.

        Raises:
            StudyError: unknown name or option, or a value that is not possible.
        """
        return cls(**options_of(cls, whose=f"init={config['name']}").read("init", config))

    def check_gain(self, activation: Activation, called: str) -> None:
        """Refuses an activation that passes on so little, or so much, that no weights could make up for it."""
        if self.name == "edge_of_chaos" and edge_of_chaos(activation, self.bias_std) is None:
            self._refuse_edge(activation, called)
        try:
            scale = self.standard_deviation(1, 1, activation)
        except (ZeroDivisionError, OverflowError):
            scale = math.inf
        if not Number(above=0).holds(scale):
            text = f"{called} with these options needs weights of the scale {scale:g}; give another"
            refuse("init.name", self.name, text)

    def _refuse_edge(self, activation: Activation, called: str) -> NoReturn:
        possible = [f"{std:g}" for std in BIAS_STDS if edge_of_chaos(activation, std)]
        if possible:
            text = f"{called} with these options has no edge of chaos at such biases; give one such as"
            refuse("init.bias_std", self.bias_std, f"{text} {', '.join(possible)}")
        others = ", ".join(name for name in (*SCALED_VARIANCE, "normal") if name != self.name)
        text = f"{called} with these options has no edge of chaos, whatever its biases; choose one of {others}"
        refuse("init.name", self.name, text)

    def standard_deviation(self, fan_in: int, fan_out: int, activation: Activation, layer: int | None = None) -> float:
        """The standard deviation of a layer's weights.

        Args:
            fan_in: inputs of a unit: width, or channels x kernel area.
            fan_out: units that an input feeds: width, or output channels x kernel area.
            activation: the activation of the network, which sets the gain of all rules that depend on it.
            layer: its number; the inputs of layer 1 are standardised pixels instead of an activation's output.
        """
        if self.by_layer and layer is not None and layer in self.by_layer:
            return self.by_layer[layer]
        if self.std is not None:
            return self.std
        scaled = SCALED_VARIANCE[self.name](activation, self.bias_std)
        if layer == 1:
            scaled = OF_PIXELS.get(self.name, scaled)
        return math.sqrt(scaled / FAN_MODES[self.mode](fan_in, fan_out))

    def draw(self, shape: tuple[int, ...], standard_deviation: float, seed: int, layer: int) -> Tensor:
        """The weights of one layer of one replica, on the CPU.

        The same seed and layer give the same draw for every activation and rule, up to its scale.
        """
        weights, stream = torch.empty(shape), generator(seed, "weights", layer)
        if self.distribution == "normal":
            return weights.normal_(generator=stream).mul_(standard_deviation)
        return weights.uniform_(-1, 1, generator=stream).mul_(math.sqrt(3) * standard_deviation)

    def draw_biases(self, units: int, seed: int, layer: int) -> Tensor:
        """The biases of one layer of one replica, on the CPU."""
        if not self.bias_std:
            return torch.zeros(units)
        return torch.empty(units).normal_(generator=generator(seed, "biases", layer)).mul_(self.bias_std)


def _on_the_edge(activation: Activation, bias_std: float) -> float:
    network = edge_of_chaos(activation, bias_std)
    assert network is not None, "`check_gain` refuses this"
    return network.sigma_w**2
