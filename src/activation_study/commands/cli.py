"""How a command of the study starts: Hydra composes its configuration, and a mistake ends it with one sentence.

torch is imported by the tasks, not here, so that `--help` answers at once.
"""

import errno
import functools
import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from activation_study import CONF, schema
from activation_study.errors import StudyError, nearest, shown

if TYPE_CHECKING:
    from activation_study.commands.sweeps import Sweep

# What `~` means to Hydra where it makes a folder itself, from a sweep's runs_dir.
OmegaConf.register_new_resolver("home", lambda path: os.path.expanduser(str(path)), replace=True)
MISTAKES = (HydraException, OmegaConfBaseException)  # what Hydra raises for a mistake in the configuration

GROUP_MISTAKE = "Config group override must be a string"  # likewise, for dataset=5 and dataset=null


def command(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Turns a task, a function of the composed configuration, into a command with the configuration `config_name`."""

    def decorate(task: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(task)
        def job(config: DictConfig) -> None:
            _print_everything()
            given = overrides_given()
            try:
                schema.refuse_added(config_name, given)
                task(config)
                print(end="", flush=True)  # what cannot be printed is known here, not when the process ends
            except Exception as error:
                _end_if_of_output(error)
                text = traceback.format_exc()
                if isinstance(error, (StudyError, *MISTAKES)):
                    text = f"error: {error if isinstance(error, StudyError) else sentence(error, config_name, given)}"
                    if HydraConfig.get().mode == RunMode.RUN:
                        sys.exit(text)
                # Said at once; raised too, so that the launcher goes on with the other jobs of the sweep.
                print(text, file=sys.stderr, flush=True)
                raise

        def main() -> None:
            _print_everything()
            wants_traceback = "HYDRA_FULL_ERROR" in os.environ
            sys.argv[1:] = [_quoted(_at_home(argument)) for argument in sys.argv[1:]]
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
                if is_mistake(error):
                    sys.exit(f"error: {sentence(error, config_name, sys.argv[1:])}")
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
    module = sys.modules.get("activation_study.commands.sweeps")
    return module.Sweep.current if module else None


def overrides_given() -> list[str]:
    """What was given on the command line, as it was given: the same text may be an interpolation elsewhere."""
    return OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)  # type: ignore[return-value]


def is_mistake(error: Exception) -> bool:
    """Whether it is what Hydra raises for a mistake on the command line."""
    return isinstance(error, MISTAKES) or (type(error) is ValueError and GROUP_MISTAKE in str(error))


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
        return _no_such_choice(group[1], group[2])
    if swept := re.search(r"(Ambiguous value for argument|Sweep parameters) '(([^=]+)=(\w+\(.*|[\w.-]+,.*))'", text):
        is_list = swept[1].startswith("Ambiguous") and not (CONF / swept[3]).is_dir()
        instead = f", or for one list give {swept[3]}=[{swept[4]}]" if is_list else ""
        return f"{swept[2]}: several values make a sweep; add -m{instead}."
    found = re.search(r"Could not override '([^']+)'|Key '([^']+)' is not in struct", text)
    if found:
        key = found[1] or getattr(error.__cause__, "full_key", None) or found[2]
        known = _known_keys(command, overrides)
        if key in known and f"~{key}" in overrides:
            return f"{key}: a value is missing; give one as {key}=VALUE."
        return f"{_as_given(key, overrides)}: no such key; {nearest(key, known)}."
    if found := re.search(r"Cannot merge (?:Dict|List)Config with [\s\S]*full_key: (\S+)", text):
        merged = _as_given(found[1], overrides)
        what = "a list; give one as KEY=[A,B]" if "{" in merged else "a group of keys; give them as KEY.NAME=VALUE"
        return f"{merged}: this is {what.replace('KEY', found[1])}."
    if GROUP_MISTAKE in text:
        return next((_no_such_choice(*pair) for one in overrides if (pair := _group_mistake(one))), f"{text}.")
    ambiguous = re.match(r"(?s)Ambiguous value for argument '(.+?)'\n", text)
    if given := getattr(error, "override", None) or (ambiguous and ambiguous[1]):
        key, equals, value = str(given).partition("=")
        if not equals:
            return f"{shown(key)}: it has no value; give one as {shown(key)}=VALUE."
        example = f"""'{key}="{shown(value)}"'"""
        if value.startswith("["):
            example = f"""in a list each by itself, "{key}=['A','B']\""""
        return (
            f"{key}={shown(value)}: it has characters that mean something to Hydra; quote a text twice, {example}, "
            f"give a list as {key}=[A,B], and a sweep over values with -m."
        )
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _no_such_choice(group: str, value: str) -> str:
    choices = ", ".join(sorted(path.stem for path in (CONF / group).glob("*.yaml")))
    return f"{group}={value}: no such choice; choose one of {choices}."


def _group_mistake(override: str) -> tuple[str, str] | None:
    """Group and value of an override that chooses what is no text."""
    group, _, value = override.lstrip("+").partition("=")
    is_text = isinstance(OverridesParser.create().parse_override(override).value(), str)
    return (group, value) if (CONF / group).is_dir() and not is_text else None


def _at_home(argument: str) -> str:
    """A value that begins with `~`, which Hydra cannot read, with the home directory in its place."""
    key, equals, value = argument.partition("=")
    return f"{key}{equals}{os.path.expanduser(value)}" if re.fullmatch(r"\+*[\w.]+", key) else argument


def _quoted(argument: str) -> str:
    """A list of variants such as [init=he,init=xavier], of which Hydra wants each between quotation marks."""
    key, equals, value = argument.partition("=")
    if key.lstrip("+") != "variants":
        return argument
    item = r"""'[^']*'|"[^"]*"|[^][,={}\s'"][^][,={}]*=(\[[^]]*\]|\{[^}]*\}|[^][,{}])*"""
    return key + equals + re.sub(item, lambda found: found[0] if found[0][0] in "'\"" else f'"{found[0]}"', value)


def _as_given(key: str, overrides: Sequence[str]) -> str:
    return next((given for given in overrides if given.lstrip("+").startswith(f"{key}=")), key)


def _known_keys(command: str, overrides: Sequence[str]) -> list[str]:
    """The keys of a command's configuration with the choices that were given for its groups."""
    GlobalHydra.instance().clear()
    chosen = [one for one in overrides if (CONF / one.lstrip("+").partition("=")[0]).is_dir()]
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            config = hydra.compose(command, chosen)
        except MISTAKES:  # a choice of the user's own, or several
            config = hydra.compose(command)
    keys: list[str] = []

    def walk(node: object, prefix: str) -> None:
        if isinstance(node, dict):
            for name, child in node.items():
                keys.append(f"{prefix}{name}")
                walk(child, f"{prefix}{name}.")

    walk(OmegaConf.to_container(config, resolve=False), "")
    return keys
