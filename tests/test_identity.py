"""What makes two runs the same, and what they and their activations are called."""

import json
import os
from pathlib import Path

import pytest

from activation_study.runs import Run, archive, comparable_hash, identity
from activation_study.runs.identity import configuration_hash, label

LATIN_1 = os.fsdecode(b"caf\xe9")  # no UTF-8


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"name": "relu"}, "relu"),
        ({"name": "elu", "alpha": 1.0}, "elu"),
        ({"name": "elu", "alpha": 1}, "elu"),
        ({"name": "elu", "alpha": 0.5}, "elu(alpha=0.5)"),
        ({"name": "vlrelu", "slope": 1 / 5.5}, "vlrelu"),
        ({"name": "lrelu", "slope": 1 / 5.5}, "lrelu(slope=0.181818182)"),
        ({"name": "prelu", "init": 0.25, "shared": True}, "prelu(shared=True)"),
        ({"name": "rrelu", "lower": 5.0, "upper": 10.0, "variant": "torch"}, "rrelu(lower=5, upper=10, variant=torch)"),
        ({"name": "Hardswish"}, "Hardswish"),
        ({"name": "CELU", "alpha": 0.5}, "CELU(alpha=0.5)"),
        ({"name": "mine", "target": "activation_study.activations.rectified.ELU", "alpha": 1.0}, "mine(alpha=1)"),
    ],
)
def test_label_names_what_is_not_the_default(config, expected) -> None:
    assert label(config) == expected


def test_label_takes_no_class_of_torch_for_an_activation_of_the_study(tmp_path, monkeypatch) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "ELU.yaml").write_text("name: elu\nalpha: 0.5\n")  # as a Mac would find elu.yaml
    monkeypatch.setattr(identity, "CONF", tmp_path)
    assert label({"name": "ELU", "alpha": 0.5}) == "ELU(alpha=0.5)"


@pytest.mark.parametrize(
    "change",
    ["activation=elu", "activation=prelu activation.shared=true", "model.depth=3", "model.width=9", "init=xavier",
     "optimizer.momentum=0.5", "optimizer=adam", "train.epochs=3", "train.batch_size=16", "dataset.train_limit=90",
     "dataset.split_seed=1", "dataset.preprocessing=raw", "dataset.augment.flip=true", "probes.every=3",
     "objective=reconstruction", "objective.l1=0.1", "model.batch_norm=true", "model.dropout=0.5", "init.bias_std=0.1",
     "init.by_layer={1:0.1}", "optimizer.cosine=true", "optimizer.rate_by_kind={bias:2}", "train.record_every=2"],
)  # fmt: skip
def test_what_can_change_a_number_makes_another_run(tiny_settings, change) -> None:
    assert configuration_hash(tiny_settings(*change.split())) != configuration_hash(tiny_settings())


@pytest.mark.parametrize(
    "change",
    ["seeds=7", "learning_rate=1", "runs_dir=elsewhere", "data_dir=elsewhere", "device=cuda", "threads=2",
     "scale=paper", "export=tensorboard", "keep_weights=true", "checkpoint_seconds=1",
     "dataset.mirror=https://example.org", "optimizer.weight_decay=0"],
)  # fmt: skip
def test_what_cannot_change_a_number_does_not(tiny_settings, change) -> None:
    assert configuration_hash(tiny_settings(change)) == configuration_hash(tiny_settings())


def test_committed_runs_keep_their_identity(compose_settings) -> None:
    """Options that were added since do not count where they are what was done before there were any."""
    packed = (archive.RESULTS / "tables").glob("*/runs.json")
    entries = [entry for path in packed for entry in json.loads(path.read_text())]
    committed = {entry["config"]["hash"] for entry in entries}
    overrides = ("+experiment=mnist_tuned", "activation=relu")
    hashes = {configuration_hash(compose_settings(*overrides, f"model.depth={depth}")) for depth in (2, 8, 16)}
    assert len(hashes) == 3
    assert hashes <= committed


def test_comparable_runs_differ_in_activation_and_depth_alone(tiny_settings) -> None:
    base = comparable_hash(identity.scientific(tiny_settings()))
    assert comparable_hash(identity.scientific(tiny_settings("activation=elu", "model.depth=5"))) == base
    assert comparable_hash(identity.scientific(tiny_settings("model.width=5"))) != base


def test_names_of_runs_that_were_short_stay_what_they_were(tiny_settings) -> None:
    settings = tiny_settings()
    name = identity.run_name(settings, [(0, 0.01)])
    assert name == f"digits-mlp-2-relu-{identity.configuration_hash(settings)}-{name[-6:]}"
    settings["activation"]["name"] = "my/own"
    assert identity.run_name(settings, [(0, 0.01)]).startswith("digits-mlp-2-my_own-")
    assert Run(Path("runs") / LATIN_1).name == r"caf\xe9"
