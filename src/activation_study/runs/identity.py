"""What makes two runs the same: everything that can change a number, and nothing else."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from activation_study import CONF
from activation_study.names import path_part, printable

# Raised when the code changes such that the same configuration gives other numbers, by more than rounding.
NUMBERS_VERSION = 2
SCIENTIFIC = ("activation", "model", "dataset", "init", "objective", "optimizer", "train", "probes")
NOT_SCIENTIFIC = {"dataset": ("mirror", "root"), "model": ("path",)}
OLD_NETWORKS = ("mlp", "convnet")  # to whose options some have been added
# Choices that have been added, with what was done when there was none: left out where they are that, so that runs from
# before keep their identity.
ADDED: dict[str, dict[str, Any]] = {
    "model": {"batch_norm": False, "dropout": 0.0, "start_from": None},
    "init": {"by_layer": None, "bias_std": 0.0},
    "objective": {"name": "classification", "l1": 0.0},
    "optimizer": {"rate_by_kind": None, "decay_by_kind": None, "factors": None, "counted_in": "epochs",
                  "cosine": False, "warmup": 0.0},
    "probes": {"also": [], "also_every": 1},
    "train": {"record_every": None, "precision": "float32"},
}  # fmt: skip


def scientific(settings: dict[str, Any]) -> dict[str, Any]:
    """The part of the settings that can change a number: no paths, devices, logging, seeds or learning rates."""
    found = {key: {name: value for name, value in settings[key].items() if _counts(key, name, value, settings)}
             for key in SCIENTIFIC if key in settings}  # fmt: skip
    return {key: values for key, values in found.items() if values}


def _counts(group: str, name: str, value: object, settings: dict[str, Any]) -> bool:
    if name in NOT_SCIENTIFIC.get(group, ()):
        return False
    # Other networks have had their options from the beginning, and the same names may have other defaults there.
    is_newer = group == "model" and settings["model"]["name"] not in OLD_NETWORKS and name != "start_from"
    added = {} if is_newer else ADDED.get(group, {})
    return not (name in added and value == added[name])


def configuration_hash(settings: dict[str, Any]) -> str:
    """Identity of a scientific configuration; with a seed and a learning rate it is the identity of a replica."""
    return _hash({"numbers": NUMBERS_VERSION, **scientific(settings)})


def comparable_hash(config: dict[str, Any]) -> str:
    """Identity of all that runs must share to be compared: a scientific configuration but for activation and depth."""
    model = {key: value for key, value in config["model"].items() if key != "depth"}
    return _hash({**config, "activation": None, "model": model})


def names(config: dict[str, Any]) -> tuple[str, str]:
    """How tables, figures and folders call data set and network; what is the user's own has a name of its own."""
    dataset, model = config["dataset"], config["model"]
    return printable(dataset.get("folder") or dataset["name"]), printable(model.get("network") or model["name"])


def label(activation: Mapping[str, Any]) -> str:
    """How they call a configured activation: its name, and the options that are not the default ones.

    Numbers have the nine digits that tell any two of float32, in which networks are trained, from each other.
    Of a user's own activation all options are given: its class may not be importable where runs are read.
    """
    name = printable(str(activation["name"]))
    usual = {} if activation.get("target") else defaults("activation", name)
    changed = [
        option(key, value)
        for key, value in activation.items()
        if key not in ("name", "target") and value != usual.get(key)
    ]
    return f"{name}({', '.join(changed)})" if changed else name


def option(key: str, value: object) -> str:
    """An option in a label; numbers have nine digits."""
    return printable(f"{key}={value:.9g}" if isinstance(value, float) else f"{key}={value}")


@functools.cache
def defaults(group: str, name: str) -> dict[str, Any]:
    """The options of one of the study's choices; activations of torch.nn have none, but perhaps a namesake."""
    path = CONF / group / f"{name}.yaml"
    options = yaml.load(path.read_text(), Loader=yaml.CSafeLoader) if path.is_file() else {}
    return options if options.get("name") == name else {}


def run_name(settings: dict[str, Any], replicas: Iterable[tuple[int, float]]) -> str:
    """The name of a run's folder: readable, then the hash of its configuration, then that of its replicas.

    It stays below 143 bytes, whatever data set, network and activation are called.
    """
    model, activation = settings["model"], settings["activation"]
    dataset_name, model_name = names(settings)
    depth = f"-{model['depth']}" if "depth" in model else ""
    digest = _hash(sorted([seed, rate] for seed, rate in replicas))[:6]
    readable = path_part(f"{dataset_name}-{model_name}{depth}-{activation['name']}")
    return f"{readable}-{configuration_hash(settings)}-{digest}"


def _hash(value: object) -> str:
    text = json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _canonical(value: object) -> object:
    """The value with whole floats as integers, so that 1 and 1.0 are the same choice."""
    if isinstance(value, dict):
        return {str(key): _canonical(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(child) for child in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
