import numpy as np
import pytest
import torch

from activation_study.activations import Activation
from activation_study.networks.layers import StackedLinear
from activation_study.training.objectives import cross_entropy
from activation_study.training.probes import QUANTITIES, ActivityMeter, Probe
from activation_study.training.trainer import Replica, Trainer


def naive(settings, trainer, replica, images, labels) -> list[dict[str, float]]:
    """Every quantity of one replica in float64, example by example, straight from the definitions."""
    layers = trainer.probe.layers
    weights = [layer.affine.weight[replica].detach().double().requires_grad_() for layer in layers]
    biases = [layer.affine.bias[replica].detach().double() for layer in layers]
    n = len(labels)
    per_example = []
    for image, label in zip(images.double(), labels, strict=True):
        x, zs, outputs = image.flatten(), [], []
        for layer, weight, bias in zip(layers, weights, biases, strict=True):
            z = x @ weight + bias[0]
            z.retain_grad()
            zs.append(z)
            x = layer.activation(z[None, None])[0, 0] if layer.activation else z
            outputs.append(x.detach())
        loss = torch.logsumexp(x, 0) - x[label]
        (loss / n).backward()
        per_example.append([(z.detach(), z.grad * n, output) for z, output in zip(zs, outputs, strict=True)])
    result = []
    for index, layer in enumerate(layers):
        z, error, output = (np.array([example[index][part].tolist() for example in per_example]) for part in range(3))
        values = {
            "grad_norm": float(np.sqrt((weights[index].grad.numpy() ** 2).sum())),
            "error_rms": float(np.sqrt((error**2).mean())),
            "mean": output.mean(),
            "std": output.std(),
        }
        if layer.activation:
            slope = layer.activation.slope(torch.tensor(z)[None]).detach().numpy()
            values |= {"slope_mean": slope.mean(), "inactive": (z <= 0).mean(), "sparsity": (output == 0).mean()}
            low, high = layer.activation.flat_below, layer.activation.flat_above
            values["saturated"] = ((z <= low) | (z >= high)).mean()
        result.append(values)
    return result


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "lrelu", "prelu", "elu"])
def test_every_quantity_against_a_naive_float64_computation(tiny_settings, blobs, activation) -> None:
    settings = tiny_settings(f"activation={activation}", "model.depth=3")
    trainer = Trainer(settings, [Replica(0, 0.1), Replica(1, 0.1)], blobs)
    images, labels = blobs.train.images[:20], blobs.train.labels[:20]
    with trainer.probe.watching():
        logits = trainer.network(images.expand(2, -1, -1, -1, -1))
        cross_entropy(logits, labels.expand(2, -1)).mean(1).sum().backward()
        measured = trainer.probe.measure()
    assert measured.shape == (2, 4, len(QUANTITIES))
    for replica in range(2):
        for layer, expected in enumerate(naive(settings, trainer, replica, images, labels)):
            ours = dict(zip(QUANTITIES, measured[replica, layer].tolist(), strict=True))
            for quantity, value in expected.items():
                assert ours[quantity] == pytest.approx(value, rel=2e-4, abs=1e-6), (layer + 1, quantity)


def test_a_convolution_is_measured_over_positions_too(tiny_settings, blobs) -> None:
    trainer = Trainer(tiny_settings("model=convnet", "model.depth=2", "model.width=4"), [Replica(0, 0.1)], blobs)
    images, labels = blobs.train.images[:8], blobs.train.labels[:8]
    conv, seen = trainer.probe.layers[0].affine, []
    conv.register_forward_hook(lambda module, inputs, z: (z.retain_grad(), seen.append(z))[0])
    with trainer.probe.watching():
        logits = trainer.network(images.expand(1, -1, -1, -1, -1))
        cross_entropy(logits, labels.expand(1, -1)).mean(1).sum().backward()
        measured = trainer.probe.measure()[0, 0]
    (z,) = seen
    assert z.shape == (1, 8, 4, 6, 6)
    ours = dict(zip(QUANTITIES, measured.tolist(), strict=True))
    assert ours["grad_norm"] == pytest.approx(conv.weight.grad.double().square().sum().sqrt().item(), rel=1e-5)
    assert ours["error_rms"] == pytest.approx((z.grad.double() * 8).square().mean().sqrt().item(), rel=1e-5)
    assert ours["inactive"] == pytest.approx((z <= 0).double().mean().item())


def test_nothing_is_kept_once_the_watching_ends(tiny_settings, blobs) -> None:
    trainer = Trainer(tiny_settings(), [Replica(0, 0.1)], blobs)
    with trainer.probe.watching():
        trainer.network(blobs.train.images[None, :4])
    assert not trainer.probe._measured
    assert not any(module._forward_hooks for module in trainer.network.modules())


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
