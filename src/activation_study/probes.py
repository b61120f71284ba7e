"""What is measured inside a network, layer by layer, while it trains.

A layer is an affine map and the activation that follows it, numbered from 1 at the input; the last one gives the logits
and has no activation. A probe reads what the training step has computed anyway, so watching changes nothing: no extra
forward pass, no random number, nothing written to the network.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from activation_study.activations import Activation
from activation_study.activations.base import indicator
from activation_study.replicas import AFFINE

QUANTITIES = (
    "grad_norm",  # L2 norm of the batch loss's gradient with respect to the layer's weights (biases left out)
    "error_rms",  # root mean square of one example's loss gradient with respect to its pre-activations
    "mean",  # of the activations f(z)
    "std",  # of the activations f(z), over examples and units together
    "slope_mean",  # mean of f'(z)
    "saturated",  # share of pre-activations where f is flat because it nears a bound
    "inactive",  # share of pre-activations z <= 0
    "sparsity",  # share of activations that are exactly zero
    "learned_slope",  # mean learned slope, where there is one
)


@dataclass(frozen=True)
class Layer:
    """One layer under observation."""

    affine: nn.Module
    activation: Activation | None = None


def layers_of(network: nn.Module) -> list[Layer]:
    """The layers of a network whose modules are registered in the order in which they run."""
    layers: list[Layer] = []
    for module in network.modules():
        if isinstance(module, AFFINE):
            layers.append(Layer(module))
        elif isinstance(module, Activation) and layers:
            layers[-1] = Layer(layers[-1].affine, module)
    return layers


# A quantity as it is measured: a sum or norm of every replica, and the factor that makes the quantity of it.
Measured = dict[str, tuple[Tensor, float]]


class Probe:
    """Watches the layers of a stack of networks.

    Every tensor is measured as soon as it is there, while it still lies in the processor's cache: measuring the layers
    afterwards takes nearly twice the time.
    """

    def __init__(self, network: nn.Module) -> None:
        self.layers = layers_of(network)
        self._measured: list[Measured] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measures the pass that is made inside, forward and backward."""
        self._measured = [{} for _ in self.layers]
        handles = []
        for layer, measured in zip(self.layers, self._measured, strict=True):
            handles.append(layer.affine.register_forward_hook(_measure_affine(layer, measured)))
            if layer.activation is not None:
                handles.append(layer.activation.register_forward_hook(_measure_activation(measured)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._measured = []

    @torch.no_grad()
    def measure(self) -> Tensor:
        """Every quantity of every layer after a backward pass, shape (replicas, layers, len(QUANTITIES)).

        The backward pass must have been that of a loss that is a mean over the batch, and inside `watching`.
        Stays on the device; entries that do not exist for a layer are NaN, and all of a layer whose activations are no
        longer finite.
        """
        for layer, measured in zip(self.layers, self._measured, strict=True):
            gradient = layer.affine.weight.grad
            assert isinstance(gradient, Tensor)
            measured["grad_norm"] = torch.linalg.vector_norm(gradient.flatten(1), dim=1), 1.0
        absent = torch.full_like(self._measured[0]["mean"][0], torch.nan), 1.0
        pairs = [measured.get(quantity, absent) for measured in self._measured for quantity in QUANTITIES]
        sums, factors = zip(*pairs, strict=True)
        values = torch.cat(sums).view(len(sums), -1) * torch.tensor(factors, device=sums[0].device).unsqueeze(1)
        values = values.T.unflatten(1, (len(self.layers), len(QUANTITIES)))
        diverged = ~torch.isfinite(values[..., QUANTITIES.index("mean")])
        return values.masked_fill(diverged.unsqueeze(2), torch.nan)


def _measure_affine(layer: Layer, measured: Measured):  # noqa: ANN202
    def hook(module: nn.Module, inputs: tuple[Tensor], z: Tensor) -> None:
        z.register_hook(error_hook)
        if layer.activation is None:
            measured.update(_of_output(z.detach()))

    def error_hook(error: Tensor) -> None:
        measured["error_rms"] = _norm(error), error.shape[1] / _entries(error) ** 0.5

    return hook


def _measure_activation(measured: Measured):  # noqa: ANN202
    @torch.no_grad()
    def hook(activation: Activation, inputs: tuple[Tensor], output: Tensor) -> None:
        if measured:  # a slope that is computed by calling the activation comes through here again
            return
        measured.update(_of_output(output))
        measured.update(_of_activation(activation, inputs[0], output))

    return hook


def _of_output(output: Tensor) -> Measured:
    entries = _entries(output)
    total = _total(output)
    mean = (total / entries).view(-1, *[1] * (output.dim() - 1))
    return {"mean": (total, 1 / entries), "std": (_norm(output - mean), 1 / entries**0.5)}


def _of_activation(activation: Activation, z: Tensor, output: Tensor) -> Measured:
    entries = _entries(z)
    inactive = _total(indicator(torch.le, z, 0.0))
    # Where counting once is enough it is done once: it takes as long as the activation itself.
    if activation.kinked_at_zero:
        saturated = inactive if activation.flat_below == 0 else torch.zeros_like(inactive)
        slope = entries - (1 - activation.negative_slope) * inactive
    else:
        saturated, slope = _total(activation.saturated(z)), _total(activation.slope(z))
    is_relu = activation.kinked_at_zero and activation.negative_slope == 0
    zeros = inactive if is_relu else _total(indicator(torch.eq, output, 0.0))
    counted = {"slope_mean": slope, "saturated": saturated, "inactive": inactive, "sparsity": zeros}
    measured = {quantity: (value, 1 / entries) for quantity, value in counted.items()}
    if (learned := activation.learned_slope()) is not None:
        measured["learned_slope"] = learned.float(), 1.0
    return measured


def _entries(x: Tensor) -> int:
    return x.numel() // len(x)


def _total(x: Tensor) -> Tensor:
    return x.sum(tuple(range(1, x.dim())), dtype=torch.float32)  # flattening would copy a convolution's maps


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dim=tuple(range(1, x.dim())), dtype=torch.float32)


class ActivityMeter:
    """Finds the dead units: those inactive on every example of the passes made inside `watching`.

    A unit is a unit of a dense layer or a channel of a convolution; a channel is active where any position is.
    """

    def __init__(self, network: nn.Module) -> None:
        self.layers = layers_of(network)
        self._largest: list[Tensor | None] = [None] * len(self.layers)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Notes the largest pre-activation of every unit in the passes made inside."""
        self._largest = [None] * len(self.layers)
        handles = [
            layer.activation.register_forward_hook(self._note(index))
            for index, layer in enumerate(self.layers)
            if layer.activation is not None
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _note(self, index: int):  # noqa: ANN202
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            largest = inputs[0].amax([1, *range(3, inputs[0].dim())])
            before = self._largest[index]
            self._largest[index] = largest if before is None else torch.maximum(before, largest)

        return hook

    def dead(self) -> Tensor:
        """Share of dead units, shape (replicas, layers); NaN for a layer without activation, or not finite."""
        watched = next(largest for largest in self._largest if largest is not None)
        absent = torch.full((len(watched),), torch.nan, device=watched.device)
        shares = [absent if x is None else torch.where(x.isnan().any(1), absent, (x <= 0).float().mean(1))
                  for x in self._largest]  # fmt: skip
        return torch.stack(shares, 1)
