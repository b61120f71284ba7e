"""What else can be measured at a record: every unit, or the distribution of a layer's activations.

Both look at validation images, or at training images where there are none, in evaluation mode. They are tables of
their own beside `metrics` and `layers`, of the name that the observer has in `probes.also`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from activation_study.activations import Activation

if TYPE_CHECKING:
    from activation_study.training.trainer import Trainer

FEW = 300  # images whose activations are ranked, as many as Glorot & Bengio 2010 looked at (Section 3)
LEVELS = np.arange(101)  # per cent
DEAD_BAND = 1e-3  # |f'| below which hardly any gradient passes (Lillo & Cheney 2026)


def units(trainer: "Trainer") -> pd.DataFrame:
    """One row per replica, hidden layer and unit (or channel), over the examples and positions.

    Returns:
        Columns seed, learning_rate, layer, unit, and the unit's mean, size (mean magnitude), active (share of z above
        0), above (share not saturated at the lower end), free (share saturated at neither end) and dead_band (share
        where the slope is flatter than DEAD_BAND).
    """
    sums: dict[int, Tensor] = {}
    counts: dict[int, int] = {}
    for layer, activation, z, output in _hidden(trainer, limit=None):
        shares = [output, output.abs(), z > 0, z > activation.flat_below, 1 - activation.saturated(z),
                  activation.slope(z).abs() < DEAD_BAND]  # fmt: skip
        axes = [1, *range(3, z.dim())]
        found = torch.stack([share.sum(axes, dtype=torch.float64) for share in shares], 2)
        sums[layer] = sums.get(layer, 0) + found
        counts[layer] = counts.get(layer, 0) + z.shape[1] * z[0, 0, 0].numel()
    return _tidy(trainer, "unit", ["mean", "size", "active", "above", "free", "dead_band"],
                 {layer: values / counts[layer] for layer, values in sums.items()})  # fmt: skip


def distribution(trainer: "Trainer") -> pd.DataFrame:
    """One row per replica, hidden layer and level, over the units and positions of a few examples.

    Returns:
        Columns seed, learning_rate, layer, level (0 to 100 per cent), and the activation and pre_activation (z) that so
        many per cent of them do not exceed.
    """
    found: dict[int, Tensor] = {}
    for layer, _, z, output in _hidden(trainer, limit=FEW):
        ranked = [values.float().flatten(1).sort(1).values for values in (output, z)]
        places = torch.from_numpy(np.rint(LEVELS / 100 * (ranked[0].shape[1] - 1))).long().to(z.device)
        found[layer] = torch.stack([values[:, places] for values in ranked], 2)
    return _tidy(trainer, "level", ["activation", "pre_activation"], found)


OBSERVERS: dict[str, Callable[["Trainer"], pd.DataFrame]] = {"units": units, "distribution": distribution}


@torch.no_grad()
def _hidden(trainer: "Trainer", limit: int | None) -> Iterator[tuple[int, Activation, Tensor, Tensor]]:
    """Number, activation, z and f(z) of every hidden layer, for one piece of the images after the other."""
    seen: list[tuple[int, Activation, Tensor, Tensor]] = []
    handles = []
    for number, layer in enumerate(trainer.probe.layers, 1):
        if layer.activation is not None:

            def note(activation: Activation, inputs: tuple[Tensor], output: Tensor, number: int = number) -> None:
                seen.append((number, activation, inputs[0], output))

            handles.append(layer.activation.register_forward_hook(note))
    split = trainer.data.valid if len(trainer.data.valid) else trainer.data.train
    images = split.images[: limit or len(trainer.data.valid) or len(trainer.data.test)]
    trainer.network.eval()
    try:
        for piece in images.split(limit or 500):
            trainer.network(piece.expand(len(trainer.replicas), -1, -1, -1, -1))
            yield from seen
            seen.clear()
    finally:
        for handle in handles:
            handle.remove()


def _tidy(trainer: "Trainer", axis: str, columns: list[str], found: dict[int, Tensor]) -> pd.DataFrame:
    """Tables of the shape (replicas, places, columns), one per layer, as rows."""
    parts = []
    for layer, values in found.items():
        replicas, places, _ = values.shape
        table = pd.DataFrame(values.flatten(0, 1).float().cpu().numpy(), columns=columns)
        table.insert(0, axis, np.tile(np.arange(places, dtype=np.int32), replicas))
        table.insert(0, "layer", np.int16(layer))
        table.insert(0, "learning_rate", np.repeat([replica.learning_rate for replica in trainer.replicas], places))
        table.insert(0, "seed", np.repeat(trainer.seeds, places))
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
