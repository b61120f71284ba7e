"""What is measured inside a network, layer by layer, while it trains.

A layer is an affine map and the activation that follows it, numbered from 1 at the input; the last one gives the logits
and has no activation. A probe reads what the training step has computed anyway, so watching changes nothing: no extra
forward pass, no random number, nothing written to the network.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from activation_study.activations import Activation
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


@dataclass
class Layer:
    """One layer under observation: its modules, and what passed through them last."""

    affine: nn.Module
    activation: Activation | None = None
    z: Tensor | None = field(default=None, repr=False)
    output: Tensor | None = field(default=None, repr=False)


def layers_of(network: nn.Module) -> list[Layer]:
    """The layers of a network whose modules are registered in the order in which they run."""
    layers: list[Layer] = []
    for module in network.modules():
        if isinstance(module, AFFINE):
            layers.append(Layer(module))
        elif isinstance(module, Activation) and layers:
            layers[-1].activation = module
    return layers


class Probe:
    """Watches the layers of a stack of networks."""

    def __init__(self, network: nn.Module) -> None:
        self.layers = layers_of(network)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keeps the pre-activations, activations and errors of the passes made inside; then lets go of them."""
        handles = []
        for layer in self.layers:
            handles.append(layer.affine.register_forward_hook(_keep_pre_activation(layer)))
            if layer.activation is not None:
                handles.append(layer.activation.register_forward_hook(_keep_activation(layer)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            for layer in self.layers:
                layer.z = layer.output = None

    @torch.no_grad()
    def measure(self) -> Tensor:
        """Every quantity of every layer after a backward pass, shape (replicas, layers, len(QUANTITIES)).

        The backward pass must have been that of a loss that is a mean over the batch, and inside `watching`.
        Stays on the device; entries that do not exist for a layer are NaN, and all of a layer whose activations are no
        longer finite.
        """
        values = torch.stack([torch.stack(self._measure(layer), 1) for layer in self.layers], 1)
        diverged = ~torch.isfinite(values[..., QUANTITIES.index("mean")])
        return values.masked_fill(diverged.unsqueeze(2), torch.nan)

    def _measure(self, layer: Layer) -> list[Tensor]:
        z, output = layer.z, layer.output
        assert z is not None and z.grad is not None and output is not None  # noqa: PT018
        weight_gradient = layer.affine.weight.grad
        assert isinstance(weight_gradient, Tensor)
        replicas, batch = z.shape[:2]
        absent = torch.full((replicas,), torch.nan, device=z.device)

        def mean(x: Tensor) -> Tensor:
            return x.flatten(1).mean(1, dtype=torch.float32)

        activation = layer.activation
        learned = activation.learned_slope() if activation else None
        return [
            torch.linalg.vector_norm(weight_gradient.flatten(1), dim=1),
            torch.linalg.vector_norm(z.grad.flatten(1), dim=1) * (batch / z[0].numel() ** 0.5),
            mean(output),
            output.flatten(1).std(1, correction=0),
            mean(activation.slope(z)) if activation else absent,
            mean(activation.saturated(z)) if activation else absent,
            mean(z <= 0) if activation else absent,
            mean(output == 0) if activation else absent,
            absent if learned is None else learned.float(),
        ]


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


def _keep_pre_activation(layer: Layer):  # noqa: ANN202
    def hook(module: nn.Module, inputs: tuple[Tensor], z: Tensor) -> None:
        z.retain_grad()
        layer.z = layer.output = z

    return hook


def _keep_activation(layer: Layer):  # noqa: ANN202
    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        layer.output = output

    return hook
