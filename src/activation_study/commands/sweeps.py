"""What Hydra's sweeps lack.

Every job of a sweep is checked before the first one starts, its runs are written down, and a sweep that leaves failures
behind lists them and ends with an error, whichever launcher its jobs ran on. Every command imports this module, so what
brings torch is imported where a sweep needs it.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write

from activation_study.commands.cli import is_mistake, sentence
from activation_study.config import settings
from activation_study.errors import StudyError
from activation_study.schema import checked, refuse_added

if TYPE_CHECKING:
    from activation_study.runs import Run


class Job(NamedTuple):
    """One job of a sweep: its overrides, and the configuration that they make."""

    overrides: list[str]
    config: DictConfig


class Sweep(Callback):
    """A sweep, seen from the process that the user has started; Hydra calls it at the beginning.

    Args:
        parts: keys that say which files a job writes into the folder `out`; jobs that differ in others write over one
            another.

    Attributes:
        current: the sweep of this process, once all its jobs are checked.
        listed: keys that a preset has `train.py` sweep over, and for which the jobs of this command have lists.
    """

    current: ClassVar["Sweep | None"] = None
    listed: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parts: Sequence[str] = ()) -> None:
        self.parts = list(parts)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to the workers of a launcher: nothing, however many jobs there are."""
        return {}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuses the whole sweep for a mistake in any of its jobs."""
        self.command, given = config.hydra.job.config_name, _as_given(config.hydra.overrides.task)
        try:
            _leave_out(config.hydra, self.listed)
            self.begin(*_jobs(config))
        except StudyError as error:
            sys.exit(f"error: {error}")
        except Exception as error:  # Hydra would make a warning of it, and go on
            if is_mistake(error):
                sys.exit(f"error: {sentence(error, self.command, given)}")
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            sys.exit(f"error: the sweep cannot be checked, so it is not begun ({reason}).")
        Sweep.current = self

    def begin(self, jobs: list[Job], swept: list[str]) -> None:
        """Checks the jobs: each alone, and that none writes its tables and figures over another's.

        Args:
            jobs: the jobs.
            swept: the keys in which they differ.
        """
        for job in jobs:
            checked(self.command, job.config)
        _refuse_shared_folders(jobs, swept, self.parts)

    def end(self, error: Exception | None = None) -> None:
        """Ends the process with an error if the sweep has not gone well.

        Args:
            error: what ended the sweep, if it was not its last job; a launcher raises it, or a job that failed.
        """
        if error:
            sys.exit(f"error: not every job of the sweep has come to its end: {_first_lines(error)}")


class TrainingSweep(Sweep):
    """A sweep whose jobs are runs."""

    def begin(self, jobs: list[Job], swept: list[str]) -> None:
        """Checks the settings of every run, and writes the runs down that are to be trained."""
        from activation_study.runs.identity import configuration_hash
        from activation_study.training.planning import plan

        self.chosen: dict[tuple[Path, str], list[dict[str, Any]]] = defaultdict(list)
        for job in jobs:
            chosen = settings(job.config)
            self.chosen[Path(chosen["runs_dir"]), configuration_hash(chosen)].append(chosen)
        for (runs_dir, configuration), alike in self.chosen.items():
            plan(runs_dir, configuration, alike)
        folders = dict.fromkeys(runs_dir for runs_dir, _ in self.chosen)
        commands = ", ".join(f"`python experiments/status.py runs_dir={folder}`" for folder in folders)
        print(f"A sweep of {len(jobs)} runs; {commands} tells how they stand.", flush=True)

    def end(self, error: Exception | None = None) -> None:
        """Counts the runs by state; lists failures and what is unfinished, and then ends the process with an error."""
        from activation_study.training.lock import announced
        from activation_study.training.planning import asked_for, finished, portions, run_of

        runs: list[Run] = []
        failed, unfinished = [], []
        for (runs_dir, configuration), alike in self.chosen.items():
            held = finished(runs_dir, configuration)
            asked = dict.fromkeys(replica for chosen in alike for replica in asked_for(chosen))
            runs += dict.fromkeys(held[replica] for replica in asked if replica in held)
            missing = [replica for replica in asked if replica not in held]
            going_on, rest = portions(runs_dir, configuration, missing, held)
            others = announced(runs_dir, configuration) if missing else set()
            for replicas in [*going_on, rest] if rest else going_on:
                run = run_of(alike[0], replicas)
                runs.append(run)
                if "error" in (status := run.status):
                    failed.append(f"  {run.folder.name}: {status['error']}")
                elif not others.issuperset(replicas):
                    unfinished.append(f"  {run.folder.name}")
        print(", ".join(f"{count} {state}" for state, count in Counter(run.status["state"] for run in runs).items()))
        lines = []
        if failed:
            lines += [f"error: {len(failed)} of {len(runs)} runs failed; the others are kept.", *failed]
        if unfinished:
            lines += [f"error: {len(unfinished)} of {len(runs)} runs are unfinished; give the same command to go on."]
            lines += unfinished
        if error and not failed:  # no job's error, so the launcher's, and not yet told
            lines += [f"error: the sweep ended early: {_first_lines(error)}"]
        if lines:
            # A worker that was killed has left the line of its progress bar open.
            sys.exit("\n".join(["", *lines] if error and not failed else lines))


class ComparisonSweep(Sweep):
    """A sweep whose jobs are comparisons."""

    listed = ("activation", "model.depth")

    def begin(self, jobs: list[Job], swept: list[str]) -> None:
        """Checks the settings of every run of every comparison."""
        from activation_study.commands.compare import prepared

        for job in jobs:
            prepared(job.config, job.overrides)
        _refuse_shared_folders(jobs, swept, self.parts)


def _leave_out(hydra: DictConfig, keys: tuple[str, ...]) -> None:
    """Takes keys off the list that a preset gives to Hydra's sweeper."""
    params = _as_given(hydra.sweeper).get("params") or {}
    with read_write(hydra):
        hydra.sweeper.params = {key: value for key, value in params.items() if key not in keys}


def _jobs(config: DictConfig) -> tuple[list[Job], list[str]]:
    """The jobs of a sweep, as Hydra's own sweeper splits them, and the keys that are swept over."""
    command = config.hydra.job.config_name
    presets = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    overrides = parser.parse_overrides([*presets, *_as_given(config.hydra.overrides.task)])
    swept = [override for override in overrides if override.is_sweep_override()]
    for override in swept:
        key = override.get_key_element()
        if override.is_interval_sweep():
            raise StudyError(f"{override.input_line}: an interval is no list of values; give {key}=1,2,3 or the like.")
        try:
            values = list(override.sweep_string_iterator())
        except (HydraException, ValueError) as error:
            raise StudyError(f"{override.input_line}: it makes no list of values ({error}).") from None
        if not values:
            raise StudyError(f"{override.input_line}: it stands for no value; give {key}=VALUE,VALUE.")
    keys = tuple(f"{override.get_key_element()}=" for override in swept)
    jobs = []
    for job in chain.from_iterable(BasicSweeper.split_arguments(overrides, max_batch_size=None)):
        refuse_added(command, job)
        try:
            jobs.append(Job(job, compose(command, job)))
        except Exception as error:
            if not is_mistake(error):
                raise
            chosen = " ".join(override for override in job if override.startswith(keys))
            raise StudyError(f"{sentence(error, command, job).rstrip('.')} (in the job {chosen}).") from None
    return jobs, [override.key_or_group for override in swept]


def _as_given(node: Any) -> Any:
    """A node of a configuration as plain values, ${...} as it stands there: it means what it means in each job."""
    return OmegaConf.to_container(node, resolve=False)


def _refuse_shared_folders(jobs: list[Job], swept: list[str], parts: list[str]) -> None:
    """Refuses jobs of which one would write its tables and figures over another's."""
    sharing: dict[Path, list[DictConfig]] = defaultdict(list)
    for job in jobs:
        if job.config.get("out") is not None:
            sharing[Path(str(job.config.out)).expanduser().resolve()].append(job.config)
    for configs in sharing.values():
        contents: list[Any] = [OmegaConf.to_container(config, resolve=True) for config in configs]
        if any({**content, **dict.fromkeys(parts)} != {**contents[0], **dict.fromkeys(parts)} for content in contents):
            names = [_name(configs[0], key) for key in swept if key.split(".")[0] not in parts]
            way = f", such as 'out={configs[0].out}/{'-'.join(names)}'" if all(names) else " in a command of its own"
            raise StudyError(
                f"out={configs[0].out}: {len(configs)} jobs of this sweep write there, each over the one before; "
                f"give each a folder of its own{way}."
            )


def _name(config: DictConfig, key: str) -> str:
    """What stands for the value of a key in a folder's name; empty where nothing does."""
    value = OmegaConf.select(config, key)
    if OmegaConf.is_dict(value):
        return f"${{{key}.name}}" if "name" in value else ""
    return "" if value is None or OmegaConf.is_list(value) else f"${{{key}}}"


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).splitlines()[:2]).strip()
