"""From a composed Hydra configuration to plain settings that are known to make sense, all of them.

Every command imports this module, to check its sweeps with; what brings torch, which takes seconds, is imported where
settings are made.
"""

import importlib.util
import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from activation_study import schema
from activation_study.errors import refuse
from activation_study.names import printable
from activation_study.networks.own_code import OwnCode


def settings(config: DictConfig, command: str = "train") -> dict[str, Any]:
    """The configuration of a run as plain nested dictionaries, resolved and checked.

    `seeds` becomes a list of seeds and `learning_rate` a list of rates. What is the user's own gets what tells it from
    others wherever it lies: a network its name and a hash of its code, a folder of images its name.

    Args:
        config: as Hydra composes it.
        command: train, or compare, whose further keys must be there then.

    Raises:
        StudyError: a value is missing, cannot be resolved, or makes no sense, alone or beside another.
    """
    plain = schema.checked(command, config)
    plain["learning_rate"] = [float(rate) for rate in plain["learning_rate"]]
    for key in ("network", "source"):
        if key in plain["model"]:
            refuse(f"model.{key}", plain["model"][key], "runs keep this of your own network; call the option otherwise")
    _check_choices(plain)
    if plain["model"].get("start_from") is not None:
        from activation_study.training.start import check_start

        check_start(Path(plain["runs_dir"]) / plain["model"]["start_from"], plain["seeds"])
    if plain["export"] and importlib.util.find_spec("tensorboard") is None:
        text = "the package tensorboard is missing; pip install 'activation-study[tensorboard]'"
        refuse("export", plain["export"], text)
    model, dataset = plain["model"], plain["dataset"]
    if model["name"] == "own":
        code = OwnCode(model["path"])
        model |= {"network": code.name, "source": code.digest}
    if dataset["name"] == "image_folder":
        # realpath, which takes a link that leads back to itself as it is: the reading of the folder will name it.
        dataset["folder"] = printable(Path(os.path.realpath(dataset["root"])).name)
    return plain


def _check_choices(plain: dict[str, Any]) -> None:
    """Refuses an activation, a network, data, a rule of initialization or an optimizer that could not be made."""
    from activation_study import activations, datasets
    from activation_study.networks import models
    from activation_study.networks.initialization import Initialization
    from activation_study.networks.rbm import check_hidden_units
    from activation_study.training import objectives, optimizers, precision
    from activation_study.training.environment import device_of

    activation = activations.build(**plain["activation"])
    models.checked(plain["model"])
    plain["dataset"] = datasets.checked(plain["dataset"])
    Initialization.checked(plain["init"]).check_gain(activation, plain["activation"]["name"])
    objectives.checked(plain["objective"], plain["model"]["name"])
    if plain["model"]["name"] == "rbm":
        check_hidden_units(plain["activation"]["name"])
    name, options = optimizers.checked(plain["optimizer"])
    plain["optimizer"] = {"name": name, **options}
    if plain["train"]["precision"] != "float32":
        precision.check(plain["train"]["precision"], device_of(plain["device"]))
