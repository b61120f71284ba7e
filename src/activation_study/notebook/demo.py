"""The demo's runs: its configuration with other choices, and its tables, trained where they are missing.

Set ACTIVATION_STUDY_RUNS to keep the runs in another folder than results/runs, and ACTIVATION_STUDY_SCALE=smoke to see
every cell work within seconds, on networks too small to conclude anything from.
"""

import contextlib
import functools
import io
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir

from activation_study import CONF, schema
from activation_study.config import settings
from activation_study.runs import Run, Tables, available, read_runs
from activation_study.runs.groups import comparable
from activation_study.training.holders import holders

DATA = os.environ.get("ACTIVATION_STUDY_DATA", str(CONF.parent / "data"))
RUNS = Path(os.environ.get("ACTIVATION_STUDY_RUNS", CONF.parent / "results" / "runs"))
IS_SMOKE = os.environ.get("ACTIVATION_STUDY_SCALE") == "smoke"
SMOKE = ("scale=smoke", "activations=[sigmoid,relu,prelu,elu]", "depths=[2,4]", "model.width=8", "seeds=2",
         "train.epochs=1", "dataset.train_limit=128")  # fmt: skip
PRESET = ("+experiment=demo", *(SMOKE if IS_SMOKE else ()))
COMPOSING = threading.Lock()  # Hydra composes one configuration at a time


@functools.cache
def preset(*overrides: str) -> Any:
    """The demo's configuration, with other choices where given; `.activations` and `.depths` are what it compares."""
    with COMPOSING, initialize_config_dir(str(CONF), version_base="1.3"):
        plan = compose("compare", [*PRESET, *overrides])
    asked = schema.checked("compare", plan)
    plan.activations, plan.depths = asked["activations"], asked["depths"]
    return plan


def runs(*overrides: str, activations: Iterable[str] = (), depths: Iterable[int] = ()) -> Tables:
    """The demo's runs as tables; what is not on disk yet, and does not come with the repository, is trained now.

    Args:
        overrides: other choices than the demo's, as on the command line: "init=xavier".
        activations: by default those of the demo; with options where wanted: "elu activation.alpha=0.5".
        depths: by default those of the demo.
    """
    plans = [
        settings(preset(*overrides, *f"activation={activation}".split())) | {"runs_dir": str(RUNS), "data_dir": DATA}
        for activation in activations or preset(*overrides).activations
    ]
    found: list[Run] = []
    for depth in depths or preset(*overrides).depths:
        for chosen in plans:
            with contextlib.redirect_stdout(io.StringIO()):  # it says of each run that it is trained already
                found += holders(chosen | {"model": chosen["model"] | {"depth": depth}})
    return read_runs(dict.fromkeys(found))


def on_disk() -> dict[str, Callable[[], Tables]]:
    """The runs that there are, in groups that differ in activation and depth alone; each is read where it is called."""
    return {name: functools.partial(read_runs, group) for name, group in comparable(available.found(RUNS)).items()}
