"""The runs of an experiment in one folder that a repository can hold: a Parquet pair, and what the runs are.

    results/tables/mnist/metrics.parquet, layers.parquet    the tables of all its runs, joined; further ones likewise
    results/tables/mnist/runs.json                          of each run: configuration, environment, status

`Archive` gives the runs as they lie there. `unpack` makes their folders again, sealed anew, so that they are continued
and kept like any others: `make runs` does so with all that comes with the repository. Checkpoints and weights are not
kept.
"""

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from activation_study import CONF
from activation_study.runs import files
from activation_study.runs.folder import Run

RESULTS = CONF.parent / "results"
TABLES = ("metrics", "layers")
BITS = 16  # of the 23 of a fraction that measurements by layer keep: five digits, in which machines do not agree
SEALED = ("host", "pid", "updated", "files", "state")  # of a status: written anew


@dataclass(frozen=True)
class PackedRun(Run):
    """A finished run in an archive: all that readers use of a run, and no files of its own.

    Attributes:
        folder: where it would lie.
        archive: what holds it.
        number: its position there.
    """

    archive: "Archive" = field(repr=False, compare=False)
    number: int = field(compare=False)

    @property
    def entry(self) -> dict[str, Any]:
        """What `runs.json` says of it."""
        return self.archive.entries[self.number]

    @cached_property
    def config(self) -> dict[str, Any]:
        """What its `config.yaml` said."""
        return self.entry["config"]

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What its `environment.json` said."""
        return self.entry["environment"]

    @property
    def status(self) -> dict[str, Any]:
        """What its `status.json` said, but for who wrote it and when."""
        status = self.entry["status"]
        return {"state": "diverged" if status["diverged"] else "done", **status}

    def damaged_file(self) -> None:
        """It was whole when it was packed."""

    def tables(self, names: Sequence[str]) -> list[pa.Table]:
        """Its rows of the joined tables."""
        return [self.archive.rows(name, self.number) for name in names]


class Archive:
    """Packed runs; a table of theirs is read once, where the first of them is asked for it.

    Args:
        content: gives a file of the archive by its name.
        folder: where the runs would lie if they were unpacked there.

    Attributes:
        entries: what `runs.json` says of each run.

    Raises:
        OSError, ValueError, KeyError: `runs.json` is not there, or not what `pack` writes.
    """

    def __init__(self, content: Callable[[str], bytes], folder: Path) -> None:
        self.content, self.folder = content, folder
        self.entries: list[dict[str, Any]] = json.loads(content("runs.json"))
        self._joined: dict[str, tuple[pa.Table, list[int]]] = {}

    @classmethod
    def at(cls, folder: Path) -> "Archive":
        """The archive in a folder; its runs' folders would be in it."""
        return cls(lambda name: (folder / name).read_bytes(), folder)

    def runs(self) -> list[PackedRun]:
        """The runs, in the order of their names."""
        return [PackedRun(self.folder / entry["folder"], self, number) for number, entry in enumerate(self.entries)]

    def rows(self, table: str, number: int) -> pa.Table:
        """The rows of a run in one of the tables."""
        if table not in self._joined:
            self._joined[table] = self._read(table)
        joined, ends = self._joined[table]
        return joined.slice(ends[number], ends[number + 1] - ends[number])

    def _read(self, table: str) -> tuple[pa.Table, list[int]]:
        """A joined table without the column `number`, and where each run begins in it, and the last one ends."""
        joined = parquet.read_table(pa.BufferReader(self.content(f"{table}.parquet"))).replace_schema_metadata(None)
        ends = np.searchsorted(joined["number"].to_numpy(), np.arange(len(self.entries) + 1))
        return joined.drop_columns("number"), ends.tolist()


def pack(runs: Iterable[Run], folder: Path, thin: bool = False) -> None:
    """Writes finished runs into a folder, in the order of their names; the same runs give the same bytes.

    Measurements by layer are rounded to five digits, losses and accuracies are kept as they are.

    Args:
        runs: finished runs.
        folder: where to.
        thin: keep measurements by layer of the first and the last epoch only, and the last one of those between: of
            long runs they would be megabytes, and look alike.

    Raises:
        ValueError: a run is not finished, or one of its files is damaged.
    """
    runs = list(runs)
    for run in runs:
        if not run.is_finished or run.damaged_file():
            raise ValueError(f"{run.folder}: only finished runs that are whole can be packed")
    for name, content in packed(runs, thin=thin).items():
        files.write(folder / name, lambda file, content=content: file.write(content))  # type: ignore[misc]


def packed(
    runs: Iterable[Run], stamps: Mapping[str, Sequence[int]] = MappingProxyType({}), thin: bool = False
) -> dict[str, bytes]:
    """The files of an archive by name.

    Args:
        runs: finished runs.
        stamps: what `runs.json` shall say of them besides, by the names of their folders; see `index`.
        thin: see `pack`.

    Raises:
        ValueError: a table of a run is damaged.
    """
    runs = sorted(runs, key=lambda run: run.folder.name)
    entries: list[dict[str, Any]] = []
    tables: dict[str, list[pa.Table]] = {name: [] for name in TABLES}  # further ones where a run has them
    for number, run in enumerate(runs):
        status = {key: value for key, value in run.status.items() if key not in SEALED}
        entries.append({"folder": run.folder.name, "config": run.config, "environment": run.environment,
                        "status": status})  # fmt: skip
        if stamps:
            entries[-1]["stamps"] = stamps[run.folder.name]
        names = [*TABLES, *run.further]
        for name, whole in zip(names, run.tables(names), strict=True):
            table = whole if stamps or name == "metrics" else _shorter(whole)
            if thin and name == "layers":
                table = _thinner(table)
            tables.setdefault(name, []).append(table.append_column("number", pa.array(np.full(len(table), number))))
    content = {f"{name}.parquet": _as_parquet(parts) for name, parts in tables.items()}
    return {**content, "runs.json": (json.dumps(entries, indent=1) + "\n").encode()}


def _thinner(table: pa.Table) -> pa.Table:
    """Measurements of the first and the last epoch, and the last one of every other."""
    if not len(table):
        return table
    epoch, step = table["epoch"].to_numpy(), table["step"].to_numpy()
    last_step = pd.Series(step).groupby(epoch).transform("max").to_numpy()
    return table.filter(pa.array((epoch <= 1) | (epoch == epoch.max()) | (step == last_step)))


def _shorter(table: pa.Table) -> pa.Table:
    """A table whose float32 keep BITS of their fraction, which compress to three quarters."""
    last = np.int32(23 - BITS)
    for position, column in enumerate(table.columns):
        if column.type == pa.float32():
            values = column.to_numpy().copy()
            finite = np.isfinite(values)
            whole = values.view(np.int32)
            whole[finite] = (whole[finite] + (np.int32(1) << (last - 1))) >> last << last
            table = table.set_column(position, table.schema.field(position), pa.array(values))
    return table


def _as_parquet(tables: Sequence[pa.Table]) -> bytes:
    """Tables as one; measurements with their bytes plane by plane, which compress to half, the rest repeats itself."""
    joined, buffer = pa.concat_tables(tables, promote_options="permissive"), io.BytesIO()
    measured = [column.name for column in joined.schema if column.type == pa.float32() or column.name == "loss"]
    others = [name for name in joined.column_names if name not in measured]
    parquet.write_table(joined, buffer, compression="zstd", use_byte_stream_split=measured, use_dictionary=others)
    return buffer.getvalue()


def unpack(folder: Path, runs_dir: Path) -> list[Run]:
    """Makes the folders of packed runs in `runs_dir`, but for those that are there already; returns all of them."""
    return [unpacked(run, runs_dir) for run in Archive.at(folder).runs()]


def unpacked(run: PackedRun, runs_dir: Path) -> Run:
    """Makes the folder of a packed run in `runs_dir`, unless it is finished there already."""
    own = Run(runs_dir / run.folder.name)
    if not own.is_finished:
        files.write_yaml(own.folder / "config.yaml", run.config)
        files.write_json(own.folder / "environment.json", run.environment)
        for name in (*TABLES, *run.further):
            files.write_parquet(own.folder / f"{name}.parquet", run.table(name))
        own.finish(**run.entry["status"])
    return own
