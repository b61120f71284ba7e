"""The network that most is measured on, 8 x 128 on MNIST, batch 64, plain SGD: the study's loop and a plain one."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from setting import Setting
from torch import Tensor, nn

from activation_study import CONF
from activation_study.config import settings
from activation_study.datasets import Dataset, Split, load
from activation_study.errors import StudyError
from activation_study.training.trainer import Replica, Trainer

BATCH, DEPTH, WIDTH, RATE = 64, 8, 128, 0.01
PROBE_EVERY = 100  # the study's default; a call of this many steps holds its share of the probes


def load_mnist(setting: Setting) -> Dataset:
    """MNIST on the device; random pixels in its shape where it is not there. No time depends on the pixels."""
    if not setting.quick:
        with suppress(StudyError):
            return load("mnist", data_dir=setting.data_dir, download=False, device=setting.device)
    images, labels = torch.randn(6400, 1, 28, 28), torch.randint(10, (6400,))
    split = Split(images.to(setting.device), labels.to(setting.device))
    return Dataset("random", split, split, split, classes=10, checksum="none")


def configured(*overrides: str) -> dict[str, Any]:
    """The configuration as a command of the study gets it."""
    network = ("dataset=mnist", f"model.depth={DEPTH}", f"model.width={WIDTH}", "optimizer.momentum=0")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return settings(compose("train", [*network, f"train.batch_size={BATCH}", *overrides]))


def study_trainer(data: Dataset, replicas: int, *overrides: str) -> Trainer:
    """So many replicas as the study trains them."""
    return Trainer(configured(*overrides), [Replica(seed, RATE) for seed in range(replicas)], data)


def study_loop(data: Dataset, replicas: int, steps: int, *overrides: str) -> Callable[[], None]:
    """The study's own steps: batches, activations, loss, optimizer and probes."""
    return steps_of(study_trainer(data, replicas, *overrides), steps)


def steps_of(trainer: Trainer, steps: int) -> Callable[[], None]:
    """So many steps of a trainer, without its evaluations."""

    def run() -> None:
        for _ in range(steps):
            epoch, at = divmod(trainer.step, trainer.steps_per_epoch)
            trainer._train_step(trainer._order(epoch)[:, at * BATCH : (at + 1) * BATCH])
        trainer._measured.clear()  # as an epoch's record does

    return run


def plain_network(depth: int = DEPTH, width: int = WIDTH) -> nn.Sequential:
    """The network as most scripts write it."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = 784
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def batches(data: Dataset) -> Iterator[Tensor]:
    """Indices of a batch, (batch,), epoch after epoch."""
    n = len(data.train.labels)
    while True:
        yield from torch.randperm(n, device=data.train.labels.device)[: n // BATCH * BATCH].split(BATCH)


def plain_loop(
    data: Dataset, steps: int, watch: Callable[[nn.Sequential], Callable[[], None]] | None = None
) -> Callable[[], None]:
    """The same network in a plain loop over data that lie on the device.

    Args:
        data: images and labels.
        steps: updates in a call.
        watch: takes the network and gives what is called after every backward pass.
    """
    images, labels = data.train.images, data.train.labels
    network = plain_network().to(images.device)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    watched = watch(network) if watch else None
    indices = batches(data)

    def run() -> None:
        for batch in islice(indices, steps):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            if watched:
                watched()
            optimizer.step()

    return run
