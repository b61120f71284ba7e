"""The options of `train.py` that make a run again."""

import functools
import json
from typing import Any

import yaml

from activation_study import CONF
from activation_study.runs.identity import ADDED, defaults

CHOICES = ("model", "dataset", "init", "objective", "optimizer")
IN_FILE = ("train", "probes")  # groups without choices: their defaults stand in train.yaml


def overrides(config: dict[str, Any]) -> dict[str, list[str]]:
    """What must be given for a configuration, but for depth, seeds and learning rate.

    Args:
        config: what a run's `config.yaml` says.

    Returns:
        activation: its choice and its options; setting: all else.
    """
    chosen = config["config"]
    setting = [part for group in CHOICES if group in chosen for part in _of_choice(group, chosen[group])]
    for group in IN_FILE:
        usual = _train().get(group, {})
        setting += _changed(group, chosen.get(group, {}), usual)
    setting.append(f"scale={config['scale']}")
    return {"activation": _of_choice("activation", chosen["activation"]), "setting": setting}


def _of_choice(group: str, options: dict[str, Any]) -> list[str]:
    """Such as init=he init.mode=fan_out; where a folder of images lies is not known, and left to the user."""
    name = str(options.get("name", _usual_name(group)))
    usual = defaults(group, name)
    if group == "activation" and not usual and "target" not in options:
        return [f"{group}=torch", f"{group}.name={name}", *_changed(group, options, {"name": name}, "+")]
    return [f"{group}={name}", *_changed(group, options, {**usual, "name": name}, "" if usual else "+")]


def _changed(group: str, options: dict[str, Any], usual: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in options.items():
        if group == "model" and key in ("depth", "source"):
            continue
        if isinstance(value, dict) and isinstance(usual.get(key), dict):
            found += _changed(f"{group}.{key}", value, usual[key], prefix)
        elif value != usual.get(key, ADDED.get(group, {}).get(key)):
            found.append(f"{prefix}{group}.{key}={_literal(value)}")
    return found


def _literal(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":")).replace('"', "")


@functools.cache
def _train() -> dict[str, Any]:
    return yaml.safe_load((CONF / "train.yaml").read_text())


def _usual_name(group: str) -> str:
    return next(str(one[group]) for one in _train()["defaults"] if isinstance(one, dict) and group in one)
