"""The training loop: a stack of replicas, a record per epoch.

The loop never waits for the device inside an epoch: losses, measurements and the steps at which replicas diverged stay
there as tensors until the epoch's record is made.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from activation_study import activations
from activation_study.datasets import Dataset, Split, augment
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.seeds import Noise, generator
from activation_study.training import objectives, optimizers
from activation_study.training.observers import OBSERVERS
from activation_study.training.precision import computing
from activation_study.training.probes import QUANTITIES, ActivityMeter, Probe
from activation_study.training.schedules import Moment
from activation_study.training.start import start_from
from activation_study.training.threads import Threads

EVALUATION_BATCH = 500


@dataclass(frozen=True, order=True)
class Replica:
    """One network of a run: one seed at one learning rate."""

    seed: int
    learning_rate: float


@dataclass(frozen=True)
class Record:
    """What an epoch, or so many steps, has left behind; epoch 0 is the state before training.

    Attributes:
        epoch: epochs trained, a whole number or not.
        step: updates made.
        metrics: columns seed, learning_rate, epoch, step, split, loss, the objective's score (accuracy), seconds; one
            row per replica and split.
        layers: columns seed, learning_rate, epoch, step, layer, hidden (whether an activation ends the layer), the
            probes' quantities and dead.
        others: further tables by the names of their observers, see `observers`.
    """

    epoch: float
    step: int
    metrics: pd.DataFrame
    layers: pd.DataFrame
    others: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All of them by name."""
        return {"metrics": self.metrics, "layers": self.layers, **self.others}


class Trainer:
    """Trains the replicas of one configuration side by side.

    Args:
        config: the scientific configuration: activation, model, init, objective, optimizer, train, probes,
            dataset.augment; also threads and reproducible, where they are given, and runs_dir for model.start_from.
        replicas: the seeds and learning rates, one network each.
        data: standardised images on the device on which to train.
    """

    def __init__(self, config: Mapping[str, Any], replicas: Sequence[Replica], data: Dataset) -> None:
        self.replicas, self.data = list(replicas), data
        self.device = data.train.images.device
        self.seeds = [replica.seed for replica in self.replicas]
        self.noise = Noise(self.seeds, self.device)
        stack = Stack(
            self.seeds,
            lambda: activations.build(**config["activation"]),
            Initialization(**config["init"]),
            self.noise,
        )
        self.objective = objectives.build(config["objective"], data)
        self.network = models.build(config["model"], stack, data.shape, self.objective.outputs).to(self.device)
        if (source := config["model"].get("start_from")) is not None:
            start_from(Path(config["runs_dir"]) / source, self.network, self.seeds)
        rates = torch.tensor([replica.learning_rate for replica in self.replicas])
        self.optimizer = optimizers.build(config["optimizer"], self.network, rates)
        self.augment = config["dataset"]["augment"]
        train, probes = config["train"], config["probes"]
        self.probe_every, self.also, self.also_every = probes["every"], probes["also"], probes["also_every"]
        self.batch_size = min(train["batch_size"], len(data.train.labels))
        self.steps_per_epoch = len(data.train.labels) // self.batch_size
        self.total_steps = round(train["epochs"] * self.steps_per_epoch)
        self.record_every = train["record_every"] or self.steps_per_epoch  # steps
        self.precision = train["precision"]
        times_tell = self.device.type == "cpu" and not config.get("reproducible")  # a GPU's steps end later
        self.threads = Threads(config.get("threads"), times_tell)
        self.probe, self.meter = Probe(self.network), ActivityMeter(self.network)

        self.step, self.recorded, self.seconds = 0, -1, 0.0
        self.diverged_at = torch.full((len(self.replicas),), -1, device=self.device)
        self._shuffled: tuple[int, Tensor] | None = None
        self._measured: dict[int, Tensor] = {}  # by step: the probes' quantities, (replicas, layers, quantities)
        self._dead: dict[int, Tensor] = {}  # by step: shares of dead units, (replicas, layers)

    def records(self, tick: Callable[[], None] = lambda: None) -> Generator[Record, None, None]:
        """Trains to the end, from wherever the trainer stands; yields a record per epoch, the first before training.

        Where `train.record_every` is given there is one every so many steps, and one at the end.

        Args:
            tick: called between any two updates and pieces of evaluation. Whatever it raises ends the training where
                `state` can be taken and gone on from.
        """
        with self.threads:
            yield from self._records(tick)

    def _records(self, tick: Callable[[], None]) -> Iterator[Record]:
        while True:
            self.threads.use(self.step)
            began = time.perf_counter()
            due = -(-self.step // self.record_every)  # the record that this step, or the next ones, lead to
            if due > self.recorded and (self.step % self.record_every == 0 or self.step == self.total_steps):
                record = self._record(due, tick, began)
                self.recorded = due
                yield record
            elif self.step < self.total_steps:
                epoch, at = divmod(self.step, self.steps_per_epoch)
                self._train_step(self._order(epoch)[:, at * self.batch_size : (at + 1) * self.batch_size])
                took = time.perf_counter() - began
                self.seconds += took
                self.threads.took(self.step - 1, took)
                tick()
            else:
                return

    def state(self) -> dict[str, Any]:
        """All that training goes on from: tensors and plain values. Randomness needs none of it (see `seeds`)."""
        return {
            "step": self.step,
            "recorded": self.recorded,
            "seconds": self.seconds,
            "threads": self.threads.state(),
            "diverged_at": self.diverged_at,
            "measured": self._measured,
            "dead": self._dead,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state(),
        }

    @torch.no_grad()
    def load_state(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state` has given, on this trainer or one made alike."""
        self.step, self.recorded, self.seconds = state["step"], state["recorded"], state["seconds"]
        self.threads.load_state(state.get("threads"))
        self.diverged_at.copy_(state["diverged_at"])
        self._measured = {step: values.to(self.device) for step, values in state["measured"].items()}
        self._dead = {step: values.to(self.device) for step, values in state["dead"].items()}
        self.network.load_state_dict(state["network"])
        for name, tensors in self.optimizer.state().items():
            for ours, theirs in zip(tensors, state["optimizer"][name], strict=True):
                ours.copy_(theirs)

    def _order(self, epoch: int) -> Tensor:
        """The order of the training images in an epoch, (replicas, n); the same for replicas that share a seed."""
        if self._shuffled is None or self._shuffled[0] != epoch:
            n = len(self.data.train.labels)
            orders = {seed: torch.randperm(n, generator=generator(seed, "order", epoch)) for seed in set(self.seeds)}
            self._shuffled = epoch, torch.stack([orders[seed] for seed in self.seeds]).to(self.device)
        return self._shuffled[1]

    def _train_step(self, indices: Tensor) -> None:
        images, labels = gather(self.data.train, indices)
        if self.augment["padding"] or self.augment["flip"]:
            streams = [generator(seed, "augment", self.step) for seed in self.seeds]
            images = augment(images, streams, **self.augment)
        self.noise.at(self.step)
        if not self.network.training:  # to set it takes a while, module by module
            self.network.train()
        if self._is_probed(self.step):
            with self.probe.watching():
                losses = self._backward(images, labels)
                self._measured[self.step] = self.probe.measure()
        else:
            losses = self._backward(images, labels)
        share = self.step / self.total_steps
        self.optimizer.step(Moment(self.step, self.step / self.steps_per_epoch, share))
        newly = ~torch.isfinite(losses) & (self.diverged_at < 0)
        self.diverged_at.masked_fill_(newly, self.step)
        self.step += 1

    def _backward(self, images: Tensor, labels: Tensor) -> Tensor:
        with computing(self.precision, self.device):
            losses = self.objective.losses(self.network, images, labels).mean(1)
        losses.sum().backward()  # a sum over replicas: each one's gradient is that of its own mean loss
        return losses.detach()

    def _is_probed(self, step: int) -> bool:
        """Every so many steps from record to record, and at the last one, which takes the place of those near it."""
        every, at = self.probe_every, step % self.record_every
        left = min(self.record_every - at, self.total_steps - step) - 1
        if every == 0 or step == 0 or left == 0:
            return every > 0
        return at % every == 0 and min(at + 1, left) >= every / 2

    def _record(self, due: int, tick: Callable[[], None], began: float) -> Record:
        whole, part = divmod(self.step, self.steps_per_epoch)
        epoch = self.step / self.steps_per_epoch if part else whole
        # As many training images as there are validation images, in eval mode too, so that the two compare.
        splits = {"train": self.evaluate(self.data.train, tick, limit=len(self.data.valid) or len(self.data.test))}
        if len(self.data.valid):
            with self.meter.watching():
                splits["valid"] = self.evaluate(self.data.valid, tick)
                # They belong to the last step that was measured. Step 0 keeps those before training.
                self._dead.setdefault(max(self._measured, default=0), self.meter.dead())
        if self.step == self.total_steps:
            splits["test"] = self.evaluate(self.data.test, tick)
        others = self._others(epoch) if due % self.also_every == 0 or self.step == self.total_steps else {}
        self.seconds += time.perf_counter() - began
        metrics = pd.concat([self._metrics(epoch, split, *values) for split, values in splits.items()])
        return Record(epoch, self.step, metrics.reset_index(drop=True), self._layers(epoch), others)

    @torch.no_grad()
    def evaluate(
        self, split: Split, tick: Callable[[], None] = lambda: None, limit: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean loss and score of every replica in eval mode, each of shape (replicas,).

        Args:
            split: the images to evaluate on.
            tick: called after every piece.
            limit: only the first so many of them.
        """
        self.network.eval()
        n = min(len(split.labels), limit or len(split.labels))
        loss, score = torch.zeros(2, len(self.replicas), dtype=torch.float64, device=self.device)
        for begin in range(0, n, EVALUATION_BATCH):
            chunk = slice(begin, min(begin + EVALUATION_BATCH, n))
            images = split.images[chunk].expand(len(self.replicas), -1, -1, -1, -1)
            labels = split.labels[chunk].expand(len(self.replicas), -1)
            with computing(self.precision, self.device):
                judged = self.objective.judge(self.network, images, labels)
            loss += judged.losses.double().sum(1)
            score += judged.scores.double().sum(1)
            tick()
        # A replica whose outputs are not numbers has no score; argmax would call all images class 0.
        return loss / n, torch.where(torch.isfinite(loss), score / n, torch.nan)

    def _metrics(self, epoch: float, split: str, loss: Tensor, score: Tensor) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "seed": self.seeds,
                "learning_rate": [replica.learning_rate for replica in self.replicas],
                "epoch": epoch,
                "step": self.step,
                "split": split,
                "loss": loss.cpu().numpy(),
                self.objective.score: score.cpu().numpy(),
                "seconds": self.seconds,
            }
        )

    def _others(self, epoch: float) -> dict[str, pd.DataFrame]:
        found = {name: OBSERVERS[name](self) for name in self.also}
        return {name: table.assign(epoch=epoch, step=self.step) for name, table in found.items()}

    def _layers(self, epoch: float) -> pd.DataFrame:
        """Tidy rows of the probes since the last record; the shares of dead units belong to the epoch's last probe."""
        if not self._measured:
            return pd.DataFrame()
        absent = torch.full_like(next(iter(self._measured.values()))[..., 0], torch.nan)
        values = torch.stack(
            [torch.cat([m, self._dead.get(s, absent).unsqueeze(2)], 2) for s, m in self._measured.items()]
        )
        _, replicas, layers, quantities = values.shape
        index = pd.MultiIndex.from_product([self._measured, range(replicas), range(1, layers + 1)])
        step, replica, layer = (index.get_level_values(level).to_numpy() for level in range(3))
        table = pd.DataFrame(
            {
                "seed": np.array(self.seeds)[replica],
                "learning_rate": np.array([r.learning_rate for r in self.replicas])[replica],
                "epoch": np.where(step == 0, 0, epoch),
                "step": step,
                "layer": layer,
                "hidden": np.array([one.activation is not None for one in self.probe.layers])[layer - 1],
            }
        )
        table[[*QUANTITIES, "dead"]] = values.cpu().numpy().reshape(-1, quantities)
        self._measured.clear()
        self._dead.clear()
        return table


def gather(split: Split, indices: Tensor) -> tuple[Tensor, Tensor]:
    """The images and labels at indices of the shape (replicas, batch), in that shape.

    `index_select` copies rows whole: twice as fast on a CPU as indexing.
    """
    images = split.images.index_select(0, indices.flatten()).unflatten(0, indices.shape)
    return images, split.labels.index_select(0, indices.flatten()).view_as(indices)
