"""What has been made of an item: its table on disk, and what it says of itself."""

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from activation_study.papers.item import SCALES, Item, Paper
from activation_study.runs import files


@dataclass(frozen=True)
class Result:
    """An item as it was made.

    Attributes:
        table: of the item.
        scale: at which it was made.
        seeds: networks of each kind.
        hardware: the devices that it was made on.
        minutes: that its training took.
        precision: number format in which layers were computed.
    """

    table: pd.DataFrame
    scale: str
    seeds: int
    hardware: list[str]
    minutes: float
    precision: str = "float32"


def read(out: Path, paper: Paper, item: Item) -> Result | None:
    """The result in a folder of results; None where the item has not been made."""
    stem = out / paper.name / item.name
    if not stem.with_suffix(".json").exists():
        return None
    said = json.loads(stem.with_suffix(".json").read_text())
    return Result(pd.read_parquet(stem.with_suffix(".parquet")), **said)


def write(out: Path, paper: Paper, item: Item, result: Result) -> Result:
    """Keeps a result, the table as Parquet, float32, and the rest as JSON; returns what is kept."""
    stem = out / paper.name / item.name
    wide = [name for name in result.table.select_dtypes("float64") if name != "learning_rate"]
    table = result.table.astype(dict.fromkeys(wide, "float32"))
    files.write(stem.with_suffix(".parquet"), partial(table.to_parquet, index=False, compression="zstd"))
    said = {key: value for key, value in vars(result).items() if key != "table"}
    files.write_text(stem.with_suffix(".json"), json.dumps(said, indent=1) + "\n")
    return replace(result, table=table)


def is_larger(scale: str, other: str) -> bool:
    """Whether a scale is more than another."""
    return SCALES.index(scale) < SCALES.index(other)
