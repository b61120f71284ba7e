"""What the study has set itself, and what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

PLACES = {"cpu": "two CPU cores", "cuda": "GPU"}


@dataclass(frozen=True)
class Target:
    """A bound on one number of one table.

    Attributes:
        part: whose table.
        wish: what is bounded, in words.
        row: columns and values that single out the row.
        column: the number.
        at_least: smallest value that meets the target; or
        at_most: largest value that does.
        device: cpu or cuda, where the target is for one of them.
    """

    part: str
    wish: str
    row: Mapping[str, object]
    column: str
    at_least: float | None = None
    at_most: float | None = None
    device: str | None = None

    def told(self, table: pd.DataFrame | None, device: str) -> dict[str, str]:
        """A line of texts: the target, what was measured, and whether it is met."""
        bound = f"≥ {self.at_least:g}" if self.at_most is None else f"≤ {self.at_most:g}"
        line = {"part": self.part, "target": self.wish, "bound": bound, "measured": "not measured", "met": ""}
        if self.device not in (None, device):
            missing = "there was no GPU" if self.device == "cuda" else "it was measured on a GPU"
            return line | {"measured": f"not measured: {missing}"}
        for row in self.rows(table):
            value = row[self.column]
            if pd.isna(value):
                return line | {"measured": row["note"]}
            met = value >= self.at_least if self.at_most is None else value <= self.at_most
            line |= {"measured": f"{value:.4g}", "met": "yes" if met else "no"}
        return line

    def rows(self, table: pd.DataFrame | None) -> list[dict[Any, Any]]:
        """The row, where there is one."""
        if table is None:
            return []
        for column, wanted in self.row.items():
            table = table[table[column] == wanted]
        return table.to_dict("records")


def _faster(than: str, replicas: int, at_least: float, device: str) -> Target:
    wish = f"{PLACES[device]}, {replicas} networks side by side: times as fast as `{than}`"
    row = {"contender": than, "replicas": replicas}
    return Target("throughput", wish, row, "times_study", at_least=at_least, device=device)


def _watched(interval: str, at_most: float) -> Target:
    row = {"tool": "the study", "replicas": 20, "watched": interval}
    return Target("watching", f"20 networks, probes {interval}: over the bare step", row, "ratio", at_most=at_most)


def _compared(column: str, unit: str, at_most: float) -> Target:
    wish = f"10,000 finished runs read, summarized and drawn: {unit}"
    return Target("analysis", wish, {"runs": 10_000, "what": "comparison"}, column, at_most=at_most)


def _explored(wish: str, processor: str, what: str, column: str, at_most: float) -> Target:
    row = {"processor": processor, "what": what}
    return Target("explorer", f"page of 500 runs, {wish}", row, column, at_most=at_most, device="cpu")


def _in_company(situation: str, over: str, column: str, at_most: float) -> Target:
    row = {"situation": situation, "contender": "the study"}
    return Target("company", f"two CPU cores, {situation}: over {over}", row, column, at_most=at_most, device="cpu")


TARGETS = [
    _faster("usual script, 0 workers", 20, 15, "cpu"),
    _faster("usual script, 2 workers", 20, 15, "cpu"),
    _faster("resident data", 20, 2, "cpu"),
    Target("throughput", "two CPU cores, 20 networks side by side: whole step over its matrix products",
           {"contender": "the study", "replicas": 20}, "times_limit", at_most=1.5, device="cpu"),
    _faster("usual script, 0 workers", 100, 1000, "cuda"),
    _faster("usual script, 2 workers", 100, 1000, "cuda"),
    _watched("every 100 steps", 1.03),
    _watched("every step", 1.25),
    *(
        Target("convolutions", f"{network}, {replicas} side by side: whole pass over its convolutions",
               {"network": network, "replicas": replicas, "contender": "the study"}, "ratio", at_most=1.5)
        for network in ("convnet", "NIN") for replicas in (1, 4)
    ),
    _compared("median_s", "seconds", 3),
    _compared("peak_mb", "MB", 500),
    _in_company("alone", "a thread for every core with unbounded waiting", "times_before", 1.1),
    _in_company("beside one busy process", "one thread", "times_one_thread", 1.5),
    _in_company("two trainings at once", "one thread each", "times_one_thread", 1.5),
    _explored("drawn, ms", "as it is", "opened", "median_ms", 1000),
    _explored("drawn by a processor 4 times slower, ms", "4 times slower", "opened", "median_ms", 2000),
    *(_explored(f"{what}, ms", "as it is", what, "median_ms", 50) for what in ("another depth", "another epoch")),
    _explored("kB", "as it is", "opened", "page_kb", 1000),
]  # fmt: skip
