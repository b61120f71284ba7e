"""How many runs stand where, how fast they go, and how long the rest will take."""

import difflib
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from activation_study.errors import refuse
from activation_study.runs import bars
from activation_study.runs.available import found
from activation_study.runs.folder import FINISHED, STATES, Run
from activation_study.runs.scores import scores_of


def overview(runs_dir: Path | str) -> str:
    """The status of all runs in a folder, as a text for the terminal."""
    runs = {run: run.status for run in found(runs_dir)}
    done = {replica for run, status in runs.items() if status["state"] in FINISHED for replica in _replicas(run)}
    # A run with a replica that a finished one holds is not gone on with: what else it holds is trained by another run.
    runs = {run: s for run, s in runs.items() if s["state"] in FINISHED or done.isdisjoint(_replicas(run))}
    states = {run: _state(run, status) for run, status in runs.items()}
    counts = Counter(states.values())
    lines = [", ".join(f"{counts[state]} {state}" for state in STATES)]
    for run, state in states.items():
        if state == "running":
            lines.append(f"  running  {run.folder.name}: {_progress(runs[run])}")
    lines += [f"  failed   {run.folder.name}: {s['error']}" for run, s in runs.items() if states[run] == "failed"]
    lines += [
        f"  diverged {run.folder.name}: {where} at step {step}"
        for run, status in runs.items()
        if states[run] == "diverged"
        for where, step in status["diverged"].items()
    ]
    if counts["pending"] or counts["running"]:
        lines.append(_time_left(runs, states))
    return "\n".join(lines)


def of_one(runs_dir: Path | str, name: str) -> str:
    """How one run stands, and where it is finished its gradient norms by layer, as a text for the terminal.

    Args:
        runs_dir: the folder of runs.
        name: of the run, or a beginning that no other run has.

    Raises:
        StudyError: no run has the name, or several do.
    """
    runs = {run.name: run for run in found(runs_dir)}
    fitting = [name] if name in runs else [other for other in runs if other.startswith(name)]
    if not fitting:
        refuse("run", name, f"no such run; the nearest are {', '.join(difflib.get_close_matches(name, runs, 3, 0.0))}")
    if len(fitting) > 1:
        refuse("run", name, f"{len(fitting)} runs begin so; choose one of {', '.join(fitting)}")
    run = runs[fitting[0]]
    status = run.status
    lines = [f"{run.name}: {_state(run, status)}"]
    lines += [f"  {where}: diverged at step {step}" for where, step in status.get("diverged", {}).items()]
    if run.is_finished:
        lines.append(scores_of(run))
        lines.append(bars.picture_of(run) or "gradient norms were not measured; see probes.every")
    elif "step" in status:
        lines.append(_progress(status))
    return "\n".join(lines)


def _replicas(run: Run) -> set[tuple[str, int, float]]:
    return {(run.config["hash"], seed, rate) for seed, rate in run.config["replicas"]}


def _state(run: Run, status: dict[str, Any]) -> str:
    """The state as it is: what says that it is running while its process is gone waits to be continued."""
    return "pending" if status["state"] == "running" and not run.is_alive else status["state"]


def _progress(status: dict[str, Any]) -> str:
    text = (
        f"epoch {status['epoch']}, step {status['step']} of {status['steps']} ({status['step'] / status['steps']:.0%})"
    )
    if status["step"] and status["seconds"]:
        rate = status["step"] / status["seconds"]
        text += f", {rate:.1f} steps/s, {duration((status['steps'] - status['step']) / rate)} left"
    return text


def _time_left(runs: dict[Run, dict[str, Any]], states: dict[Run, str]) -> str:
    """Time left, from the median time per epoch, replica and layer of the runs so far of the same kind."""
    pace: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for run, status in runs.items():
        if status.get("step") and status.get("seconds"):
            pace[_kind(run)].append(status["seconds"] / _work(run) * status["steps"] / status["step"])
    left, unknown = 0.0, 0
    for run, status in runs.items():
        if states[run] in ("pending", "running"):
            if known := pace.get(_kind(run)):
                left += median(known) * _work(run) * (1 - status.get("step", 0) / status.get("steps", 1))
            else:
                unknown += 1
    workers = max(1, Counter(states.values())["running"])
    text = f"time left: about {duration(left / workers)} with {workers} worker{'s' if workers > 1 else ''}"
    return text + (f", and {unknown} runs of a kind that none has been trained of yet" if unknown else "")


def _kind(run: Run) -> tuple[str, ...]:
    """Runs of a kind take about the same time per epoch, replica and layer."""
    config = run.config["config"]
    width = config["model"].get("width")
    return tuple(map(str, (config["dataset"], config["model"]["name"], width, config["train"]["batch_size"])))


def _work(run: Run) -> int:
    """Epochs x replicas x layers."""
    config = run.config["config"]
    return config["train"]["epochs"] * len(run.config["replicas"]) * (config["model"].get("depth", 0) + 1)


def duration(seconds: float) -> str:
    """A time as a person says it."""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
