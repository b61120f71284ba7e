"""Every configuration of the study composes, and what makes no sense is told in one sentence."""

import inspect
import re
from itertools import product
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from activation_study import activations
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.schema import SCALES
from activation_study.schema.compounds import listed
from activation_study.seeds import Noise
from activation_study.training import optimizers, precision

CONF = Path(__file__).resolve().parents[1] / "conf"
GROUPS = ("activation", "model", "dataset", "init", "objective", "optimizer")
INF = float("inf")


def choices(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def sentence(start):
    """A pattern for one sentence on one line that begins like this."""
    return rf"\A{re.escape(start)}[^\n]*(?<!\.)\.\Z"


# What a choice cannot do without.
NEEDED = {
    "torch": ["activation.name=Hardswish"],
    "image_folder": [f"dataset.root={Path(__file__).parent}"],
    "rbm": ["objective=contrastive_divergence"],
    "contrastive_divergence": ["model=rbm"],
    "own": [f"model.path={Path(__file__).with_name('my_networks.py')}:ResidualMLP"],
}


@pytest.fixture
def with_bfloat16(monkeypatch):
    """As on a processor that computes in bfloat16, which some experiments ask for at desk scale."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)


def check(settings):
    """What a command would make of them, short of the data."""
    seeds, rule = settings["seeds"][:1], Initialization(**settings["init"])
    stack = Stack(seeds, lambda: activations.build(**settings["activation"]), rule, Noise(seeds))
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
@pytest.mark.usefixtures("with_bfloat16")
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
@pytest.mark.usefixtures("with_bfloat16")
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
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items() if plain}
    assert plain == defaults  # tables call an activation by the options that differ from them


def test_every_activation_of_the_study_has_a_yaml():
    assert set(activations.names()) <= set(choices("activation"))


@pytest.mark.parametrize(
    ("overrides", "begins"),
    [
        (["train.epochs=-1"], "train.epochs=-1: give a number from 0 to 1e+06"),
        (["train.epochs=null"], "train.epochs=null: give a number from 0 to 1e+06"),
        (["train.batch_size=1.5"], "train.batch_size=1.5: give a whole number of at least 1"),
        (["probes.every=-1"], "probes.every=-1: give a whole number of at least 0"),
        (["optimizer.momentum=-0.1"], "optimizer.momentum=-0.1: give a number from 0 to 1"),
        (["optimizer.weight_decay=heavy"], "optimizer.weight_decay=heavy: give a number of at least 0"),
        (["optimizer=adam", "optimizer.decay=inf"], "optimizer.decay=inf: give a number from 0 to 1"),
        (["scale=poster"], "scale=poster: no such scale; choose one of paper, desk, smoke"),
        (["seeds=0"], "seeds=0: give a number of seeds"),
        (["learning_rate=[0.1,slow]"], "learning_rate=[0.1,slow]: give a number above 0"),
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
    settings = compose_settings("+experiment=cifar10_tuned", "scale=smoke", "learning_rate=[0.1,0.01]")

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
