"""What is measured inside a network, layer by layer, while it trains.

A layer is an affine map and the activation that follows it, perhaps behind a normalisation or a sum, numbered from 1 at
the input; the last one gives the logits and has no activation. A probe reads what the training step has computed
anyway, so watching changes nothing: no extra forward pass, no random number, nothing written to the network.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from activation_study.activations import Activation
from activation_study.networks.layers import AFFINE

QUANTITIES = (
    "grad_norm",  # L2 norm of the batch loss's gradient with respect to the layer's weights (biases left out)
    "error_rms",  # root mean square of one example's loss gradient with respect to the activation's inputs z
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


class Raw(NamedTuple):
    """A quantity as a hook leaves it: a sum, count or norm of every replica, to be scaled and shifted later."""

    value: Tensor  # (replicas,)
    factor: float = 1.0
    offset: float = 0.0


Measured = dict[str, Raw]


class Probe:
    """Watches the layers of a stack of networks.

    Every tensor is reduced to one number per replica as soon as it is there, while it still lies in the processor's
    cache; what follows is done for all layers at once. A step has many small tensors, so both count.
    """

    def __init__(self, network: nn.Module) -> None:
        self.layers = layers_of(network)
        self._measured: list[Measured] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measures the pass that is made inside, forward and backward."""
        self._measured = [{} for _ in self.layers]
        handles: list[RemovableHandle] = []
        for layer, measured in zip(self.layers, self._measured, strict=True):
            weight = layer.affine.weight
            assert isinstance(weight, Tensor)
            if weight.requires_grad:
                handles.append(weight.register_post_accumulate_grad_hook(_measure_gradient(measured)))
            if layer.activation is not None:
                handles.append(layer.activation.register_forward_hook(_measure_activation(measured)))
            else:
                handles.append(layer.affine.register_forward_hook(_measure_affine(measured)))
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
        absent = self._measured[0]["mean"]._replace(factor=0.0, offset=torch.nan)
        raws = [measured.get(quantity, absent) for measured in self._measured for quantity in QUANTITIES]
        values, factors, offsets = zip(*raws, strict=True)
        factors, offsets = _columns(factors, offsets, values[0].device)
        table = torch.addcmul(offsets, factors, torch.cat(values).view(len(raws), -1))
        table = table.T.unflatten(1, (len(self.layers), len(QUANTITIES)))
        mean = table[..., QUANTITIES.index("mean"), None]
        return table + (mean - mean)  # 0, or NaN where the mean is not finite


@functools.lru_cache(maxsize=16)
def _columns(factors: tuple[float, ...], offsets: tuple[float, ...], device: torch.device) -> Tensor:
    """Both as columns on the device, (2, n, 1), sent there without waiting for it; they are the same at every step."""
    return torch.tensor([factors, offsets]).unsqueeze(2).to(device, non_blocking=True)


def _measure_affine(measured: Measured):  # noqa: ANN202
    def hook(module: nn.Module, inputs: tuple[Tensor], z: Tensor) -> None:
        _measure_error(z, measured)
        z = z.detach()
        measured.update(_of_output(z, torch.empty_like(z)))

    return hook


def _measure_error(z: Tensor, measured: Measured) -> None:
    """Measures the error that comes back to z, once it does."""

    def hook(error: Tensor) -> None:
        measured["error_rms"] = Raw(_norm(error), error.shape[1] / _entries(error) ** 0.5)

    if z.requires_grad:
        z.register_hook(hook)


def _measure_gradient(measured: Measured):  # noqa: ANN202
    def hook(weight: Tensor) -> None:
        assert weight.grad is not None
        measured["grad_norm"] = Raw(_norm(weight.grad))

    return hook


def _measure_activation(measured: Measured):  # noqa: ANN202
    @torch.no_grad()
    def hook(activation: Activation, inputs: tuple[Tensor], output: Tensor) -> None:
        if measured:  # a slope that is computed by calling the activation comes through here again
            return
        _measure_error(inputs[0], measured)
        spare = torch.empty_like(output)
        measured.update(_of_output(output, spare))
        measured.update(_of_activation(activation, inputs[0], output, spare))

    return hook


# Both work in the memory of `spare`, of the output's shape, one after the other: it stays in the cache.


def _of_output(output: Tensor, spare: Tensor) -> Measured:
    share = 1 / _entries(output)
    total = _total(output)
    centred = torch.sub(output, total.view(-1, *[1] * (output.dim() - 1)), alpha=share, out=spare)
    return {"mean": Raw(total, share), "std": Raw(_norm(centred), share**0.5)}


def _of_activation(activation: Activation, z: Tensor, output: Tensor, spare: Tensor) -> Measured:
    share = 1 / _entries(z)
    inactive = Raw(_total(torch.le(z, 0.0, out=spare)), share)
    # Where counting once is enough it is done once: it takes as long as the activation itself.
    if activation.kinked_at_zero:
        saturated = inactive if activation.flat_below == 0 else inactive._replace(factor=0.0)
        slope = inactive._replace(factor=(activation.negative_slope - 1) * share, offset=1.0)
    else:
        saturated, slope = (Raw(_total(x), share) for x in (activation.saturated(z), activation.slope(z)))
    is_relu = activation.kinked_at_zero and activation.negative_slope == 0
    zeros = inactive if is_relu else Raw(_total(torch.eq(output, 0.0, out=spare)), share)
    measured = {"slope_mean": slope, "saturated": saturated, "inactive": inactive, "sparsity": zeros}
    if (learned := activation.learned_slope()) is not None:
        measured["learned_slope"] = Raw(learned)
    return measured


def _entries(x: Tensor) -> int:
    return x.numel() // len(x)


def _total(x: Tensor) -> Tensor:
    return x.sum(tuple(range(1, x.dim())), dtype=_wide(x))  # flattening would copy a convolution's maps


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dim=tuple(range(1, x.dim())), dtype=_wide(x))


def _wide(x: Tensor) -> torch.dtype:
    """Of bfloat16, a sum would keep two digits."""
    return torch.promote_types(x.dtype, torch.float32)


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
