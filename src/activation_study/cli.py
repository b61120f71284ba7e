"""How a command of the study starts: Hydra composes its configuration, and a mistake ends it with one sentence.

torch is imported by the tasks, not here, so that `--help` answers at once.
"""

import difflib
import errno
import functools
import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from activation_study import CONF
from activation_study.errors import StudyError

if TYPE_CHECKING:
    from activation_study.sweeps import Sweep

MISTAKES = (HydraException, OmegaConfBaseException)  # what Hydra raises for a mistake in the configuration


def command(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Turns a task, a function of the composed configuration, into a command with the configuration `config_name`."""

    def decorate(task: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(task)
        def job(config: DictConfig) -> None:
            _print_everything()
            try:
                task(config)
                print(end="", flush=True)  # what cannot be printed is known here, not when the process ends
            except Exception as error:
                _end_if_of_output(error)
                text = traceback.format_exc()
                if isinstance(error, (StudyError, *MISTAKES)):
                    text = f"error: {error if isinstance(error, StudyError) else sentence(error)}"
                    if HydraConfig.get().mode == RunMode.RUN:
                        sys.exit(text)
                # Said at once; raised too, so that the launcher goes on with the other jobs of the sweep.
                print(text, file=sys.stderr, flush=True)
                raise

        def main() -> None:
            _print_everything()
            wants_traceback = "HYDRA_FULL_ERROR" in os.environ
            os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then hands its exceptions on instead of printing them
            try:
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(job)()
            except MISTAKES as error:
                if wants_traceback:
                    raise
                sys.exit(f"error: {sentence(error)}")
            except OSError as error:
                _end_if_of_output(error)
                if wants_traceback or error.filename is None:
                    raise
                sys.exit(f"error: {error.filename}: {error.strerror}; give another folder as runs_dir=FOLDER.")
            except KeyboardInterrupt:
                bar = "\n" if _sweep() else ""  # a worker's progress bar has left its line open
                sys.exit(f"{bar}stopped: what is trained so far is kept; give the same command again to go on.")
            except Exception as error:
                sweep = _sweep()
                if sweep is None:
                    raise
                sweep.end(error)

        return main

    return decorate


def _print_everything() -> None:
    """Letters that stdout or stderr cannot show are printed as escapes; no name of a file or folder ends a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_if_of_output(error: Exception) -> None:
    """Ends the process where stdout takes no more: what reads it, such as `head`, has ended, or its disk is full."""
    if isinstance(error, OSError) and error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python prints what is left when it ends
        sys.exit(f"error: the output cannot be printed ({error.strerror}); results so far are kept.")


def _sweep() -> "Sweep | None":
    """The sweep that this process has begun, if any."""
    module = sys.modules.get("activation_study.sweeps")
    return module.Sweep.current if module else None


def sentence(error: Exception) -> str:
    """What Hydra says of a mistake on the command line, as one sentence with key, value and choices."""
    text = str(error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error)
    if isinstance(error, MissingConfigException) and (group := re.search(r"Could not find '(.+)/([^/']*)'", text)):
        if group[1] == "hydra/launcher":
            return (
                f"{group[1]}={group[2]}: no such launcher here; `pip install -e '.[cluster]'` brings joblib and slurm."
            )
        choices = ", ".join(sorted(path.stem for path in (CONF / group[1]).glob("*.yaml")))
        return f"{group[1]}={group[2]}: no such choice; choose one of {choices}."
    if key := re.search(r"Could not override '([^']+)'", text):
        return f"{key[1]}: no such key; {_nearest(key[1])}."
    if key := re.search(r"Key '([^']+)' is not in struct", text):
        full = getattr(error.__cause__, "full_key", None) or key[1]
        return f"{full}: no such key; {_nearest(full)}."
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _nearest(key: str) -> str:
    known = _known_keys()
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    return f"the nearest are {', '.join(near)}" if near else "`--help` lists the keys"


def _known_keys() -> list[str]:
    from hydra import compose
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        plain = OmegaConf.to_container(compose("train"), resolve=False)
    keys: list[str] = []

    def walk(node: object, prefix: str) -> None:
        if isinstance(node, dict):
            for name, child in node.items():
                keys.append(f"{prefix}{name}")
                walk(child, f"{prefix}{name}.")

    walk(plain, "")
    return keys
