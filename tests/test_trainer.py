import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from activation_study import activations
from activation_study.training.trainer import Replica, Trainer

ARTICLE = ["sigmoid", "tanh", "relu", "lrelu", "vlrelu", "prelu", "rrelu", "elu"]


def trained(settings, replicas, data) -> tuple[Trainer, list]:
    trainer = Trainer(settings, replicas, data)
    return trainer, list(trainer.records())


@pytest.mark.parametrize("activation", ARTICLE)
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_replica_in_a_stack_is_the_replica_alone(tiny_settings, blobs, activation, model) -> None:
    settings = tiny_settings(f"activation={activation}", f"model={model}", "model.depth=3", "model.width=8")
    settings["dataset"]["augment"] = {"padding": 1, "flip": True}
    replicas = [Replica(3, 0.05), Replica(4, 0.05), Replica(3, 0.2)]
    stack, records = trained(settings, replicas, blobs)
    for index, replica in enumerate(replicas):
        alone, lone_records = trained(settings, [replica], blobs)
        for ours, theirs in zip(stack.network.parameters(), alone.network.parameters(), strict=True):
            torch.testing.assert_close(ours[index : index + 1], theirs, rtol=1e-3, atol=1e-5)
        mine = records[-1].layers.query(f"seed == {replica.seed} and learning_rate == {replica.learning_rate}")
        columns = ["grad_norm", "error_rms", "mean", "std", "slope_mean"]
        torch.testing.assert_close(
            torch.tensor(mine[columns].to_numpy()),
            torch.tensor(lone_records[-1].layers[columns].to_numpy()),
            rtol=1e-2, atol=1e-5, equal_nan=True,
        )  # fmt: skip


def test_equal_seeds_draw_equal_weights_whatever_the_activation(tiny_settings, blobs) -> None:
    relu, elu, sigmoid = (
        Trainer(tiny_settings(f"activation={name}"), [Replica(7, 0.1)], blobs) for name in ("relu", "elu", "sigmoid")
    )
    for ours, theirs in zip(relu.network.parameters(), elu.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(relu._order(0), sigmoid._order(0))
    assert not torch.equal(relu._order(0), relu._order(1))


@pytest.mark.parametrize("activation", ["relu", "prelu", "rrelu"])
def test_watching_changes_nothing(tiny_settings, blobs, activation) -> None:
    replicas = [Replica(0, 0.1), Replica(1, 0.1)]
    unwatched, _ = trained(tiny_settings(f"activation={activation}", "probes.every=0"), replicas, blobs)
    watched, _ = trained(tiny_settings(f"activation={activation}", "probes.every=1"), replicas, blobs)
    for ours, theirs in zip(watched.network.parameters(), unwatched.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_it_trains_as_torch_does(tiny_settings, blobs) -> None:
    """One replica against torch's own layers, loss and optimizer, step for step."""
    settings = tiny_settings("activation=elu", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01")
    settings["optimizer"]["milestones"] = [1]
    trainer = Trainer(settings, [Replica(5, 0.05)], blobs)
    affine = [layer.affine for layer in trainer.probe.layers]
    usual = nn.Sequential(nn.Flatten(), nn.Linear(72, 8), nn.ELU(), nn.Linear(8, 8), nn.ELU(), nn.Linear(8, 3))
    linear = [module for module in usual if isinstance(module, nn.Linear)]
    for theirs, ours in zip(linear, affine, strict=True):
        theirs.weight.data, theirs.bias.data = ours.weight.data[0].T.clone(), ours.bias.data[0, 0].clone()
    weights = [layer.weight for layer in linear]
    biases = [layer.bias for layer in linear]
    groups = [{"params": weights, "weight_decay": 0.01}, {"params": biases}]
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    for epoch in range(settings["train"]["epochs"]):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * (0.1 if epoch >= 1 else 1)
        for batch in trainer._order(epoch)[0].split(32)[: trainer.steps_per_epoch]:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(usual(blobs.train.images[batch]), blobs.train.labels[batch])
            loss.backward()
            optimizer.step()
    list(trainer.records())
    for theirs, ours in zip(linear, affine, strict=True):
        torch.testing.assert_close(ours.weight[0].T, theirs.weight)
        torch.testing.assert_close(ours.bias[0, 0], theirs.bias)


def test_records_hold_what_the_contract_says(tiny_settings, blobs) -> None:
    settings = tiny_settings("probes.every=2")
    trainer, records = trained(settings, [Replica(0, 0.1), Replica(1, 0.1)], blobs)
    assert [record.epoch for record in records] == [0, 1, 2]
    assert trainer.step == trainer.total_steps == 6
    assert set(records[0].metrics["split"]) == {"train", "valid"}
    assert set(records[-1].metrics["split"]) == {"train", "valid", "test"}
    layers = [row for record in records if len(record.layers) for row in record.layers["step"].unique()]
    assert layers == [0, 2, 3, 5]  # every second step of an epoch, and its last one
    first = records[1].layers
    assert set(first.query("step == 0")["epoch"]) == {0}
    assert first.query("step == 0 and layer < 3")["dead"].notna().all()
    assert first.query("step == 2 and layer < 3")["dead"].notna().all()
    assert first.query("layer == 3")[["saturated", "inactive", "dead"]].isna().all().all()
    assert first.groupby("layer")["hidden"].unique().map(list).to_dict() == {1: [True], 2: [True], 3: [False]}


@pytest.mark.parametrize(
    ("every", "steps", "expected"),
    [
        (1, 3, [0, 1, 2, 3, 4, 5]),
        (4, 9, [0, 4, 8, 13, 17]),  # neither 9 beside 8 nor 12 within the other epoch's count
        (4, 10, [0, 4, 9, 14, 19]),  # 8 is too near to 9
        (100, 3, [0, 2, 5]),
        (0, 3, []),
    ],
)
def test_no_two_measurements_are_near_each_other(tiny_settings, blobs, every, steps, expected) -> None:
    trainer = Trainer(tiny_settings(f"probes.every={every}"), [Replica(0, 0.1)], blobs)
    trainer.record_every, trainer.total_steps = steps, 2 * steps
    assert [step for step in range(2 * steps) if trainer._is_probed(step)] == expected


@pytest.mark.parametrize(
    ("epochs", "every", "steps"),
    [(2, 3, [0, 3, 6]), (2, 4, [0, 4, 6]), (0.5, "null", [0, 2]), (1.34, "null", [0, 3, 4]), (0, "null", [0])],
)
def test_records_come_every_so_many_steps_and_at_the_end(tiny_settings, blobs, epochs, every, steps) -> None:
    settings = tiny_settings("train.batch_size=40", f"train.epochs={epochs}", f"train.record_every={every}")
    trainer = Trainer(settings, [Replica(0, 0.1)], blobs)
    assert trainer.steps_per_epoch == 3
    records = list(trainer.records())
    assert [record.step for record in records] == steps
    assert [record.epoch for record in records] == pytest.approx([step / 3 for step in steps])
    assert ["test" in set(record.metrics["split"]) for record in records] == [step == steps[-1] for step in steps]
    measured = pd.concat([record.layers for record in records])
    assert not len(measured) or {step - 1 for step in steps[1:]} <= set(measured["step"])


def test_records_change_nothing(tiny_settings, blobs) -> None:
    def weights(*overrides):
        trainer = Trainer(tiny_settings(*overrides), [Replica(0, 0.1)], blobs)
        list(trainer.records())
        return trainer.network.state_dict()

    for ours, theirs in zip(weights().values(), weights("train.record_every=2").values(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_network_with_normalisation_and_dropout_goes_on_from_its_state(tiny_settings, blobs) -> None:
    settings = tiny_settings("model.batch_norm=true", "model.dropout=0.2")

    def last(trainer):
        return list(trainer.records())[-1]

    class Stopped(Exception):
        pass

    def stop():
        if stopped.step == 4:
            raise Stopped

    stopped, resumed, whole = (Trainer(settings, [Replica(0, 0.1), Replica(1, 0.2)], blobs) for _ in range(3))
    with pytest.raises(Stopped):
        list(stopped.records(stop))
    resumed.load_state(stopped.state())
    pd.testing.assert_frame_equal(
        *(last(trainer).metrics.drop(columns="seconds") for trainer in (resumed, whole)), check_exact=True
    )


def test_bfloat16_stays_near_float32(tiny_settings, blobs) -> None:
    """The same seed, batch for batch; what is measured inside keeps float32's digits of its sums."""

    def trained(precision):
        settings = tiny_settings("model=convnet", "model.width=4", "activation=rrelu")
        settings["train"]["precision"] = precision  # which the command refuses where it is emulated
        trainer = Trainer(settings, [Replica(0, 0.05), Replica(1, 0.05)], blobs)
        return trainer, list(trainer.records())

    (_, wide), (trainer, narrow) = trained("float32"), trained("bfloat16")
    assert {parameter.dtype for parameter in trainer.network.parameters()} == {torch.float32}
    for ours, theirs in zip(narrow, wide, strict=True):
        assert not np.array_equal(ours.metrics["loss"], theirs.metrics["loss"])
        np.testing.assert_allclose(ours.metrics["loss"], theirs.metrics["loss"], rtol=0.03)
        if len(ours.layers):
            columns = ["mean", "std", "slope_mean", "grad_norm", "error_rms"]
            np.testing.assert_allclose(ours.layers[columns], theirs.layers[columns], rtol=0.15, atol=0.01)


def test_dead_units_of_step_0_are_those_before_training(tiny_settings, blobs) -> None:
    settings = tiny_settings("activation=relu", "train.batch_size=120", "train.epochs=1", "probes.every=1")
    trainer = Trainer(settings, [Replica(seed, 5.0) for seed in range(4)], blobs)
    assert trainer.steps_per_epoch == 1
    with trainer.meter.watching():
        trainer.evaluate(blobs.valid)
        before = trainer.meter.dead()
    layers = list(trainer.records())[-1].layers
    with trainer.meter.watching():
        trainer.evaluate(blobs.valid)
        after = trainer.meter.dead()
    assert not torch.equal(before[:, :2], after[:, :2])
    recorded = layers.query("hidden").pivot(index="seed", columns="layer", values="dead")
    assert torch.equal(torch.tensor(recorded.to_numpy(dtype="float32")), before[:, :2])


def test_it_learns(tiny_settings, blobs) -> None:
    settings = tiny_settings("train.epochs=5")
    _, records = trained(settings, [Replica(0, 0.05)], blobs)
    assert records[-1].metrics.query("split == 'test'")["accuracy"].item() > 0.9
    losses = [record.metrics.query("split == 'train'")["loss"].item() for record in records]
    assert losses[-1] < 0.5 * math.log(3) < 0.5 * losses[0]


def test_a_diverged_replica_is_recorded_and_harms_no_other(tiny_settings, blobs) -> None:
    settings = tiny_settings("activation=relu")
    stack, records = trained(settings, [Replica(0, 0.05), Replica(0, 1e30)], blobs)
    alone, _ = trained(settings, [Replica(0, 0.05)], blobs)
    for ours, theirs in zip(stack.network.parameters(), alone.network.parameters(), strict=True):
        torch.testing.assert_close(ours[:1], theirs, rtol=1e-4, atol=1e-6)
    healthy, diverged = stack.diverged_at.tolist()
    assert healthy == -1
    assert diverged in (1, 2)
    accuracy = records[-1].metrics.query("split == 'test'").set_index("learning_rate")["accuracy"]
    assert accuracy[0.05] > 0.5
    assert math.isnan(accuracy[1e30])
    shares = records[-1].layers.query("step == step.max() and layer < 3").set_index("learning_rate")
    assert shares.loc[0.05, ["saturated", "dead", "slope_mean"]].notna().to_numpy().all()
    assert shares.loc[1e30, ["saturated", "dead", "slope_mean"]].isna().to_numpy().all()


def test_the_test_labels_change_nothing_but_the_test_score(tiny_settings, blobs) -> None:
    scrambled = type(blobs)(
        "blobs", blobs.train, blobs.valid, type(blobs.test)(blobs.test.images, blobs.test.labels.flip(0)), 3, "none"
    )
    one, records = trained(tiny_settings(), [Replica(0, 0.1)], blobs)
    other, scrambled_records = trained(tiny_settings(), [Replica(0, 0.1)], scrambled)
    for ours, theirs in zip(one.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    ours, theirs = (
        final.metrics.query("split != 'test'")[["split", "loss", "accuracy"]]
        for final in (records[-1], scrambled_records[-1])
    )
    assert ours.equals(theirs)


def test_prelu_slopes_are_learned_and_never_decayed(tiny_settings, blobs) -> None:
    trainer = Trainer(
        tiny_settings("activation=prelu", "optimizer.weight_decay=0.5"), [Replica(0, 0.1), Replica(1, 0.1)], blobs
    )
    decays = dict(zip(map(id, trainer.optimizer.parameters), trainer.optimizer.decays, strict=True))
    for module in trainer.network.modules():
        if isinstance(module, activations.Activation):
            assert decays[id(module.weight)] == 0
            assert module.weight.shape == (2, 8)
    assert sum(decay == 0.5 for decay in decays.values()) == 3  # the three weight matrices
    records = list(trainer.records())
    slopes = records[-1].layers.query("layer == 1")["learned_slope"]
    assert (slopes != 0.25).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("activation", ["relu", "prelu", "rrelu", "elu"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_no_step_waits_for_the_device(tiny_settings, blobs, activation, optimizer) -> None:
    settings = tiny_settings(f"activation={activation}", f"optimizer={optimizer}", "probes.every=1")
    settings["dataset"]["augment"] = {"padding": 1, "flip": True}
    splits = [type(split)(split.images.cuda(), split.labels.cuda()) for split in (blobs.train, blobs.valid, blobs.test)]
    trainer = Trainer(settings, [Replica(0, 0.1), Replica(1, 0.1)], type(blobs)("blobs", *splits, 3, "none"))
    indices = trainer._order(0)[:, : trainer.batch_size]  # once an epoch it is sent there
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            trainer._train_step(indices)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert trainer.diverged_at.tolist() == [-1, -1]
