"""What `compare.py` and `figures.py` do: from a configuration, or the runs on disk, to tables and figures."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from activation_study import comparison
from activation_study.config import listed, settings
from activation_study.errors import StudyError
from activation_study.figures import FIGURES, save
from activation_study.runs import Run, Tables, comparable_hash, read_runs, runs_in


def compare(config: DictConfig) -> None:
    """Trains each activation at each depth unless it is trained already, prints the table, saves it and the figures."""
    from activation_study.runs.execute import execute

    settings(config)  # a mistake ends the command before anything is trained
    depths = listed(config.depths or [config.model.get("depth")])
    given = list(HydraConfig.get().overrides.task)
    choices = [
        settings(compose("compare", [*given, *_overrides(activation, depth)]))
        for depth in depths
        for activation in listed(config.activations)
    ]
    runs = [run for chosen in choices for run in execute(chosen)]
    tables = read_runs(dict.fromkeys(runs))
    out = Path(config.out)
    table, text = comparison.summary(tables), comparison.caption(tables)
    print(f"\n{comparison.as_text(table).to_string(index=False)}\n\n{text}\n")
    command = " ".join(["python experiments/compare.py", *given])
    written = comparison.save_summary(table, text, command, out)
    for path in [*written, *draw(tables, out)]:
        print(path)


def _overrides(activation: str, depth: int | None) -> list[str]:
    name, *options = str(activation).split()
    return [f"activation={name}", *options, *([f"model.depth={depth}"] if depth is not None else [])]


def figures(config: DictConfig) -> None:
    """Draws the figures of all finished runs on disk, one folder for each set of runs that can be compared."""
    if config.figure is not None and config.figure not in FIGURES:
        raise StudyError(f"figure={config.figure}: no such figure; choose one of {', '.join(FIGURES)}.")
    runs = [run for run in runs_in(Path(config.runs_dir)) if run.is_finished and _wanted(run, config)]
    if not runs:
        raise StudyError(
            f"runs_dir={config.runs_dir}: it holds no finished runs of dataset={config.dataset}, model={config.model}; "
            "train some with `python experiments/train.py`, or `make demo`."
        )
    for name, group in comparable(runs).items():
        for path in draw(read_runs(group), Path(config.out) / name, config.figure):
            print(path)


def _wanted(run: Run, config: DictConfig) -> bool:
    return all(config[key] in (None, run.config["config"][key]["name"]) for key in ("dataset", "model"))


def draw(tables: Tables, out: Path, only: str | None = None) -> list[Path]:
    """Draws every figure of comparable runs, or one, into a folder; returns the paths of the PNG files."""
    names = FIGURES if only is None else [only]
    return [save(FIGURES[name](tables.metrics, tables.layers), out / name)[0] for name in names]


def comparable(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs in groups that differ in activation, depth and replicas alone, each with a readable name.

    The name is data set and network; groups that share it are told apart by the settings in which they differ.
    """
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[comparable_hash(run.config["config"])].append(run)
    flat = {key: _flat(group[0].config["config"]) for key, group in groups.items()}
    named: dict[str, list[Run]] = {}
    for key, group in groups.items():
        mine = flat[key]
        name = f"{mine['dataset.name']}-{mine['model.name']}"
        twins = [other for other in flat.values() if all(other[k] == mine[k] for k in ("dataset.name", "model.name"))]
        for setting, value in mine.items():
            if any(other.get(setting) != value for other in twins):
                name += f"-{setting.rsplit('.')[-1]}={value}"
        named[name] = group
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
