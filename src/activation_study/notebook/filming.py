"""A training as a film: what its networks look like inside, frame by frame, while they train.

It is a training of the study's own: its configuration, data, networks and probes. Nothing of it is kept on disk.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from activation_study.activations import build
from activation_study.config import settings
from activation_study.datasets import Dataset, Split
from activation_study.networks.initialization import Initialization
from activation_study.notebook.demo import DATA, IS_SMOKE, RUNS, preset
from activation_study.training.environment import device_of
from activation_study.training.execute import load_data
from activation_study.training.trainer import Record, Replica, Trainer

STEPS = 40 if IS_SMOKE else 1000  # updates of a film
EVERY = 20  # steps from frame to frame
VALID = 500  # images, at most, that a frame's accuracy is measured on: as many as take a moment


@dataclass(frozen=True)
class Choices:
    """What can be chosen of a film.

    Attributes:
        activation: its name, with options where wanted: "elu activation.alpha=0.5".
        depth: hidden layers.
        init: the rule of initialization.
        scale: what the rule's weights of the hidden layers are multiplied by.
        dataset: its name.
        learning_rate: of stochastic gradient descent with momentum.
        seed: of the one network.
        steps: updates.
        every: steps from frame to frame.
    """

    activation: str = "sigmoid"
    depth: int = 8
    init: str = "he"
    scale: float = 1.0
    dataset: str = "digits"
    learning_rate: float = 0.01
    seed: int = 0
    steps: int = STEPS
    every: int = EVERY

    def __str__(self) -> str:
        """As a picture says it."""
        scaled = f" times {self.scale:g}" if self.scale != 1 else ""
        return (
            f"{self.activation}, {self.depth} hidden layers, {self.init} initialization{scaled}, {self.dataset}, "
            f"learning rate {self.learning_rate:g}, one network (seed {self.seed})"
        )


class Frame(NamedTuple):
    """The network at one step.

    Attributes:
        epoch: how often it has seen the training images.
        step: updates so far.
        norms: gradient norm by layer, the output layer last.
        train: share of training images that it gets right.
        valid: share of validation images.
        distribution: the table of that name, see `training.observers`.
    """

    epoch: float
    step: int
    norms: np.ndarray
    train: float
    valid: float
    distribution: pd.DataFrame


@dataclass
class Film:
    """A training so far.

    Attributes:
        choices: what was chosen.
        frames: the network at one step after the other, the first before training.
        end: how it came to its end; nothing as long as it goes on.
        steps: updates made.
    """

    choices: Choices
    frames: list[Frame] = field(default_factory=list)
    end: str = ""
    steps: int = 0

    @property
    def ratio(self) -> float:
        """Gradient norm of the first over the last hidden layer in the last frame."""
        norms = self.frames[-1].norms
        return float(norms[0] / norms[-2]) if norms[-2] else float("nan")


class Stopped(Exception):
    """Somebody wants the training to stop."""


def film(
    choices: Choices | None = None,
    stop: threading.Event | None = None,
    shown: Callable[[Film], None] = lambda film: None,
    **chosen: Any,
) -> Film:
    """Trains a network, and returns what it looked like; also without a notebook.

    Args:
        choices: what is trained.
        stop: ends the training between two updates once it is set.
        shown: is given the film after every frame, in the thread that trains.
        chosen: the choices one by one, instead.

    Raises:
        StudyError: a choice makes no sense, or its data are not there.
    """
    made = Film(choices or Choices(**chosen))

    def tick() -> None:
        if stop is not None and stop.is_set():
            raise Stopped

    try:
        trainer = _trainer(made.choices, tick)

        def step() -> None:
            made.steps = trainer.step
            tick()

        with contextlib.closing(trainer.records(step)) as records:
            for record in records:
                _add(record, made.frames)
                if (at := int(trainer.diverged_at[0])) >= 0:
                    made.end = f"diverged at step {at}: loss or weights are no longer finite numbers"
                    break
                shown(made)
        made.end = made.end or f"{made.steps} steps done"
    except Stopped:
        made.end = f"stopped at step {made.steps}"
    return made


def _trainer(choices: Choices, tick: Callable[[], None]) -> Trainer:
    """The trainer of a film; it sees that the choices make sense before data are read."""
    plan = preset(
        *f"activation={choices.activation}".split(), f"model.depth={choices.depth}", f"init={choices.init}",
        f"dataset={choices.dataset}", f"learning_rate={choices.learning_rate}", f"seeds=[{choices.seed}]",
        f"train.record_every={choices.every}", f"probes.every={choices.every}", "probes.also=[distribution]",
    )  # fmt: skip
    asked = settings(plan) | {"runs_dir": str(RUNS), "data_dir": DATA}
    tick()
    data = load_data(asked, device_of(asked["device"]))
    tick()
    batches = max(1, len(data.train.labels) // asked["train"]["batch_size"])
    asked["train"] = asked["train"] | {"epochs": choices.steps / batches}
    if choices.scale != 1:
        asked["init"] = asked["init"] | {"by_layer": _scaled(asked, data, choices)}
    few = Split(data.valid.images[:VALID], data.valid.labels[:VALID])
    data = dataclasses.replace(data, valid=few, test=few)  # the test images are not for looking at
    return Trainer(asked, [Replica(choices.seed, choices.learning_rate)], data)


def _scaled(asked: dict[str, Any], data: Dataset, choices: Choices) -> dict[int, float]:
    """Standard deviations of the hidden layers' weights: those of the rule, times the scale."""
    rule, activation = Initialization(**asked["init"]), build(**asked["activation"])
    width = asked["model"]["width"]
    fans = [int(np.prod(data.shape)), *[width] * (choices.depth - 1)]
    return {
        layer: choices.scale * rule.standard_deviation(fan, width, activation, layer)
        for layer, fan in enumerate(fans, 1)
    }


def _add(record: Record, frames: list[Frame]) -> None:
    """Adds a record as a frame; gradients from before training come with the second one, for an update made them."""
    accuracy = record.metrics.set_index("split")["accuracy"]
    norms = {step: rows.sort_values("layer")["grad_norm"].to_numpy() for step, rows in _by_step(record.layers)}
    if frames and not len(frames[0].norms) and 0 in norms:
        frames[0] = frames[0]._replace(norms=norms[0])
    last = norms[max(norms)] if norms else frames[-1].norms if frames else np.array([])
    frames.append(
        Frame(record.epoch, record.step, last, accuracy["train"], accuracy["valid"], record.others["distribution"])
    )


def _by_step(layers: pd.DataFrame) -> Iterable[tuple[int, pd.DataFrame]]:
    return layers.groupby("step") if len(layers) else []
