"""What `figures.py` does: from finished runs to figures."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from activation_study import schema
from activation_study.comparison import selection
from activation_study.errors import StudyError, refuse
from activation_study.figures import FIGURES, draw, functions, save
from activation_study.runs import Run, read_runs
from activation_study.runs.available import found
from activation_study.runs.groups import comparable


def figures(config: DictConfig) -> None:
    """Draws the figures of all finished runs, one folder for each set of runs that can be compared.

    That of the functions themselves is the same for all of them, and lies beside these folders.
    """
    asked = schema.checked("figures", config)
    out = Path(asked["out"])
    if asked["figure"] == "functions":
        print(save(functions(), out / "functions")[0])
        return
    wanted = {key: name for key, name in asked["only"].items() if name is not None}
    runs = [run for run in found(asked["runs_dir"]) if run.is_finished and _is_one(run, wanted)]
    if not runs:
        of = " of " + ", ".join(f"only.{key}={value}" for key, value in wanted.items()) if wanted else ""
        raise StudyError(
            f"runs_dir={asked['runs_dir']}: it holds no finished runs{of}; "
            "train some with `python experiments/train.py`, or `make demo`."
        )
    drawn, refused = 0, dict[str, StudyError]()
    for name, group in comparable(runs).items():
        try:
            _refuse_other_objectives(group[0])
            tables = selection.chosen(read_runs(group), asked["tuning_seeds"])
        except StudyError as error:  # of these runs alone; the others are drawn
            refused[name] = error
            continue
        for path in draw(tables, out / name, asked["figure"]):
            print(path)
            drawn += 1
    if refused and not drawn:
        raise next(iter(refused.values()))
    if asked["figure"] is None:
        print(save(functions(), out / "functions")[0])
    for name, reason in refused.items():
        print(f"warning: {name} is left out: {reason}", file=sys.stderr)
    if not drawn:
        is_of_depths = FIGURES[asked["figure"]].over_depth
        refuse("figure", asked["figure"], "it compares several depths, and no runs here that can be compared have them"
               if is_of_depths else "what it shows was not measured in these runs; see probes.every")  # fmt: skip


def _is_one(run: Run, wanted: dict[str, str]) -> bool:
    return all(run.config["config"][group]["name"] == name for group, name in wanted.items())


def _refuse_other_objectives(run: Run) -> None:
    name = run.config["config"].get("objective", {}).get("name", "classification")
    if name != "classification":
        raise StudyError(f"objective={name}: these figures are of networks that are judged by accuracy.")
