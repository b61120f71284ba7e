"""What Hydra's sweeps lack.

Every run of a sweep is checked and written down before the first one starts, and a sweep that leaves failures behind
lists them and ends with an error, whichever launcher its jobs ran on.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from activation_study.config import settings
from activation_study.errors import StudyError
from activation_study.schema import refuse_added


class Sweep(Callback):
    """A sweep, seen from the process that the user has started; Hydra calls it at the beginning and the end.

    Attributes:
        current: the sweep of this process, once its runs are written down.
    """

    current: ClassVar["Sweep | None"] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuses the whole sweep for a mistake in any of its jobs; then registers the runs that are to be trained."""
        from activation_study.runs.execute import asked_for, finished, register
        from activation_study.runs.identity import configuration_hash

        try:
            refuse_added(config.hydra.job.config_name, config.hydra.overrides.task)
            jobs = [settings(compose(config.hydra.job.config_name, overrides)) for overrides in _jobs(config)]
            self.runs_dir = Path(jobs[0]["runs_dir"])
            self.configurations = {configuration_hash(job): job for job in jobs}
            for configuration, job in self.configurations.items():
                holders = finished(self.runs_dir, configuration)
                if missing := [replica for replica in asked_for(job) if replica not in holders]:
                    register(job, missing)
        except StudyError as error:
            sys.exit(f"error: {error}")
        Sweep.current = self
        command = f"python experiments/status.py runs_dir={self.runs_dir}"
        print(f"A sweep of {len(jobs)} runs; `{command}` tells how they stand.")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Says how the runs have ended."""
        self.end()

    def end(self, error: Exception | None = None) -> None:
        """Counts the runs by state; lists failures and what is unfinished, and then ends the process with an error.

        Args:
            error: what ended the sweep, if it was not its last job; a launcher raises it, or a job that failed.
        """
        from activation_study.runs import runs_in

        runs = [run for name in self.configurations for run in runs_in(self.runs_dir, f"*-{name}-*")]
        states = {run: run.status for run in runs}
        print(", ".join(f"{count} {state}" for state, count in Counter(s["state"] for s in states.values()).items()))
        failed = [f"  {run.folder.name}: {status['error']}" for run, status in states.items() if "error" in status]
        unfinished = [
            f"  {run.folder.name}"
            for run, status in states.items()
            if status["state"] in ("pending", "running") and not run.is_alive
        ]
        lines = []
        if failed:
            lines += [f"error: {len(failed)} of {len(runs)} runs failed; the others are kept.", *failed]
        if unfinished:
            lines += [f"error: {len(unfinished)} of {len(runs)} runs are unfinished; give the same command to go on."]
            lines += unfinished
        if error and not failed:  # no job's error, so the launcher's, and not yet told
            lines += [f"error: the sweep ended early: {' '.join(str(error).splitlines()[:2]).strip()}"]
        if lines:
            # A worker that was killed has left the line of its progress bar open.
            sys.exit("\n".join(["", *lines] if error and not failed else lines))


def _jobs(config: DictConfig) -> Iterator[list[str]]:
    """The overrides of every job of a sweep, as Hydra's own sweeper splits them."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    swept = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create().parse_overrides([*swept, *config.hydra.overrides.task])
    for batch in BasicSweeper.split_arguments(overrides, max_batch_size=None):
        yield from batch
