"""Which replicas are asked for, which are trained, and as which runs the missing ones are to be trained."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from filelock import Timeout

from activation_study.runs import files
from activation_study.runs.folder import Run, runs_in
from activation_study.runs.identity import configuration_hash, run_name, scientific
from activation_study.training import checkpoint
from activation_study.training.lock import locked
from activation_study.training.trainer import Replica


def asked_for(settings: dict[str, Any]) -> list[Replica]:
    """The replicas that the settings ask for: the product of the learning rates and the seeds."""
    return [Replica(seed, rate) for rate in settings["learning_rate"] for seed in settings["seeds"]]


def finished(runs_dir: Path, configuration: str, mend: bool = False) -> dict[Replica, Run]:
    """The replicas of a configuration that have been trained, each with a run that holds it.

    A finished run with a damaged file is not trusted.

    Args:
        runs_dir: the folder of the runs.
        configuration: hash of the configuration.
        mend: whether to name a damaged file and set it aside, so that the run starts over; for who holds the lock.
    """
    holders: dict[Replica, Run] = {}
    for run in runs_in(runs_dir, f"*-{configuration}-*"):
        if run.is_finished:
            damaged = run.damaged_file()
            if damaged is None:
                holders |= dict.fromkeys(replicas_of(run), run)
            elif mend:
                if damaged.exists():
                    files.set_aside(damaged, "it is not what the training has left")
                run.write_status("pending")
    return holders


def portions(
    runs_dir: Path, configuration: str, missing: Iterable[Replica], held: Collection[Replica]
) -> tuple[list[list[Replica]], list[Replica]]:
    """As which runs the missing replicas are to be trained: those of each run that goes on, and the rest.

    What has a checkpoint goes on first, what is furthest before the others. A run that was begun with replicas that are
    not missing goes on with all of them where that is less work than to start anew with those that are, or where a
    sweep has planned it; but not with one that a finished run holds: nothing is trained twice.
    """
    left, going_on = dict.fromkeys(missing), list[list[Replica]]()
    planned = set(held)
    unfinished = [run for run in runs_in(runs_dir, f"*-{configuration}-*") if not run.is_finished]
    for run in sorted(unfinished, key=_precedence):
        replicas = replicas_of(run)
        wanted = left.keys() & set(replicas)
        work = len(replicas) * (1 - _share_done(run))  # in replicas trained from the first step to the last
        is_worth = _is_begun(run) and (work <= len(wanted) or run.status["state"] == "pending")
        if wanted and planned.isdisjoint(replicas) and (len(wanted) == len(replicas) or is_worth):
            going_on.append(replicas)
            planned.update(replicas)
            for replica in wanted:
                del left[replica]
    return going_on, list(left)


def plan(runs_dir: Path, configuration: str, jobs: Sequence[dict[str, Any]]) -> None:
    """Writes down the runs that the jobs of a sweep are to train, where no other process trains this configuration.

    Args:
        runs_dir: the folder of the runs.
        configuration: hash of the configuration that the jobs share.
        jobs: their settings.
    """
    asked_by: dict[Replica, list[int]] = defaultdict(list)
    for number, job in enumerate(jobs):
        for replica in asked_for(job):
            asked_by[replica].append(number)
    try:
        with locked(runs_dir, configuration):
            held = finished(runs_dir, configuration, mend=True)
            missing = [replica for replica in asked_by if replica not in held]
            going_on, rest = portions(runs_dir, configuration, missing, held)
            for replicas in going_on:
                register(jobs[0], replicas)
            # Each job trains all of a run or nothing, in whatever order the jobs come: so a run holds what the same
            # jobs ask for.
            together: dict[tuple[int, ...], list[Replica]] = defaultdict(list)
            for replica in rest:
                together[tuple(asked_by[replica])].append(replica)
            for numbers, replicas in together.items():
                register(jobs[numbers[0]], replicas)
    except Timeout:
        pass  # its runs are written down by the process that trains it


def register(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    """Writes down a run that is to be trained, so that its status can be asked for; for who holds the lock."""
    run = run_of(settings, replicas)
    config = {
        "hash": configuration_hash(settings),
        "scale": settings["scale"],
        "replicas": [list(pair) for pair in pairs(replicas)],
        "config": scientific(settings),
    }
    files.write_yaml(run.folder / "config.yaml", config)
    run.write_status("pending", **progress_of(run))
    return run


def run_of(settings: dict[str, Any], replicas: Iterable[Replica]) -> Run:
    """The run, on disk or not yet, that holds just these replicas of a configuration."""
    return Run(Path(settings["runs_dir"]) / run_name(settings, pairs(replicas)))


def replicas_of(run: Run) -> list[Replica]:
    """The replicas of a run on disk."""
    return [Replica(seed, rate) for seed, rate in run.config["replicas"]]


def pairs(replicas: Iterable[Replica]) -> list[tuple[int, float]]:
    """Seed and learning rate of each replica."""
    return [(replica.seed, replica.learning_rate) for replica in replicas]


def progress_of(run: Run) -> dict[str, Any]:
    """How far a run has come, as its status tells it."""
    status = run.status
    return {key: status[key] for key in ("epoch", "step", "steps", "seconds") if key in status}


def _precedence(run: Run) -> tuple[bool, float, int, str]:
    return not _is_begun(run), -_share_done(run), len(run.config["replicas"]), run.folder.name


def _is_begun(run: Run) -> bool:
    return any((run.folder / name).exists() for name in checkpoint.NAMES)


def _share_done(run: Run) -> float:
    status = run.status
    return status.get("step", 0) / status.get("steps", 1)
