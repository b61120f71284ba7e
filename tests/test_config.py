"""Every configuration of the study composes, and what makes no sense is told in one sentence."""

import re
from itertools import product
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from activation_study import activations, config, models, optimizers
from activation_study.config import SCALES, check_number, listed
from activation_study.errors import StudyError
from activation_study.initialization import Initialization
from activation_study.replicas import Stack

CONF = Path(__file__).resolve().parents[1] / "conf"
GROUPS = ("activation", "model", "dataset", "init", "optimizer")
INF, NAN = float("inf"), float("nan")


def choices(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def sentence(start):
    """A pattern for one sentence on one line that begins like this."""
    return rf"\A{re.escape(start)}[^\n]*(?<!\.)\.\Z"


# What a choice cannot do without.
NEEDED = {
    "torch": ["activation.name=Hardswish"],
    "image_folder": ["dataset.root=pictures"],
    "own": [f"model.path={Path(__file__).with_name('my_networks.py')}:ResidualMLP"],
}


def check(settings):
    """What a command would make of them, short of the data."""
    stack = Stack(
        settings["seeds"][:1], lambda: activations.build(**settings["activation"]), Initialization(**settings["init"])
    )
    network = models.build({**settings["model"], "width": 2}, stack, (1, 8, 8), 10)
    optimizers.build(settings["optimizer"], network, torch.tensor(settings["learning_rate"][:1]))
    assert settings["seeds"] == list(range(len(settings["seeds"])))
    assert settings["learning_rate"]
    assert settings["dataset"]["valid_size"] > 0


@pytest.mark.parametrize(("group", "choice"), [(group, choice) for group in GROUPS for choice in choices(group)])
def test_every_choice_of_every_group_composes(compose_settings, group, choice):
    settings = compose_settings(f"{group}={choice}", *NEEDED.get(choice, []))
    check(settings)
    assert settings[group]["name"] == ("Hardswish" if choice == "torch" else choice)


@pytest.mark.parametrize(
    ("command", "experiment", "scale"), list(product(["train", "compare"], choices("experiment"), SCALES))
)
def test_every_experiment_composes_at_every_scale(compose_settings, command, experiment, scale):
    settings = compose_settings(f"+experiment={experiment}", f"scale={scale}", config_name=command)
    check(settings)
    assert settings["scale"] == scale
    for name in listed(settings["activations"]):
        assert name.split()[0] in choices("activation")
    assert all(depth >= 1 for depth in listed(settings.get("depths") or []))
    if command == "compare":
        assert settings["out"] == f"results/{experiment}"


@pytest.mark.parametrize(
    "experiment", [e for e in choices("experiment") if "size" in OmegaConf.load(CONF / "experiment" / f"{e}.yaml")]
)
def test_a_smaller_scale_is_less_work(compose_settings, experiment):
    def work(scale):
        settings = compose_settings(f"+experiment={experiment}", f"scale={scale}")
        images = settings["dataset"]["train_limit"] or INF
        return settings["train"]["epochs"] * len(settings["seeds"]), images

    paper, desk, smoke = (work(scale) for scale in SCALES)
    assert paper > desk > smoke
    assert paper[1] >= desk[1] >= smoke[1]


@pytest.mark.parametrize("path", sorted(CONF.glob("activation/*.yaml")), ids=lambda path: path.stem)
def test_the_options_in_a_yaml_are_those_of_the_class_and_its_defaults(path):
    plain = OmegaConf.to_container(OmegaConf.load(path))
    if plain["name"] == "???":
        assert path.stem == "torch"
        return
    assert path.stem == plain["name"]
    kind = type(activations.build(plain.pop("name")))
    assert plain == activations.base.options_of(kind)  # tables call an activation by the options that differ from them


def test_every_activation_of_the_study_has_a_yaml():
    assert set(activations.names()) <= set(choices("activation"))


@pytest.mark.parametrize(
    ("value", "expected"), [(1, [0]), (3, [0, 1, 2]), ([5], [5]), ([7, 0, 7, 2], [7, 0, 2]), ([0], [0])], ids=str
)
def test_seeds(value, expected):
    assert config.seeds(value) == expected


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "three", None, [], [1, -1], [1.0], [True], ["a"], {}], ids=str)
def test_seeds_that_make_no_sense(value):
    with pytest.raises(StudyError, match=sentence(f"seeds={value}: give a number of seeds of at least 1")):
        config.seeds(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, [0.1]), (1, [1.0]), ([0.1, 0.01], [0.1, 0.01]), ([1, 0.5, 1.0], [1.0, 0.5]), (1e-300, [1e-300])],
    ids=str,
)
def test_learning_rates(value, expected):
    rates = config.learning_rates(value)
    assert rates == expected
    assert all(type(rate) is float for rate in rates)


@pytest.mark.parametrize(
    "value", [0, -0.1, True, INF, NAN, "fast", None, [], [0.1, 0], [0.1, "x"], [[0.1]], {}], ids=str
)
def test_learning_rates_that_make_no_sense(value):
    with pytest.raises(StudyError, match=sentence(f"learning_rate={value}: give a number above 0")):
        config.learning_rates(value)


@pytest.mark.parametrize(("value", "smallest", "whole"), [(1, 1, True), (0, 0, False), (0.5, 0, False), (7, 0, False)])
def test_a_number_that_makes_sense_passes(value, smallest, whole):
    check_number("a.key", value, smallest, whole=whole)


@pytest.mark.parametrize(
    ("value", "smallest", "whole", "kind"),
    [
        (0, 1, True, "a whole number"),
        (1.5, 1, True, "a whole number"),
        (2.0, 1, True, "a whole number"),
        (True, 1, True, "a whole number"),
        (None, 1, True, "a whole number"),
        ("3", 1, True, "a whole number"),
        (-0.1, 0, False, "a number"),
        (INF, 0, False, "a number"),
        (NAN, 0, False, "a number"),
        (False, 0, False, "a number"),
    ],
)
def test_a_number_that_makes_no_sense(value, smallest, whole, kind):
    with pytest.raises(StudyError, match=sentence(f"a.key={value}: give {kind} of at least {smallest}")):
        check_number("a.key", value, smallest, whole=whole)


@pytest.mark.parametrize(
    ("overrides", "begins"),
    [
        (["train.epochs=0"], "train.epochs=0: give a whole number of at least 1"),
        (["train.epochs=null"], "train.epochs=None: give a whole number of at least 1"),
        (["train.batch_size=1.5"], "train.batch_size=1.5: give a whole number of at least 1"),
        (["probes.every=-1"], "probes.every=-1: give a whole number of at least 0"),
        (["optimizer.momentum=-0.1"], "optimizer.momentum=-0.1: give a number from 0 to 1"),
        (["optimizer.weight_decay=heavy"], "optimizer.weight_decay=heavy: give a number of at least 0"),
        (["optimizer=adam", "optimizer.decay=inf"], "optimizer.decay=inf: give a number from 0 to 1"),
        (["scale=poster"], "scale=poster: no such scale; choose one of paper, desk, smoke"),
        (["seeds=0"], "seeds=0: give a number of seeds"),
        (["learning_rate=[0.1,slow]"], "learning_rate=[0.1, 'slow']: give a number above 0"),
        (["activation=torch"], "activation.name: a value is missing; give one as activation.name=VALUE"),
        (["seeds=???"], "seeds: a value is missing; give one as seeds=VALUE"),
        (["learning_rate=${nothing}"], "learning_rate: it cannot be resolved (Interpolation key 'nothing' not found)"),
        (["runs_dir=${oc.env:NO_SUCH_PLACE}"], "runs_dir: it cannot be resolved ("),
        (["train.epochs=${train.epochs}"], "train.epochs: it cannot be resolved ("),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_one_sentence(compose_settings, overrides, begins):
    with pytest.raises(StudyError, match=sentence(begins)):
        compose_settings(*overrides)


def test_settings_are_plain_and_resolved(compose_settings):
    settings = compose_settings("+experiment=cifar10_convnet", "scale=smoke", "learning_rate=[0.1,0.01]")

    def kinds(node):
        yield type(node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from kinds(child)

    assert set(kinds(settings)) <= {dict, list, str, int, float, bool, type(None)}
    assert "${" not in str(settings)
    assert settings["seeds"] == [0, 1]
    assert settings["learning_rate"] == [0.1, 0.01]
    assert settings["model"]["width"] == 4
    assert settings["dataset"] | {"name": "cifar10", "train_limit": 640, "valid_size": 640} == settings["dataset"]


def test_a_comma_list_and_a_list_name_the_same() -> None:
    assert listed("2,8,24") == listed([2, 8, 24]) == [2, 8, 24]
    assert listed("relu,elu activation.alpha=0.5") == ["relu", "elu activation.alpha=0.5"]
