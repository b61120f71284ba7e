"""What `reproduce.py` does: lists the papers' items, or trains, tabulates and draws them."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from hydra import compose
from omegaconf import DictConfig

from activation_study import schema
from activation_study.commands.cli import MISTAKES, sentence
from activation_study.comparison import text
from activation_study.config import settings
from activation_study.errors import StudyError, refuse
from activation_study.figures import save
from activation_study.papers import PAPERS, page, results
from activation_study.papers.item import Item, Made, Paper, Scale
from activation_study.papers.results import Result
from activation_study.runs import Run, files
from activation_study.training.environment import device_of, environment
from activation_study.training.holders import holders
from activation_study.training.start import KEY

REFERENCE = "AMD EPYC, 1 thread"  # where the minutes of the scales were measured
REFERENCE_STEP = 0.0062  # seconds that a step of five networks of 8 x 128 takes there
HANDED_ON = ("data_dir", "runs_dir", "device", "threads", "checkpoint_seconds")


def reproduce(config: DictConfig) -> None:
    """Makes the items that the configuration names; lists all where it names none."""
    asked = schema.checked("reproduce", config)
    wanted = _wanted(asked)
    out = Path(asked["out"] or ("results/papers" if asked["scale"] != "smoke" else "results/papers-smoke"))
    if wanted is None:
        print(listing(out).to_string(index=False))
        print(
            "\npaper, desk, smoke: minutes of training on this machine. One item: paper=NAME item=NAME; all: item=all."
        )
        return
    kept = []
    for paper, item in wanted:
        before = results.read(out, paper, item)
        if before is not None and results.is_larger(before.scale, asked["scale"]) and not asked["replace"]:
            kept.append(f"{paper.name} {item.name} is there at scale={before.scale}")
            continue
        result = results.write(out, paper, item, make(item, asked))
        print(*draw(paper, item, result, out), sep="\n", flush=True)
    for paper in dict.fromkeys(paper for paper, _ in wanted):
        files.write_text(out / paper.name / "README.md", page.paper_page(paper, out))
    files.write_text(out / "README.md", page.overview_page(list(PAPERS.values()), out))
    print(out / "README.md")
    if kept:
        print(f"warning: {'; '.join(kept)}; for a smaller one give replace=true, or another folder as out=FOLDER.",
              file=sys.stderr)  # fmt: skip


def make(item: Item, asked: Mapping[str, Any]) -> Result:
    """Trains what an item needs, unless that is done already, and makes its table."""
    scale = item.scales[asked["scale"]]
    began = time.perf_counter()
    runs, rates = dict[str, list[Run]](), dict[str, list[float]]()
    for label, overrides in item.plan(scale).items():
        chosen = _settings(_upon(runs, overrides), scale, asked)
        runs[label], rates[label] = holders(chosen), chosen["learning_rate"]
    if asked["threads"] is not None:
        torch.set_num_threads(asked["threads"])  # which what is computed here obeys
    made = Made(runs, range(scale.seeds), rates)
    table = item.table(made, scale)
    all_runs = [run for group in runs.values() for run in group]
    device = environment(device_of(asked["device"]), "", asked["threads"] or torch.get_num_threads())["device"]
    hardware = text.hardware(all_runs) if all_runs else [device]
    seconds = sum(run.status["seconds"] for run in all_runs) if all_runs else time.perf_counter() - began
    return Result(table, asked["scale"], scale.seeds, hardware, round(seconds / 60, 1), asked["precision"])


def draw(paper: Paper, item: Item, result: Result, out: Path) -> list[Path]:
    """Draws an item; the figure says at which scale it was made, and what was cut."""
    return save(item.figure(result.table, page.note(item, result)), out / paper.name / item.name)[:1]


def listing(out: Path) -> pd.DataFrame:
    """Every item: what it shows, the minutes that each scale takes here, and which is there."""
    factor = step_seconds() / REFERENCE_STEP
    rows = []
    for paper in PAPERS.values():
        for item in paper.items:
            result = results.read(out, paper, item)
            minutes = {f"scale={name}": max(1, round(factor * scale.minutes)) for name, scale in item.scales.items()}
            rows.append({"paper": paper.name, "item": item.name, **minutes,
                         "made": result.scale if result else "-", "shows": item.shows})  # fmt: skip
    return pd.DataFrame(rows)


def step_seconds() -> float:
    """How long a step of five networks of 8 x 128 takes here: forward and backward products of their sizes."""
    torch.set_num_threads(1)
    x, weight = torch.randn(5, 64, 128), torch.randn(5, 128, 128, requires_grad=True)
    times = []
    for _ in range(12):
        began = time.perf_counter()
        value = x
        for _ in range(8):
            value = torch.relu(torch.matmul(value, weight))
        value.sum().backward()
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


def _wanted(asked: Mapping[str, Any]) -> list[tuple[Paper, Item]] | None:
    """The items that are asked for; None where the list is."""
    if asked["paper"] is None and asked["item"] is None:
        return None
    papers = list(PAPERS.values()) if asked["paper"] is None else [PAPERS[asked["paper"]]]
    pairs = [(paper, item) for paper in papers for item in paper.items]
    if asked["item"] in (None, "all"):
        return pairs
    found = [(paper, item) for paper, item in pairs if item.name == asked["item"]]
    if not found:
        names = ", ".join(dict.fromkeys(item.name for _, item in pairs))
        refuse("item", asked["item"], f"no such item; choose one of {names}, all")
    return found


def _upon(runs: Mapping[str, Sequence[Run]], overrides: Sequence[str]) -> list[str]:
    """A plan's overrides; where model.start_from gives the label of an earlier run, with that run's name instead."""
    resolved = []
    for override in overrides:
        key, _, label = override.partition("=")
        if key == KEY:
            run, *others = runs[label]
            if others:
                text = "its networks lie in several runs, but others are to begin with one; give another runs_dir"
                refuse(KEY, label, text)
            resolved.append(f"{KEY}={run.folder.name}")
        else:
            resolved.append(override)
    return resolved


def _settings(overrides: Sequence[str], scale: Scale, asked: Mapping[str, Any]) -> dict[str, Any]:
    given = [f"{key}={_literal(asked[key])}" for key in HANDED_ON]
    every = [*overrides, *scale.options, f"seeds={scale.seeds}", f"scale={asked['scale']}",
             f"train.precision={asked['precision']}", *given]  # fmt: skip
    try:
        return settings(compose("train", every), "train")
    except MISTAKES as error:
        raise StudyError(sentence(error, "train", every)) from None


def _literal(value: object) -> str:
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
