"""How long a comparison will take, measured before it begins."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from activation_study.activations import build
from activation_study.comparison.variants import differing
from activation_study.figures import FIGURES, functions, save
from activation_study.runs.identity import configuration_hash, scientific
from activation_study.runs.overview import duration
from activation_study.training.environment import device_of
from activation_study.training.execute import load_data
from activation_study.training.holders import held
from activation_study.training.trainer import EVALUATION_BATCH, Replica, Trainer

AT_MOST = 5.0  # seconds in which steps are timed


class _EnoughError(Exception):
    """Ends a training that is only timed."""


def sentence(choices: Sequence[dict[str, Any]], tuning: dict[str, Any] | None) -> str:
    """What a comparison has to train, and about how long that takes here.

    Args:
        choices: settings of each variant and depth.
        tuning: seeds and rates of the choice of the learning rate, if there is one.
    """
    left = {index: _networks_left(chosen, tuning) for index, chosen in enumerate(choices)}
    networks = sum(left.values())
    depths = dict.fromkeys(str(chosen["model"].get("depth")) for chosen in choices)
    drawing = seconds_to_draw(len(depths))
    if not networks:
        return f"Everything is trained already. Drawing takes about {duration(drawing)}."
    pace: dict[str, float] = {}  # seconds per network
    seconds = 0.0
    for index, count in left.items():
        alike = _paced_alike(choices[index])
        if count and alike not in pace:
            pace[alike] = seconds_per_network(choices[index])
        seconds += count * pace.get(alike, 0.0)
    dataset = choices[0]["dataset"]["name"]
    kind = "variants" if differing(choices).keys() - {"activation"} else "activations"
    compared = f"{len(choices) // len(depths)} {kind}, depth {', '.join(depths)}"
    chooses = f", {len(tuning['seeds'])} x {len(tuning['rates'])} of each to choose its learning rate" if tuning else ""
    return (
        f"About {duration(seconds + drawing)}, drawing included: {networks} networks to train on {dataset} "
        f"({compared}{chooses}). Stopped, the same command goes on."
    )


def seconds_to_draw(depths: int) -> float:
    """Seconds to draw the figures of a comparison, most of which have a panel a depth; from one that is drawn twice."""
    with TemporaryDirectory() as folder:
        for _ in range(2):  # the first one also loads fonts
            began = time.perf_counter()
            save(functions({"relu": build("relu")}), Path(folder) / "panel")
    return (time.perf_counter() - began) * depths * sum(bool(entry.tables) for entry in FIGURES.values())


def _paced_alike(chosen: dict[str, Any]) -> str:
    """What settings share that take about the same time: activations differ by less than is sure, first weights not."""
    return str({key: value for key, value in scientific(chosen).items() if key not in ("activation", "init")})


def _networks_left(chosen: dict[str, Any], tuning: dict[str, Any] | None) -> int:
    """Networks that are not trained yet; until they are chosen, the rates for accuracy and speed count as one."""
    trained = held(chosen["runs_dir"], configuration_hash(chosen))
    seeds = set(chosen["seeds"])
    if tuning is None:
        return sum(Replica(seed, rate) not in trained for seed in seeds for rate in chosen["learning_rate"])
    grid = sum(Replica(seed, rate) not in trained for seed in tuning["seeds"] for rate in tuning["rates"])
    measured = Counter(replica.learning_rate for replica in trained if replica.seed in seeds)
    return grid + (len(seeds) - max(measured.values(), default=0))


def seconds_per_network(chosen: dict[str, Any]) -> float:
    """Seconds to train one network in a stack of all its seeds, from some steps and one piece of evaluation."""
    data = load_data(chosen, device_of(chosen["device"]))
    trainer = Trainer(chosen, [Replica(seed, chosen["learning_rate"][0]) for seed in chosen["seeds"]], data)
    step = pace(trainer)
    with trainer.threads:
        trainer.threads.use(trainer.total_steps)
        trainer.evaluate(data.train, limit=1)
        began = time.perf_counter()
        trainer.evaluate(data.train, limit=EVALUATION_BATCH)
        piece = time.perf_counter() - began
    valid, test = (ceil(len(split.labels) / EVALUATION_BATCH) for split in (data.valid, data.test))
    pieces = 2 * valid * (ceil(trainer.total_steps / trainer.record_every) + 1) + test
    return (step * trainer.total_steps + piece * pieces) / len(chosen["seeds"])


def pace(trainer: Trainer, measured_for: float = 0.5) -> float:
    """Seconds per step with the number of threads that is kept; where steps are too slow to wait for that, the least.

    Args:
        trainer: one that is not used any more.
        measured_for: how many seconds of such steps are enough.
    """
    trainer.recorded = max(trainer.recorded, 0)  # no evaluation before the first step
    settled, ends = trainer.threads.settled, [0.0]

    def tick() -> None:
        if len(ends) <= trainer.step:  # pieces of evaluation tick too
            ends.append(trainer.seconds)
        if (trainer.step >= settled + 2 and ends[-1] - ends[settled] > measured_for) or ends[-1] > AT_MOST:
            raise _EnoughError

    with suppress(_EnoughError):
        for record in trainer.records(tick):
            if record.epoch > 0:
                break
    steps = np.diff(ends)
    return float(steps[settled:].mean() if len(steps) > settled else steps.min())
