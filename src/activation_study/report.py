"""What `figures.py` does: from the runs on disk to figures."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from activation_study import selection
from activation_study.errors import StudyError
from activation_study.figures import FIGURES, save
from activation_study.names import path_part
from activation_study.runs import Run, Tables, comparable_hash, read_runs
from activation_study.runs.identity import names
from activation_study.runs.index import Index


def figures(config: DictConfig) -> None:
    """Draws the figures of all finished runs on disk, one folder for each set of runs that can be compared."""
    if config.figure is not None and config.figure not in FIGURES:
        raise StudyError(f"figure={config.figure}: no such figure; choose one of {', '.join(FIGURES)}.")
    wanted = {key: config[key] for key in ("dataset", "model") if config[key] is not None}
    runs = [run for run in Index(Path(config.runs_dir)).finished() if _is_one(run, wanted)]
    if not runs:
        raise StudyError(
            f"runs_dir={config.runs_dir}: it holds no finished runs of dataset={config.dataset}, model={config.model}; "
            "train some with `python experiments/train.py`, or `make demo`."
        )
    for name, group in comparable(runs).items():
        tables = selection.chosen(read_runs(group), list(config.tuning_seeds))
        for path in draw(tables, Path(config.out) / name, config.figure):
            print(path)


def _is_one(run: Run, wanted: dict[str, str]) -> bool:
    return all(run.config["config"][group]["name"] == name for group, name in wanted.items())


def draw(tables: Tables, out: Path, only: str | None = None, **options: dict[str, Any]) -> list[Path]:
    """Draws every figure of comparable runs, or one, into a folder; returns the paths of the PNG files.

    Args:
        tables: one learning rate for each activation and depth.
        out: the folder.
        only: name of the one figure that is wanted.
        options: by figure, such as `differences={"reference": "elu"}`.
    """
    names = list(FIGURES) if only is None else [only]
    return [
        save(FIGURES[name](tables.metrics, tables.layers, **options.get(name, {})), out / name)[0] for name in names
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
