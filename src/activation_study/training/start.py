"""Networks that begin with the layers of another run's, such as pre-trained ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn

from activation_study.errors import refuse
from activation_study.networks.layers import AFFINE
from activation_study.runs.folder import Run
from activation_study.training import checkpoint

KEY = "model.start_from"


def check_start(folder: Path, seeds: Sequence[int]) -> None:
    """Refuses a run that is not finished, has kept no weights, or lacks one sound network of each seed."""
    run = Run(folder)
    if not run.is_finished:
        _refuse(folder, f"{folder.parent} has no finished run of this name")
    if not (folder / "weights.pt").is_file():
        _refuse(folder, "that run has kept no weights; train it with keep_weights=true")
    held = [seed for seed, _ in run.config["replicas"]]
    if wrong := [seed for seed in seeds if held.count(seed) != 1]:
        _refuse(folder, f"that run has {held.count(wrong[0])} networks of seed {wrong[0]}; it needs one of each seed")
    diverged = {told.split(",")[0] for told in run.status["diverged"]}
    if lost := [seed for seed in seeds if f"seed {seed}" in diverged]:
        _refuse(folder, f"its network of seed {lost[0]} has diverged; train it at a lower learning rate")


@torch.no_grad()
def start_from(folder: Path, network: nn.Module, seeds: Sequence[int]) -> None:
    """Gives a stack of networks the weights of another run's networks of the same seeds.

    Where all parameters agree in name and shape all are taken, so that a network can be looked at as it was left.
    Otherwise dense layers and convolutions are taken in their order from the input, up to the first that has another
    shape; the rest keep the weights that they were initialised with.

    Args:
        folder: of the run.
        network: the stack.
        seeds: one per replica.
    """
    check_start(folder, seeds)
    try:
        saved = checkpoint.from_bytes((folder / "weights.pt").read_bytes())["network"]
    except ValueError as error:
        _refuse(folder, f"its weights.pt is damaged: {error}")
    held = [seed for seed, _ in Run(folder).config["replicas"]]
    rows = torch.tensor([held.index(seed) for seed in seeds])
    theirs = {name: tensor[rows] for name, tensor in saved.items()}
    ours = network.state_dict()
    if {name: tensor.shape for name, tensor in ours.items()} == {name: tensor.shape for name, tensor in theirs.items()}:
        network.load_state_dict(theirs)
        return
    taken = 0
    for (weight, bias), layer in zip(_layers(theirs), filter(_is_affine, network.modules()), strict=False):
        assert isinstance(layer.weight, Tensor)
        assert isinstance(layer.bias, Tensor)
        if weight.shape != layer.weight.shape:
            break
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
        taken += 1
    if not taken:
        _refuse(folder, "its first layer has another shape; give a run whose network begins like this one")


def _is_affine(module: nn.Module) -> bool:
    return isinstance(module, AFFINE)


def _layers(state: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of the dense layers and convolutions of a saved network; no other weights have three axes."""
    weights = [name for name, tensor in state.items() if name.endswith("weight") and tensor.dim() > 2]
    return [(state[name], state[f"{name.removesuffix('weight')}bias"]) for name in weights]


def _refuse(folder: Path, text: str) -> NoReturn:
    refuse(KEY, folder.name, text)
