"""Networks that begin with another run's layers."""

import re

import pytest
import torch

from activation_study.activations import build as activation_of
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.seeds import Noise
from activation_study.training import checkpoint
from activation_study.training.execute import execute
from activation_study.training.start import start_from

DIGITS = ("dataset=digits", "keep_weights=true")


def weights_of(run):
    return checkpoint.from_bytes((run.folder / "weights.pt").read_bytes())["network"]


def network(name, seeds, **options):
    stack = Stack(seeds, lambda: activation_of("relu"), Initialization(), Noise(seeds))
    return models.build({"name": name, **options}, stack, (1, 8, 8), 10)


def test_a_network_can_be_looked_at_as_it_was_left(tiny_settings):
    (run,) = execute(tiny_settings(*DIGITS, "seeds=[4,5]"))
    (again,) = execute(tiny_settings(*DIGITS, "seeds=[5]", "train.epochs=0", f"model.start_from={run.name}"))
    before, after = run.table("metrics"), again.table("metrics")
    assert set(after["epoch"]) == {0}
    for split in ("train", "valid", "test"):  # noqa: B007  (pandas looks it up)
        row = before.query("seed == 5 and epoch == 2 and split == @split")[["loss", "accuracy"]]
        assert after.query("split == @split")[["loss", "accuracy"]].to_numpy() == pytest.approx(row.to_numpy())
    assert torch.equal(weights_of(again)["1.weight"][0], weights_of(run)["1.weight"][1])


def test_machines_one_upon_the_other_and_then_a_classifier(tiny_settings):
    machine = (*DIGITS, "model=rbm", "objective=contrastive_divergence", "init=normal", "init.std=0.01", "seeds=[1,0]")
    (first,) = execute(tiny_settings(*machine, "model.depth=1"))
    (second,) = execute(tiny_settings(*machine, "model.depth=2", f"model.start_from={first.name}"))
    below, both = weights_of(first), weights_of(second)
    assert torch.equal(both["below.0.weight"], below["top.weight"])
    assert not torch.equal(both["top.weight"], network("rbm", [1, 0], depth=2, width=8).top.weight)
    classifier = network("mlp", [0], depth=2, width=8)
    start_from(second.folder, classifier, [0])
    assert torch.equal(classifier[1].weight[0], both["below.0.weight"][1])
    assert torch.equal(classifier[3].bias[0], both["top.bias"][1])
    assert torch.equal(classifier[5].weight, network("mlp", [0], depth=2, width=8)[5].weight)


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["seeds=[4,7]"], "that run has 0 networks of seed 7; it needs one of each seed"),
        (["model.start_from=nothing"], "has no finished run of this name"),
    ],
)
def test_what_it_cannot_begin_with_is_refused(tiny_settings, overrides, problem):
    (run,) = execute(tiny_settings(*DIGITS, "seeds=[4,5]", "train.epochs=0"))
    with pytest.raises(StudyError, match=rf"\Amodel.start_from=.*{re.escape(problem)}\.\Z"):
        tiny_settings(*DIGITS, "seeds=[4]", f"model.start_from={run.name}", *overrides)


def test_a_diverged_network_is_nothing_to_begin_with(tiny_settings):
    (run,) = execute(tiny_settings(*DIGITS, "seeds=[4]", "learning_rate=1e30"))
    assert run.status["state"] == "diverged"
    with pytest.raises(StudyError, match="its network of seed 4 has diverged"):
        tiny_settings(*DIGITS, "seeds=[4]", f"model.start_from={run.name}")


def test_a_run_without_weights_or_of_another_shape_is_refused(tiny_settings):
    (bare,) = execute(tiny_settings("dataset=digits", "train.epochs=0"))
    with pytest.raises(StudyError, match="kept no weights; train it with keep_weights=true"):
        tiny_settings(f"model.start_from={bare.name}")
    (kept,) = execute(tiny_settings(*DIGITS, "train.epochs=0", "model.width=5"))
    with pytest.raises(StudyError, match="its first layer has another shape"):
        start_from(kept.folder, network("mlp", [0], depth=2, width=8), [0])
