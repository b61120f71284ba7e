"""The page that shows what was measured: written from the tables that are there."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from targets import TARGETS

from activation_study.comparison.text import markdown

UNITS = {"_ms": ", ms", "_s": ", s", "_mb": ", MB", "_kb": ", kB"}
QUICK = "\n**A quick run, which only shows that everything runs: its times are no results.**\n"
TEXT = """# Speed of the study
{quick}
Written by `python benchmarks/run.py` from the tables in this folder. All contenders of a part take turns, in one
process but for *company*, *start* and *explorer*, every other round the other way round; the first round is not
counted. Times are the median, least and largest of the rounds, ratios the median of the ratios within a round.
`activation_study.training.execute.keep_freed_memory` is called once at the start, so that every contender alike keeps
the memory that it frees; and OpenMP's threads wait for all of them as shortly as for the study, but for *before* in
*company*. Numbers are float32 unless a row says otherwise, with torch's own choice of TF32 on a GPU (convolutions
yes, matrix products no). MNIST is used where the data folder holds it, random pixels otherwise; no time depends on
which.

## Targets

{targets}"""
SECTION = """
## {part}

Measured on {device} ({cores} cores), torch {torch}, Python {python}, commit {commit}, with `{command}`.
{about}
{figure}{table}"""


def page(folder: Path, abouts: dict[str, str]) -> str:
    """The page in Markdown.

    Args:
        folder: holds a CSV file of each part that was measured, and environment.json.
        abouts: what each part is, in the order of the page.
    """
    measured = json.loads((folder / "environment.json").read_text())
    tables = {part: pd.read_csv(folder / f"{part}.csv") for part in abouts}
    targets = pd.DataFrame([
        target.told(tables.get(target.part), measured.get(target.part, {}).get("kind", "cpu")) for target in TARGETS
    ])  # fmt: skip
    is_quick = any(measured[part]["quick"] for part in tables)
    text = TEXT.format(quick=QUICK if is_quick else "", targets=markdown(targets))
    for part, table in tables.items():
        figure = f"![{part}]({part}.png)\n\n" if (folder / f"{part}.png").exists() else ""
        text += SECTION.format(
            part=part.capitalize(), about=abouts[part], figure=figure, table=markdown(as_text(table)), **measured[part]
        )
    return text


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Four digits a number, units in the header; of what was not measured, the reason alone."""
    text = table.map(_cell)
    if "note" in text and not text["note"].any():
        text = text.drop(columns="note")
    return text.rename(columns=_header)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def _header(column: str) -> str:
    for ending, unit in UNITS.items():
        if column.endswith(ending):
            return column.removesuffix(ending) + unit
    return column.replace("_", " ")
