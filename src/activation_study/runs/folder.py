"""The folder of a run: its configuration, its status and its tables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from activation_study.runs import files

STATES = ("pending", "running", "done", "diverged", "failed")
FINISHED = ("done", "diverged")


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Its folder holds `config.yaml` (scientific configuration, replicas, scale), `status.json`, `environment.json`,
    `metrics.parquet`, `layers.parquet`.
    """

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """What `config.yaml` says: hash, scale, replicas as [seed, learning rate], and the scientific configuration."""
        return yaml.load((self.folder / "config.yaml").read_text(), Loader=yaml.CSafeLoader)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What `environment.json` says: device, versions, commit, checksum of the data."""
        return json.loads((self.folder / "environment.json").read_text())

    @property
    def status(self) -> dict[str, Any]:
        """What `status.json` says now: state, epoch, epochs, step, diverged, error."""
        try:
            return json.loads((self.folder / "status.json").read_text())
        except FileNotFoundError:
            return {"state": "pending"}

    @property
    def is_finished(self) -> bool:
        """Whether every replica has been trained to its end."""
        return self.status["state"] in FINISHED

    def write_status(self, state: str, **details: Any) -> None:
        """Replaces the status."""
        files.write_json(self.folder / "status.json", {"state": state, **details})

    @property
    def metrics(self) -> pd.DataFrame:
        """The run's metrics, without the columns that say which run it is."""
        return pd.read_parquet(self.folder / "metrics.parquet")

    @property
    def layers(self) -> pd.DataFrame:
        """The run's measurements by layer, without the columns that say which run it is."""
        return pd.read_parquet(self.folder / "layers.parquet")


def runs_in(runs_dir: Path) -> Iterator[Run]:
    """The runs in a folder, in the order of their names."""
    for config in sorted(Path(runs_dir).glob("*/config.yaml")):
        yield Run(config.parent)
