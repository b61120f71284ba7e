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
from typing import TYPE_CHECKING, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
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
            sys.argv[1:] = _arguments(sys.argv[1:])
            try:
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(job)()
            except KeyboardInterrupt:
                bar = "\n" if _sweep() else ""  # a worker's progress bar has left its line open
                sys.exit(f"{bar}stopped: what is trained so far is kept; give the same command again to go on.")
            except Exception as error:
                _end_if_of_output(error)
                if sweep := _sweep():
                    sweep.end(error)
                if wants_traceback:
                    raise
                if isinstance(error, MISTAKES):
                    sys.exit(f"error: {sentence(error)}")
                if isinstance(error, OSError) and error.filename is not None:
                    sys.exit(f"error: {error.filename}: {error.strerror}; give another folder as runs_dir=FOLDER.")
                raise
            else:
                if sweep := _sweep():
                    sweep.end()

        return main

    return decorate


def _arguments(given: list[str]) -> list[str]:
    """The arguments of a command in the order in which Hydra reads them: keys first, flags behind them.

    In a sweep over the choices of a group, `group.key=value` becomes a sweep over one value: Hydra composes a sweep's
    own configuration without what is swept, where the group may have no such key.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    parsed = parser.parse_intermixed_args(given)
    flags = list(given)
    for override in parsed.overrides:
        flags.remove(override)
    return [*(_swept(parsed.overrides) if parsed.multirun else parsed.overrides), *flags]


def _refuse(message: str) -> NoReturn:
    sys.exit(f"error: {message}; give keys as key=value, `--help` lists them.")


def _swept(overrides: list[str]) -> list[str]:
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except HydraException:  # which Hydra tells
        return overrides
    groups = tuple(f"{override.key_or_group}." for override in parsed if override.is_sweep_override())
    return [
        f"{override.get_key_element()}=choice({override.get_value_string()})"
        if override.key_or_group.startswith(groups) and not override.is_sweep_override() and not override.is_delete()
        else str(override.input_line)
        for override in parsed
    ]


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
    if swept := re.search(r"(Ambiguous value for argument|Sweep parameters) '(([^=]+)=(.*))'", text):
        is_list = swept[1].startswith("Ambiguous") and not (CONF / swept[3]).is_dir()
        instead = f", or for one list give {swept[3]}=[{swept[4]}]" if is_list else ""
        return f"{swept[2]}: several values make a sweep; add -m{instead}."
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
