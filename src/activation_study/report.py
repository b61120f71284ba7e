"""What `figures.py` does: from the runs on disk to figures."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from activation_study import schema, selection
from activation_study.errors import StudyError, refuse
from activation_study.figures import FIGURES, save
from activation_study.names import path_part
from activation_study.runs import Run, Tables, comparable_hash, read_runs
from activation_study.runs.identity import names
from activation_study.runs.index import Index


def figures(config: DictConfig) -> None:
    """Draws the figures of all finished runs on disk, one folder for each set of runs that can be compared."""
    asked = schema.checked("figures", config)
    wanted = {key: name for key, name in asked["only"].items() if name is not None}
    runs = [run for run in Index(Path(asked["runs_dir"])).finished() if _is_one(run, wanted)]
    if not runs:
        of = " of " + ", ".join(f"only.{key}={value}" for key, value in wanted.items()) if wanted else ""
        raise StudyError(
            f"runs_dir={asked['runs_dir']}: it holds no finished runs{of}; "
            "train some with `python experiments/train.py`, or `make demo`."
        )
    drawn, refused = 0, dict[str, StudyError]()
    for name, group in comparable(runs).items():
        try:
            tables = selection.chosen(read_runs(group), asked["tuning_seeds"])
        except StudyError as error:  # of these runs alone; the others are drawn
            refused[name] = error
            continue
        for path in draw(tables, Path(asked["out"]) / name, asked["figure"]):
            print(path)
            drawn += 1
    if refused and not drawn:
        raise next(iter(refused.values()))
    for name, reason in refused.items():
        print(f"warning: {name} is left out: {reason}", file=sys.stderr)
    if not drawn:
        refuse("figure", asked["figure"], "what it shows was not measured in these runs; see probes.every")


def _is_one(run: Run, wanted: dict[str, str]) -> bool:
    return all(run.config["config"][group]["name"] == name for group, name in wanted.items())


def draw(tables: Tables, out: Path, only: str | None = None, **options: dict[str, Any]) -> list[Path]:
    """Draws every figure of comparable runs, or one, into a folder; returns the paths of the PNG files.

    What was not measured is left out.

    Args:
        tables: one learning rate for each activation and depth.
        out: the folder.
        only: name of the one figure that is wanted.
        options: by figure, such as `differences={"reference": "elu"}`.
    """
    names = list(FIGURES) if only is None else [only]
    return [
        save(FIGURES[name](tables.metrics, tables.layers, **options.get(name, {})), out / name)[0]
        for name in names
        if FIGURES[name].can_draw(tables.metrics, tables.layers)
    ]


def comparable(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs in groups that differ in activation, depth and replicas alone, each with a readable name.

    The name is data set and network; groups that share it are told apart by the settings in which they differ. It may
    be that of a folder.
    """
    runs = list(runs)
    configs = {id(config): config for config in (run.config["config"] for run in runs)}  # many runs share theirs
    hashes = {key: comparable_hash(config) for key, config in configs.items()}
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[hashes[id(run.config["config"])]].append(run)
    flat = {key: _flat(group[0].config["config"]) for key, group in groups.items()}
    named: dict[str, list[Run]] = {}
    for key, group in groups.items():
        mine = flat[key]
        name = "-".join(names(group[0].config["config"]))
        twins = [other for other in flat.values() if all(other[k] == mine[k] for k in ("dataset.name", "model.name"))]
        for setting, value in mine.items():
            if any(other.get(setting) != value for other in twins):
                name += f"-{setting.rsplit('.')[-1]}={value}"
        named[path_part(name)] = group
    return named


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as `group.key: value`, without what comparable runs may differ in."""
    return {
        f"{group}.{key}": value
        for group, values in config.items()
        if group != "activation"
        for key, value in values.items()
        if (group, key) != ("model", "depth")
    }
