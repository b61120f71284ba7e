"""What `figures.py` does: from the runs on disk to figures."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from activation_study import schema
from activation_study.comparison import selection
from activation_study.errors import StudyError, refuse
from activation_study.figures import draw
from activation_study.runs import Run, read_runs
from activation_study.runs.groups import comparable
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
