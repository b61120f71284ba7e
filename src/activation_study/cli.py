"""How a command of the study starts: Hydra composes its configuration, and a mistake ends it with one sentence.

torch is imported by the tasks, not here, so that `--help` answers at once.
"""

import functools
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from activation_study import CONF, schema
from activation_study.errors import StudyError, nearest, shown

if TYPE_CHECKING:
    from activation_study.sweeps import Sweep

# What `~` means to Hydra where it makes a folder itself, from a sweep's runs_dir.
OmegaConf.register_new_resolver("home", lambda path: os.path.expanduser(str(path)), replace=True)
MISTAKES = (HydraException, OmegaConfBaseException)  # what Hydra raises for a mistake in the configuration


def command(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Turns a task, a function of the composed configuration, into a command with the configuration `config_name`."""

    def decorate(task: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(task)
        def job(config: DictConfig) -> None:
            given = HydraConfig.get().overrides.task
            try:
                schema.refuse_added(config_name, given)
                task(config)
            except Exception as error:
                text = traceback.format_exc()
                if isinstance(error, (StudyError, *MISTAKES)):
                    text = f"error: {error if isinstance(error, StudyError) else sentence(error, config_name, given)}"
                    if HydraConfig.get().mode == RunMode.RUN:
                        sys.exit(text)
                # Said at once; raised too, so that the launcher goes on with the other jobs of the sweep.
                print(text, file=sys.stderr, flush=True)
                raise

        def main() -> None:
            wants_traceback = "HYDRA_FULL_ERROR" in os.environ
            os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then hands its exceptions on instead of printing them
            try:
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(job)()
            except MISTAKES as error:
                if wants_traceback:
                    raise
                sys.exit(f"error: {sentence(error, config_name, sys.argv[1:])}")
            except OSError as error:
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


def _sweep() -> "Sweep | None":
    """The sweep that this process has begun, if any."""
    module = sys.modules.get("activation_study.sweeps")
    return module.Sweep.current if module else None


def sentence(error: Exception, command: str, overrides: Sequence[str]) -> str:
    """What Hydra says of a mistake on the command line, as one sentence with key, value and choices.

    Args:
        error: what it has raised.
        command: train, compare, figures, claims, data or status.
        overrides: what was given on the command line.
    """
    text = str(error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error)
    if isinstance(error, MissingConfigException) and (group := re.search(r"Could not find '(.+)/([^/']*)'", text)):
        if group[1] == "hydra/launcher":
            return (
                f"{group[1]}={group[2]}: no such launcher here; `pip install -e '.[cluster]'` brings joblib and slurm."
            )
        choices = ", ".join(sorted(path.stem for path in (CONF / group[1]).glob("*.yaml")))
        return f"{group[1]}={group[2]}: no such choice; choose one of {choices}."
    for pattern in (r"Could not override '([^']+)'", r"Key '([^']+)' is not in struct"):
        if found := re.search(pattern, text):
            key = getattr(error.__cause__, "full_key", None) or found[1] if "struct" in pattern else found[1]
            return f"{_as_given(key, overrides)}: no such key; {nearest(key, _known_keys(command, overrides))}."
    ambiguous = re.match(r"(?s)Ambiguous value for argument '(.+?)'\n", text)
    if given := getattr(error, "override", None) or (ambiguous and ambiguous[1]):
        key, _, value = str(given).partition("=")
        example = f"""'{key}="{shown(value)}"'"""
        if value.startswith("["):
            example = f"""in a list each by itself, "{key}=[relu,'elu activation.alpha=0.5']\""""
        return (
            f"{key}={shown(value)}: it has characters that mean something to Hydra; quote a text twice, {example}, "
            f"give a list as {key}=[A,B], and a sweep over values with -m."
        )
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _as_given(key: str, overrides: Sequence[str]) -> str:
    return next((given for given in overrides if given.lstrip("+").startswith(f"{key}=")), key)


def _known_keys(command: str, overrides: Sequence[str]) -> list[str]:
    """The keys of a command's configuration with the choices that were given for its groups."""
    from hydra import compose
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    chosen = [one for one in overrides if (CONF / one.lstrip("+").partition("=")[0]).is_dir()]
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            config = compose(command, chosen)
        except MISTAKES:  # a choice of the user's own, or several
            config = compose(command)
    keys: list[str] = []

    def walk(node: object, prefix: str) -> None:
        if isinstance(node, dict):
            for name, child in node.items():
                keys.append(f"{prefix}{name}")
                walk(child, f"{prefix}{name}.")

    walk(OmegaConf.to_container(config, resolve=False), "")
    return keys
