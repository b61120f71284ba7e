"""What the probes measure, against float64 computations straight from the definitions."""

import pytest
import torch
from torch import Tensor

from activation_study.activations import Activation
from activation_study.networks.layers import StackedLinear
from activation_study.training.objectives import cross_entropy
from activation_study.training.probes import QUANTITIES, ActivityMeter, Probe
from activation_study.training.trainer import Replica, Trainer

STEP = 3  # whose noise is drawn


@pytest.fixture
def make_trainer(tiny_settings, blobs):
    """A trainer of two replicas; no bias is zero any more, and no two learned slopes are alike."""

    def make(*overrides: str) -> Trainer:
        trainer = Trainer(tiny_settings(*overrides), [Replica(0, 0.1), Replica(1, 0.1)], blobs)
        stream = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in trainer.network.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=stream), alpha=0.1)
        return trainer

    return make


def measure(trainer: Trainer, images: Tensor, labels: Tensor) -> list[list[dict[str, float]]]:
    """What the probe measures where both replicas see the same images: by replica, layer and quantity."""
    trainer.noise.at(STEP)
    with trainer.probe.watching():
        logits = trainer.network(images.expand(2, -1, -1, -1, -1))
        cross_entropy(logits, labels.expand(2, -1)).mean(1).sum().backward()
        measured = trainer.probe.measure()
    return [[dict(zip(QUANTITIES, layer, strict=True)) for layer in replica] for replica in measured.tolist()]


def of_activation(activation: Activation, z: Tensor, output: Tensor, replica: int) -> dict[str, float]:
    """What is measured at one replica's activation, from z and f(z) of the shape (batch, units, ...)."""
    flat = (z <= activation.flat_below) | (z >= activation.flat_above)
    values = {
        "mean": output.mean(),
        "std": output.std(correction=0),
        "slope_mean": activation.slope(z.expand(2, *z.shape))[replica].mean(),
        "saturated": flat.double().mean(),
        "inactive": (z <= 0).double().mean(),
        "sparsity": (output == 0).double().mean(),
    }
    if activation.name == "prelu":
        values["learned_slope"] = activation.weight[replica].mean()
    return {name: value.item() for name, value in values.items()}


def naive(trainer: Trainer, replica: int, images: Tensor, labels: Tensor) -> list[dict[str, float]]:
    """Every quantity of one replica of fully connected layers in float64, example by example."""
    layers, n = trainer.probe.layers, len(labels)
    weights = [layer.affine.weight[replica].detach().double().requires_grad_() for layer in layers]
    biases = [layer.affine.bias[replica, 0].detach().double() for layer in layers]
    trainer.noise.at(STEP)  # the noise depends on seed and step alone, so it is drawn here as in the pass
    noise = [trainer.noise.draw(torch.empty(2, n, len(bias)), 3.0, 8.0)[replica].double() for bias in biases]

    def activated(activation: Activation | None, z: Tensor, divisors: Tensor) -> Tensor:
        if activation is None:
            return z
        if activation.name == "rrelu":
            return torch.where(z > 0, z, z / divisors)
        return activation(z.expand(2, 1, -1))[replica, 0]

    zs: list[list[Tensor]] = [[] for _ in layers]
    outputs: list[list[Tensor]] = [[] for _ in layers]
    for number, (image, label) in enumerate(zip(images.double(), labels, strict=True)):
        x = image.flatten()
        for index, layer in enumerate(layers):
            z = x @ weights[index] + biases[index]
            z.retain_grad()
            x = activated(layer.activation, z, noise[index][number])
            zs[index].append(z)
            outputs[index].append(x)
        ((torch.logsumexp(x, 0) - x[label]) / n).backward()
    result = []
    for layer, weight, *examples in zip(layers, weights, zs, outputs, strict=True):
        z, output = (torch.stack(each).detach() for each in examples)
        errors = n * torch.stack([one.grad for one in examples[0]])  # of each example's own loss
        values = {"grad_norm": weight.grad.norm().item(), "error_rms": errors.square().mean().sqrt().item()}
        if layer.activation:
            values |= of_activation(layer.activation, z, output, replica)
        else:
            values |= {"mean": output.mean().item(), "std": output.std(correction=0).item()}
        result.append(values)
    return result


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "lrelu", "prelu", "rrelu", "elu"])
def test_every_quantity_against_a_naive_float64_computation(make_trainer, blobs, activation) -> None:
    trainer = make_trainer(f"activation={activation}", "model.depth=3")
    images, labels = blobs.train.images[:20], blobs.train.labels[:20]
    measured = measure(trainer, images, labels)
    for replica in range(2):
        expected = naive(trainer, replica, images, labels)
        assert len(expected) == len(measured[replica]) == 4
        for number, (ours, values) in enumerate(zip(measured[replica], expected, strict=True), 1):
            for quantity, value in values.items():
                assert ours[quantity] == pytest.approx(value, rel=2e-4, abs=1e-6), (number, quantity)


@pytest.mark.parametrize("activation", ["tanh", "relu", "lrelu", "prelu", "elu"])
def test_a_convolution_is_measured_over_positions_too(make_trainer, blobs, activation) -> None:
    trainer = make_trainer(f"activation={activation}", "model=convnet", "model.depth=2", "model.width=4")
    layer, seen = trainer.probe.layers[0], []
    layer.affine.register_forward_hook(lambda module, inputs, z: (z.retain_grad(), seen.append(z))[0])
    measured = measure(trainer, blobs.train.images[:8], blobs.train.labels[:8])
    (z,) = seen
    assert z.shape == (2, 8, 4, 6, 6)
    output = layer.activation(z.detach().double())
    for replica in range(2):
        expected = of_activation(layer.activation, z[replica].detach().double(), output[replica], replica)
        expected["grad_norm"] = layer.affine.weight.grad[replica].double().norm().item()
        expected["error_rms"] = (z.grad[replica].double() * 8).square().mean().sqrt().item()
        ours = measured[replica][0]
        assert {name: ours[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_nothing_is_kept_once_the_watching_ends(tiny_settings, blobs) -> None:
    trainer = Trainer(tiny_settings(), [Replica(0, 0.1)], blobs)
    with trainer.probe.watching():
        trainer.network(blobs.train.images[None, :4])
    assert not trainer.probe._measured
    assert not any(module._forward_hooks for module in trainer.network.modules())
    assert not any(parameter._post_accumulate_grad_hooks for parameter in trainer.network.parameters())


def test_dead_units_are_those_that_no_example_activates(tiny_settings, blobs) -> None:
    trainer = Trainer(tiny_settings("activation=relu"), [Replica(0, 0.1), Replica(1, 0.1)], blobs)
    first = trainer.probe.layers[0].affine
    with torch.no_grad():
        first.bias[0, 0, :3] = -1e6  # three of eight units of the first replica can never be active
        first.bias[1] = 1e6
    meter = ActivityMeter(trainer.network)
    with meter.watching(), torch.no_grad():
        trainer.network(blobs.train.images[None, :60].expand(2, -1, -1, -1, -1))
        trainer.network(blobs.train.images[None, 60:].expand(2, -1, -1, -1, -1))
    dead = meter.dead()
    assert dead[0, 0] == 3 / 8
    assert dead[1, 0] == 0
    assert dead[:, -1].isnan().all()


class Cube(Activation):
    """Its slope comes from autograd, through a call of the activation itself."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z**3

    def slope(self, z: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            return torch.autograd.grad(self(z).sum(), z)[0]


def test_a_slope_may_be_computed_by_calling_the_activation() -> None:
    network = torch.nn.Sequential(StackedLinear(torch.ones(1, 2, 3)), Cube(), StackedLinear(torch.ones(1, 3, 1)))
    probe = Probe(network)
    with probe.watching():
        network(torch.ones(1, 4, 2)).mean().backward()
        measured = dict(zip(QUANTITIES, probe.measure()[0, 0].tolist(), strict=True))
    assert measured["mean"] == 8
    assert measured["slope_mean"] == 12


def test_the_error_is_that_at_the_activations_input(tiny_settings, blobs) -> None:
    """Behind a normalisation it is another than behind the affine map."""
    trainer = Trainer(tiny_settings("model.batch_norm=true"), [Replica(0, 0.1)], blobs)
    images, labels = blobs.train.images[None, :8], blobs.train.labels[None, :8]
    errors = []
    normalised = trainer.network[2]
    normalised.register_forward_hook(lambda module, inputs, z: (z.register_hook(errors.append), None)[1])
    with trainer.probe.watching():
        cross_entropy(trainer.network(images), labels).mean(1).sum().backward()
        measured = dict(zip(QUANTITIES, trainer.probe.measure()[0, 0].tolist(), strict=True))
    (error,) = errors
    assert measured["error_rms"] == pytest.approx((error * 8).square().mean().sqrt().item(), rel=1e-5)
    assert measured["inactive"] == pytest.approx(0.5, abs=0.1)
