"""Every key of every command, and what its value must be.

A command hands its composed configuration to `checked` before it reads or writes anything. What a group such as
`activation` takes besides its name depends on what that names, and is checked by the same kinds where that is made:
see `config.settings`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from activation_study import CONF
from activation_study.errors import StudyError, missing, refuse
from activation_study.schema.compounds import Group, Items, Named, Nullable, Seeds
from activation_study.schema.kinds import Anything, Choice, Device, Flag, Kind, Number, PathTo, Text, Url, Whole

SCALES = ("paper", "desk", "smoke")
PRECISIONS = ("float32", "bfloat16")
DEPTH, WIDTH = Whole(1, 10_000), Whole(1, 65_536)
RATES = Items(Number(above=0), "[0.1,0.01]")


def _figures() -> Iterable[str]:
    from activation_study.figures import FIGURES

    return FIGURES


def _claims() -> Iterable[str]:
    from activation_study.claims import CLAIMS
    from activation_study.papers import FINDINGS

    return [*CLAIMS, *FINDINGS]


def _papers() -> Iterable[str]:
    from activation_study.papers import PAPERS

    return PAPERS


def _sets_with_files() -> Iterable[str]:
    from activation_study.datasets import SOURCES

    return [name for name in SOURCES if name != "image_folder"]


BASE: dict[str, Kind] = {
    "data_dir": PathTo(),
    "runs_dir": PathTo(),
    "device": Device(),
    "threads": Nullable(Whole(1, 1024)),
}
WRITES = {"runs_dir": PathTo(is_written=True)}
OUT: dict[str, Kind] = {"out": PathTo(is_written=True)}
TRAIN: dict[str, Kind] = {
    **BASE,
    **WRITES,
    **{group: Named() for group in ("activation", "model", "dataset", "init", "objective", "optimizer")},
    "train": Group(
        {
            "epochs": Number(at_least=0, at_most=1e6),
            "batch_size": Whole(1),
            "record_every": Nullable(Whole(1)),
            "precision": Choice(PRECISIONS, "precision"),
        }
    ),
    "probes": Group(
        {
            "every": Whole(0),
            "also": Items(Choice(("units", "distribution"), "observer"), "[units,distribution]", empty=True),
            "also_every": Whole(1),
        }
    ),
    "seeds": Seeds(),
    "learning_rate": RATES,
    "scale": Choice(SCALES, "scale"),
    "export": Choice((None, "tensorboard"), "exporter"),
    "keep_weights": Flag(),
    "checkpoint_seconds": Number(at_least=0),
    "reproducible": Flag(),
}
TUNE: dict[str, Kind] = {"rates": Nullable(RATES), "seeds": Seeds(), "widenings": Whole(0, 100)}
COMPARE: dict[str, Kind] = {
    **OUT,
    "activations": Items(Text("the name of an activation"), "[relu,elu]", commas=True),
    "variants": Nullable(Items(Text("choices such as 'init=xavier init.mode=fan_in'"), "[init=he,init=xavier]")),
    "depths": Nullable(Items(DEPTH, "[2,8,24]", commas=True)),
    "tune": Group(TUNE),
    "reference": Nullable(Text("the label of a variant, such as the name of an activation")),
    "margin": Nullable(Number(above=0, at_most=100)),
    "target": Nullable(Number(at_least=0, at_most=1)),
    "missing": Choice(("train", "refuse"), "way to go on"),
}
PRESET: dict[str, Kind] = {"size": Anything()}  # what a preset computes its other values from

SCHEMAS = {
    # Presets write what is compared, for `compare`, into the configuration of `train` as well.
    "train": Group(TRAIN | COMPARE | PRESET | {"tune": Group(TUNE, optional=TUNE)}, optional={*COMPARE, *PRESET}),
    "compare": Group(TRAIN | COMPARE | PRESET, optional=PRESET),
    "figures": Group(
        {
            **BASE,
            **OUT,
            "figure": Nullable(Choice(_figures, "figure")),
            "only": Group({"dataset": Nullable(Text("a name")), "model": Nullable(Text("a name"))}),
            "tuning_seeds": Seeds(),
        }
    ),
    "claims": Group(
        {
            **BASE,
            **OUT,
            "claim": Nullable(Choice(_claims, "claim")),
            "papers": PathTo(),
            "scale": Choice(SCALES, "scale"),
            "plan": Flag(),
            "replace": Flag(),
        }
    ),
    "explore": Group({**BASE, **OUT, "papers": PathTo(), "tuning_seeds": Seeds()}),
    "reproduce": Group(
        {
            **BASE,
            **WRITES,
            "out": Nullable(PathTo(is_written=True)),
            "paper": Nullable(Choice(_papers, "paper")),
            "item": Nullable(Text("the name of an item")),
            "scale": Choice(SCALES, "scale"),
            "precision": Choice(PRECISIONS, "precision"),
            "replace": Flag(),
            "checkpoint_seconds": Number(at_least=0),
        }
    ),
    "data": Group(
        {
            **BASE,
            "datasets": Items(
                Choice(
                    _sets_with_files,
                    "data set to fetch",
                    "; a folder of images is given to train.py and compare.py, as dataset.root=FOLDER",
                ),
                "[mnist,cifar10]",
            ),
            "mirror": Nullable(Url()),
        }
    ),
    "status": Group({**BASE, "run": Nullable(Text("the name of a run"))}),
}


def checked(command: str, config: DictConfig) -> dict[str, Any]:
    """The configuration of a command as plain values, resolved and checked, as they are used from here on.

    Args:
        command: train, compare, figures, claims, data or status.
        config: as Hydra composes it.

    Raises:
        StudyError: a value is missing, cannot be resolved, or is not what it must be, or a key is not known.
    """
    schema = SCHEMAS[command]
    for key in schema.keys:
        if key not in schema.optional and key not in config.keys():  # noqa: SIM118  (`in` wants a value, too)
            missing(key)
    return schema.read("", plain(config))


def plain(config: DictConfig) -> dict[str, Any]:
    """The configuration as nested dictionaries and lists, interpolations resolved."""
    try:
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except MissingMandatoryValue as error:
        missing(str(error.full_key))
    except OmegaConfBaseException as error:
        raise StudyError(f"{error.full_key}: it cannot be resolved ({str(error).splitlines()[0]}).") from None


def refuse_added(command: str, overrides: Iterable[str]) -> None:
    """Refuses overrides that Hydra takes and that would do nothing.

    They are keys that are added to a command that has no use for them, though a preset may bring them, and several
    choices of a group, of which the last would win.
    """
    used = {"train": {*COMPARE, *PRESET}, "compare": {*PRESET}}.get(command, set())
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if value.startswith("[") and (CONF / key).is_dir():
            refuse(key, value, "a run has one; give one, or sweep over several with -m and commas")
        if override.startswith("+") and key.split(".")[0] in used:
            what = "only compare.py has it" if key.split(".")[0] in COMPARE else "it is for presets to compute with"
            refuse(key, value, f"{command}.py has no use for it; {what}")


def group_of(config: Mapping[str, Any], group: str) -> tuple[str, dict[str, Any]]:
    """The name that a group gives, and its options."""
    options = Named().read(group, config)
    return options.pop("name"), options
