"""From a composed Hydra configuration to plain settings that are known to make sense. Needs no torch."""

import math
import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from activation_study.errors import StudyError
from activation_study.names import printable
from activation_study.own_code import OwnCode

SCALES = ("paper", "desk", "smoke")
GROUPS = ("activation", "model", "dataset", "init", "optimizer", "train", "probes")
# key -> (smallest value, largest value, whether it must be whole)
NUMBERS: dict[str, tuple[float, float, bool]] = {
    "train.epochs": (1, math.inf, True),
    "train.batch_size": (1, math.inf, True),
    "probes.every": (0, math.inf, True),
    "optimizer.momentum": (0, 1, False),
    "optimizer.weight_decay": (0, math.inf, False),
    "optimizer.decay": (0, 1, False),
    "optimizer.beta1": (0, 0.9999999, False),
    "optimizer.beta2": (0, 0.9999999, False),
    "optimizer.epsilon": (0, math.inf, False),
}


def settings(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain nested dictionaries, resolved and checked.

    `seeds` becomes a list of seeds and `learning_rate` a list of rates. What is the user's own gets what tells it from
    others wherever it lies: a network its name and a hash of its code, a folder of images its name.

    Raises:
        StudyError: a value is missing, cannot be resolved, or makes no sense.
    """
    try:
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    except MissingMandatoryValue as error:
        raise StudyError(f"{error.full_key}: a value is missing; give one as {error.full_key}=VALUE.") from None
    except OmegaConfBaseException as error:
        raise StudyError(f"{error.full_key}: it cannot be resolved ({str(error).splitlines()[0]}).") from None
    if plain["scale"] not in SCALES:
        raise StudyError(f"scale={plain['scale']}: no such scale; choose one of {', '.join(SCALES)}.")
    for group in GROUPS:
        if not isinstance(plain[group], dict):
            raise StudyError(f"{group}={plain[group]}: it is a group of keys; give one as {group}.KEY=VALUE.")
    for key, limits in NUMBERS.items():
        group, name = key.split(".")
        if name in plain[group]:
            check_number(key, plain[group][name], *limits)
    milestones = plain["optimizer"].get("milestones")
    if not isinstance(milestones, list) or any(type(epoch) not in (int, float) for epoch in milestones):
        raise StudyError(f"optimizer.milestones={milestones}: give a list of epochs such as [10,15].")
    plain["seeds"] = seeds(plain["seeds"])
    plain["learning_rate"] = learning_rates(plain["learning_rate"])
    model, dataset = plain["model"], plain["dataset"]
    if model.get("name") == "own":
        code = OwnCode(str(model.get("path")))
        model |= {"network": code.name, "source": code.digest}
    if dataset.get("name") == "image_folder":
        # realpath, which takes a link that leads back to itself as it is: the reading of the folder will name it.
        dataset["folder"] = printable(Path(os.path.realpath(os.path.expanduser(str(dataset.get("root"))))).name)
    return plain


def listed(value: Any) -> list[Any]:
    """A list as it is, one value as a list of it, or what a comma list names: presets write those, as sweeps do."""
    if isinstance(value, int):
        return [value]
    if isinstance(value, str):
        return [int(item) if item.isdigit() else item for item in value.split(",")]
    return list(value)


def check_number(key: str, value: object, smallest: float, largest: float = math.inf, whole: bool = False) -> None:
    """Refuses what is not a finite number from `smallest` to `largest`, whole if it must be."""
    kinds = (int,) if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not smallest <= value <= largest or value == math.inf:
        kind = "a whole number" if whole else "a number"
        limits = f"from {smallest:g} to {largest:g}" if largest < math.inf else f"of at least {smallest:g}"
        raise StudyError(f"{key}={value}: give {kind} {limits}.")


def seeds(value: object, key: str = "seeds") -> list[int]:
    """`5` means the seeds 0 to 4; a list is taken as it is, each seed once."""
    value = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return list(range(value))
    if isinstance(value, list) and value and all(type(seed) is int and seed >= 0 for seed in value):
        return list(dict.fromkeys(value))
    raise StudyError(f"{key}={value}: give a number of seeds of at least 1, such as 5, or a list such as [0,1,2].")


def learning_rates(value: object, key: str = "learning_rate") -> list[float]:
    """One learning rate or a list, each taken once."""
    rates: list[Any] = value if isinstance(value, list) else [value]
    if rates and all(type(rate) in (int, float) and 0 < rate < math.inf for rate in rates):
        return list(dict.fromkeys(float(rate) for rate in rates))
    raise StudyError(f"{key}={value}: give a number above 0, such as 0.01, or a list such as [0.1,0.01].")
