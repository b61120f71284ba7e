"""Which run holds each replica that is asked for: the user's own, one that comes with the repository, or a new one."""

from pathlib import Path
from typing import Any

from activation_study.errors import refuse
from activation_study.runs.archive import PackedRun, unpacked
from activation_study.runs.available import given_with
from activation_study.runs.folder import Run
from activation_study.runs.identity import configuration_hash
from activation_study.training.execute import execute
from activation_study.training.lock import locked
from activation_study.training.planning import asked_for, finished, replicas_of, run_of
from activation_study.training.trainer import Replica


def held(runs_dir: Path | str, configuration: str) -> dict[Replica, Run]:
    """The replicas of a configuration that are trained, in the user's runs or in those that come with the repository.

    Args:
        runs_dir: the folder of the user's runs.
        configuration: hash of the configuration.
    """
    given = (run for run in given_with(runs_dir) if run.config["hash"] == configuration)
    return {replica: run for run in given for replica in replicas_of(run)} | finished(Path(runs_dir), configuration)


def holders(settings: dict[str, Any], missing: str = "train") -> list[Run]:
    """The finished runs that hold the replicas that the settings ask for.

    Where some are missing, what comes with the repository of the others is unpacked, so that it is not trained again.

    Args:
        settings: as `config.settings` gives them.
        missing: what is done about replicas that are in no run: "train", or "refuse".

    Raises:
        StudyError: replicas are missing and may not be trained, or cannot be.
    """
    runs_dir, configuration, asked = Path(settings["runs_dir"]), configuration_hash(settings), asked_for(settings)
    known = held(runs_dir, configuration)
    runs = list(dict.fromkeys(known[replica] for replica in asked if replica in known))
    if known.keys() >= set(asked):
        print(f"{runs[0].folder.name}: trained already, nothing to do.")
        return runs
    if missing == "refuse":
        count = sum(replica not in known for replica in asked)
        name = run_of(settings, asked).folder.name
        refuse("missing", missing, f"{count} of the {len(asked)} networks of {name} are not trained yet; "
                                   "missing=train trains them")  # fmt: skip
    with locked(runs_dir, configuration, waits=lambda: True):
        for run in runs:
            if isinstance(run, PackedRun):
                unpacked(run, runs_dir)
    return execute(settings, wait=True)
