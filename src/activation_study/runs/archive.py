"""The runs of an experiment in one folder that a repository can hold: a Parquet pair, and what the runs are.

    results/tables/mnist_tuned/metrics.parquet, layers.parquet    the tables of all its runs, joined; float32, zstd
    results/tables/mnist_tuned/runs.json                          of each run: configuration, environment, status

`unpack` makes the runs' folders from it again, sealed anew, so that everything that reads or continues runs works on
them: `make runs` does so with all that comes with the repository. Checkpoints and weights are not kept.
"""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any

import pandas as pd

from activation_study import CONF
from activation_study.runs import files
from activation_study.runs.folder import Run

RESULTS = CONF.parent / "results"
TABLES = ("metrics", "layers")
SEALED = ("host", "pid", "updated", "files", "state")  # of a status: written anew


def pack(runs: Iterable[Run], folder: Path) -> None:
    """Writes finished runs into a folder, in the order of their names; the same runs give the same bytes.

    Raises:
        ValueError: a run is not finished, or one of its files is damaged.
    """
    runs = sorted(runs, key=lambda run: run.folder.name)
    entries: list[dict[str, Any]] = []
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for number, run in enumerate(runs):
        if not run.is_finished or run.damaged_file():
            raise ValueError(f"{run.folder}: only finished runs that are whole can be packed")
        status = {key: value for key, value in run.status.items() if key not in SEALED}
        entries.append({"folder": run.folder.name, "config": run.config, "environment": run.environment,
                        "status": status})  # fmt: skip
        for name in TABLES:
            tables[name].append(_smaller(run.table(name)).assign(number=number))
    for name, parts in tables.items():
        files.write(folder / f"{name}.parquet", partial(_write, pd.concat(parts, ignore_index=True)))
    files.write_text(folder / "runs.json", json.dumps(entries, indent=1) + "\n")


def unpack(folder: Path, runs_dir: Path) -> list[Run]:
    """Makes the folders of packed runs in `runs_dir`, but for those that are there already; returns all of them."""
    entries = json.loads((folder / "runs.json").read_text())
    runs = [Run(runs_dir / entry["folder"]) for entry in entries]
    if all(run.is_finished for run in runs):
        return runs
    parts = {name: dict(list(pd.read_parquet(folder / f"{name}.parquet").groupby("number"))) for name in TABLES}
    for number, (run, entry) in enumerate(zip(runs, entries, strict=True)):
        if run.is_finished:
            continue
        files.write_yaml(run.folder / "config.yaml", entry["config"])
        files.write_json(run.folder / "environment.json", entry["environment"])
        for name, by_number in parts.items():
            table = by_number[number].drop(columns="number") if number in by_number else pd.DataFrame()
            files.write_parquet(run.folder / f"{name}.parquet", table.reset_index(drop=True))
        run.finish(**entry["status"])
    return runs


def _write(table: pd.DataFrame, file: IO[bytes]) -> None:
    """Measurements with their bytes plane by plane, which compress to half; the other columns repeat themselves."""
    measured = list(table.select_dtypes("float32"))
    others = [name for name in table if name not in measured]
    table.to_parquet(file, index=False, compression="zstd", use_byte_stream_split=measured, use_dictionary=others)


def _smaller(table: pd.DataFrame) -> pd.DataFrame:
    """Measurements as float32, but for the learning rate, which tells replicas apart."""
    doubles = [name for name in table.select_dtypes("float64") if name != "learning_rate"]
    return table.astype(dict.fromkeys(doubles, "float32"))


def main(packed: Path = RESULTS / "tables", runs_dir: Path = RESULTS / "runs") -> None:
    """Unpacks all packed runs in a folder of folders, and says how many there are."""
    for folder in sorted(path.parent for path in packed.glob("*/runs.json")):
        print(f"{folder.name}: {len(unpack(folder, runs_dir))} runs in {runs_dir}")


if __name__ == "__main__":
    main()
