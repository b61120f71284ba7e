"""The folder of a run: its configuration, its status and its tables."""

import fnmatch
import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml
from pyarrow import parquet

from activation_study.names import printable
from activation_study.runs import files

STATES = ("done", "running", "pending", "diverged", "failed")
FINISHED = ("done", "diverged")
GUARDED = ("config.yaml", "environment.json", "metrics.parquet", "layers.parquet")
SILENT_AFTER = 900  # seconds without a word after which a run on another machine no longer counts as running


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Its folder holds `config.yaml` (hash, scale, replicas, scientific configuration), `status.json`, `environment.json`,
    `metrics.parquet` and `layers.parquet`, and further tables where `probes.also` asked for them; while it is trained
    also its checkpoints.
    """

    folder: Path

    @property
    def name(self) -> str:
        """What tables and checkpoints call it: its folder's name, in letters that every text can hold."""
        return printable(self.folder.name)

    @cached_property
    def config(self) -> dict[str, Any]:
        """What `config.yaml` says: hash, scale, replicas as [seed, learning rate], and the scientific configuration."""
        return yaml.load((self.folder / "config.yaml").read_text(), Loader=yaml.CSafeLoader)

    @property
    def further(self) -> list[str]:
        """The tables that it has besides `metrics` and `layers`."""
        return self.config["config"]["probes"].get("also", [])

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What `environment.json` says: device, versions, commit, checksum of the data."""
        return json.loads((self.folder / "environment.json").read_text())

    @property
    def status(self) -> dict[str, Any]:
        """What `status.json` says now; a run without one is pending, and so is one with a damaged one, which is named.

        Keys, where they apply: state, epoch, step, steps, seconds, diverged, error, host, pid, updated, files.
        """
        try:
            return self._read_status()
        except FileNotFoundError:
            return {"state": "pending"}
        except ValueError as error:
            print(f"warning: {error}; the run counts as pending.", file=sys.stderr)
            return {"state": "pending"}

    def _read_status(self) -> dict[str, Any]:
        path = self.folder / "status.json"
        try:
            status = json.loads(path.read_text())
            intact = status.pop("checksum") == _checksum(status)
        except (ValueError, KeyError, AttributeError):  # not UTF-8, not JSON, not an object, or without its checksum
            intact = False
        if not intact:
            raise ValueError(f"{path}: it is damaged")
        return status

    def write_status(self, state: str, **details: Any) -> None:
        """Replaces the status, and says who wrote it and when; a damaged one is set aside, not overwritten."""
        try:
            self._read_status()
        except FileNotFoundError:
            pass
        except ValueError:
            files.set_aside(self.folder / "status.json", "it is damaged")
        status = {"state": state, **details, "host": socket.gethostname(), "pid": os.getpid(), "updated": time.time()}
        files.write_json(self.folder / "status.json", {**status, "checksum": _checksum(status)})

    def finish(self, **details: Any) -> None:
        """Seals the run: its status is the last thing written, and holds the checksums of the other files."""
        further = [f"{name}.parquet" for name in self.further]
        sums = {name: files.checksum(self.folder / name) for name in (*GUARDED, *further)}
        self.write_status("diverged" if details["diverged"] else "done", **details, files=sums)

    @property
    def is_finished(self) -> bool:
        """Whether every replica has been trained to its end."""
        return self.status["state"] in FINISHED

    @property
    def is_alive(self) -> bool:
        """Whether the process that trains the run still does, as far as can be told from here."""
        status = self.status
        if status["state"] != "running":
            return False
        if status["host"] != socket.gethostname():
            return time.time() - status["updated"] < SILENT_AFTER
        try:
            os.kill(status["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True

    def damaged_file(self) -> Path | None:
        """The first file of a finished run that is not, byte for byte, what training has left; None if all are."""
        sums = self.status.get("files", {})
        for name in {*GUARDED, *sums}:
            path = self.folder / name
            if not path.exists() or files.checksum(path) != sums.get(name):
                return path
        return None

    def table(self, name: str) -> pd.DataFrame:
        """`metrics`, `layers` or a further table of a finished run, without the columns that say which run it is.

        Raises:
            ValueError: the file is not what training has left.
        """
        return self.tables([name])[0].to_pandas()

    def tables(self, names: Sequence[str]) -> list[pa.Table]:
        """Several of them, as Arrow has them, which joins many in no time.

        Raises:
            ValueError: a file is not what training has left.
        """
        sums, found = self.status.get("files", {}), []
        for name in names:
            path = self.folder / f"{name}.parquet"
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != sums.get(path.name):
                raise ValueError(f"{path}: its checksum is wrong")
            with parquet.ParquetFile(pa.BufferReader(content)) as file:  # for small files twice as fast as `read_table`
                found.append(file.read(use_threads=False).replace_schema_metadata(None))
        return found


def runs_in(runs_dir: Path, pattern: str = "*", known: Mapping[str, Run] = MappingProxyType({})) -> Iterator[Run]:
    """The runs in a folder, in the order of their names; one whose configuration cannot be read is named and left out.

    Args:
        runs_dir: the folder of run folders.
        pattern: what their names must match; hidden folders hold no runs.
        known: runs by the names of their folders that need not be read again.
    """
    try:
        names = sorted(name for name in fnmatch.filter(os.listdir(runs_dir), pattern) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return
    folder = Path(runs_dir)
    for name in names:
        run = known.get(name) or Run(folder / name)
        try:
            run.config["hash"], run.config["replicas"], run.config["config"]
        except (FileNotFoundError, NotADirectoryError):
            continue  # no run
        except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
            print(f"warning: {run.folder / 'config.yaml'}: it is damaged; the run is left out.", file=sys.stderr)
        else:
            yield run


def _checksum(status: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(status, sort_keys=True).encode()).hexdigest()[:16]
