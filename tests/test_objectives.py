"""What networks are trained to do: losses and scores from their definitions, in float64."""

import re

import pytest
import torch
from torch.nn import functional as F

from activation_study.activations import build as activation_of
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.seeds import Noise
from activation_study.training import objectives
from activation_study.training.trainer import Replica, Trainer

SEEDS = [3, 4]


def machine(activation, blobs, depth=1, width=7):
    noise = Noise(SEEDS)
    stack = Stack(SEEDS, lambda: activation_of(activation), Initialization("normal", std=0.3), noise)
    rbm = models.build({"name": "rbm", "depth": depth, "width": width}, stack, blobs.shape, 72).double()
    with torch.no_grad():
        for parameter in rbm.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)), alpha=0.1)
    noise.at(0)
    return rbm


def batch(blobs, n=6):
    return blobs.train.images[:n].double().expand(2, -1, -1, -1, -1), blobs.train.labels[:n].expand(2, -1)


def free_energy(rbm, visible):
    """Of Gaussian visible units and binary hidden ones, or rectified ones as 200 of the copies that they stand for."""
    x = visible @ rbm.top.weight + rbm.top.bias
    copies = torch.arange(1, 201) - 0.5 if rbm.activation.name == "relu" else torch.zeros(1)
    return (visible - rbm.visible_bias).square().sum(2) / 2 - F.softplus(x.unsqueeze(3) - copies).sum((2, 3))


@pytest.mark.parametrize(("activation", "tolerance"), [("sigmoid", 1e-9), ("relu", 0.02)])
def test_contrastive_divergence_descends_the_difference_of_free_energies(blobs, activation, tolerance):
    """Of rectified units up to what softplus differs from the sum of the copies' sigmoids (Nair & Hinton, Eqn. 2)."""
    rbm, (images, labels) = machine(activation, blobs), batch(blobs)
    data = images.flatten(2)
    with torch.no_grad():
        reconstruction = rbm.visible(rbm.sample(rbm.top(data)))
    (free_energy(rbm, data) - free_energy(rbm, reconstruction)).sum().backward()
    expected = [parameter.grad.clone() for parameter in rbm.parameters()]
    rbm.zero_grad()
    rbm.noise.at(0)
    objective = objectives.build({"name": "contrastive_divergence"}, blobs)
    objective.losses(rbm, images, labels).sum().backward()
    for parameter, gradient in zip(rbm.parameters(), expected, strict=True):
        assert gradient.norm() > 0
        assert (parameter.grad - gradient).norm() <= tolerance * gradient.norm()


def test_rectified_hidden_units_have_noise_of_the_variance_sigmoid(blobs):
    rbm = machine("relu", blobs, width=3)
    x = torch.tensor([2.5, 5.0, -1.0], dtype=torch.float64).expand(2, 200_000, 3)
    states = rbm.sample(x)
    assert states.min() == 0
    torch.testing.assert_close(states[..., 1].mean(1), x[:, 0, 1], rtol=0, atol=0.02)
    torch.testing.assert_close(states[..., 1].var(1), x[:, 0, 1].sigmoid(), rtol=0.02, atol=0)
    deviation = x[0, 0, 2].sigmoid().sqrt()
    above = 1 - torch.distributions.Normal(-1.0, deviation).cdf(torch.tensor(0.0))
    torch.testing.assert_close((states[..., 2] > 0).double().mean(1), above.double().expand(2), rtol=0, atol=0.005)


def test_binary_hidden_units_are_drawn_with_their_chances(blobs):
    rbm = machine("sigmoid", blobs, width=2)
    x = torch.tensor([0.0, -2.0], dtype=torch.float64).expand(2, 200_000, 2)
    states = rbm.sample(x)
    assert set(states.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(states.mean(1), x[:, 0].sigmoid(), rtol=0, atol=0.005)


def test_a_machine_learns_alone_what_it_learns_in_company(tiny_settings, blobs):
    def weights(seeds):
        settings = tiny_settings("model=rbm", "model.depth=1", "objective=contrastive_divergence", "activation=relu",
                                 "init=normal", "init.std=0.01")  # fmt: skip
        trainer = Trainer(settings, [Replica(seed, 0.01) for seed in seeds], blobs)
        records = list(trainer.records())
        assert {"loss", "explained"} <= set(records[-1].metrics)
        first, last = (record.metrics.query("split == 'valid'")["explained"].mean() for record in records[::2])
        assert last > first + 0.1
        return trainer.network.state_dict()

    alone, together = weights([8]), weights([9, 8])
    for key, weight in alone.items():
        torch.testing.assert_close(weight[0], together[key][1])


def test_reconstruction_is_the_squared_error_and_the_variance_explained(tiny_settings, blobs):
    settings = tiny_settings("model=autoencoder", "model.depth=2", "model.code=3", "objective=reconstruction")
    trainer = Trainer(settings, [Replica(0, 0.1), Replica(1, 0.1)], blobs)
    widths = [layer.affine.weight.shape[2] for layer in trainer.probe.layers]
    assert widths == [8, 3, 8, 72]
    loss, explained = trainer.evaluate(blobs.test)
    output = trainer.network(blobs.test.images.expand(2, -1, -1, -1, -1))
    errors = (output - blobs.test.images.flatten(1)).double().square()
    torch.testing.assert_close(loss, errors.mean((1, 2)))
    torch.testing.assert_close(explained, 1 - errors.mean((1, 2)) / blobs.train.images.double().var(correction=0))
    before, *_, after = (record.metrics.query("split == 'valid'").explained for record in trainer.records())
    assert (after > before).all()


def test_the_penalty_counts_every_activation_of_the_hidden_layers(tiny_settings, blobs):
    def losses(l1):
        trainer = Trainer(tiny_settings(f"objective.l1={l1}"), [Replica(0, 0.1), Replica(1, 0.1)], blobs)
        images, labels = blobs.train.images[:5].expand(2, -1, -1, -1, -1), blobs.train.labels[:5].expand(2, -1)
        hidden = [trainer.network[:index](images) for index in (3, 5)]
        return trainer.objective.losses(trainer.network, images, labels), hidden

    (without, _), (penalised, hidden) = losses(0), losses(0.01)
    expected = 0.01 * sum(activations.abs().sum(2) for activations in hidden)
    assert (expected > 0).all()
    torch.testing.assert_close(penalised - without, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("overrides", "begins"),
    [
        (["model=rbm"], "objective.name=classification: model=rbm cannot be trained so"),
        (["objective=contrastive_divergence"], "objective.name=contrastive_divergence: model=mlp cannot be trained so"),
        (["objective.name=regression"], "objective.name=regression: no such objective; choose one of classification, "),
        (["objective=reconstruction", "+objective.l1=1"], "objective.l1=1: reconstruction has no such option"),
        (
            ["model=rbm", "objective=contrastive_divergence", "activation=elu"],
            "activation.name=elu: hidden units of an RBM are binary (sigmoid) or noisy rectified (relu)",
        ),
        (["objective.l1=-1"], "objective.l1=-1: give a number of at least 0"),
    ],
)
def test_what_cannot_be_is_refused(tiny_settings, overrides, begins):
    with pytest.raises(StudyError, match=rf"\A{re.escape(begins)}"):
        tiny_settings(*overrides)
