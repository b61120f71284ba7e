"""Small networks on handwritten digits, trained in seconds, in which noise and the natural gradient can be measured.

Noise: how far the logits move when noise is added to the pre-activations of a hidden layer that lie clearly below zero.

Natural gradient (Amari 1998): F^-1 g, with the gradient g of the loss and the Fisher matrix F of the probabilities that
the network gives. Clevert et al. 2016, Section 2, hold for a single unit and its incoming weights that gradient and
natural gradient differ by the correction of a bias shift: a step along the gradient moves the unit's mean
pre-activation through the incoming activations as far as their means are not zero, and not through the bias alone.
"""

import copy
import functools
from collections.abc import Iterator, Sequence

import pandas as pd
import torch
from hydra import compose
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study import datasets
from activation_study.activations import Activation
from activation_study.config import settings
from activation_study.datasets import Dataset
from activation_study.networks.layers import AFFINE
from activation_study.runs import Tables
from activation_study.training.trainer import Replica, Trainer

ACTIVATIONS = ("relu", "lrelu", "vlrelu", "prelu", "rrelu", "elu")
DEPTH, WIDTH = 3, 16
EPOCHS = (1, 5, 20)  # after which the networks are looked at
LEARNING_RATE = 0.01
NOISE = 1.0  # standard deviation of the noise that is added to pre-activations
BELOW = -3.0  # pre-activations up to here are clearly below zero, by three standard deviations of the noise
DRAWS = 20  # of the noise, for every image
BATCH = 128  # images over which gradient and Fisher matrix are taken
DAMPING = 0.01  # of the Fisher matrix, as a share of its mean eigenvalue
ABOUT = (
    f"scikit-learn's digits, small networks trained when this page is made; {DEPTH} hidden layers of {WIDTH} units; "
    f"{EPOCHS[-1]} epochs in batches of 64; sgd, he initialization; learning rate {LEARNING_RATE:g} for all"
)


@functools.cache
def measured(seeds: tuple[int, ...]) -> Tables:
    """Trains the networks and measures them.

    Returns:
        `metrics` of the test split as runs have them, one row per replica and epoch of `EPOCHS`, with the columns noise
        (see `logit_noise`), angle, unit_angle and shift (see `curvature`). There are no layers.
    """
    data = datasets.load("digits")
    rows = [one for activation in ACTIVATIONS for one in _of_activation(activation, seeds, data)]
    return Tables(pd.concat(rows, ignore_index=True), pd.DataFrame(), [])


def _of_activation(activation: str, seeds: tuple[int, ...], data: Dataset) -> Iterator[pd.DataFrame]:
    overrides = [f"activation={activation}", f"model.depth={DEPTH}", f"model.width={WIDTH}", "probes.every=0",
                 f"train.epochs={EPOCHS[-1]}"]  # fmt: skip
    trainer = Trainer(settings(compose("train", overrides)), [Replica(seed, LEARNING_RATE) for seed in seeds], data)
    batch, labels = data.train.images[:BATCH].double(), data.train.labels[:BATCH]
    for record in trainer.records():
        if record.epoch not in EPOCHS:
            continue
        network = copy.deepcopy(trainer.network).double().eval()
        assert isinstance(network, nn.Sequential)
        moved = logit_noise(network, _for_each(seeds, data.test.images.double()))
        whole_angle, unit_angle, shift = curvature(network, _for_each(seeds, batch), labels)
        loss, accuracy = trainer.evaluate(data.test)
        yield pd.DataFrame({"activation": activation, "variant": activation, "dataset": "digits", "model": "mlp",
                            "depth": DEPTH, "seed": seeds, "learning_rate": LEARNING_RATE, "epoch": record.epoch,
                            "split": "test", "loss": loss, "accuracy": accuracy, "noise": moved, "angle": whole_angle,
                            "unit_angle": unit_angle, "shift": shift})  # fmt: skip


def _for_each(seeds: Sequence[int], images: Tensor) -> Tensor:
    return images.expand(len(seeds), *images.shape)


@torch.no_grad()
def logit_noise(network: nn.Sequential, images: Tensor) -> Tensor:
    """Root mean square change of the logits over their standard deviation, shape (replicas,).

    Args:
        network: a stack of networks.
        images: shape (replicas, n, channels, height, width).
    """
    places = [index for index, module in enumerate(network) if isinstance(module, Activation)]
    middle = places[len(places) // 2]
    z = network[:middle](images)
    logits = network[middle:](z)
    stream = torch.Generator().manual_seed(0)  # the same noise for every activation
    moved = torch.zeros(len(z), dtype=z.dtype)
    for _ in range(DRAWS):
        noise = NOISE * torch.randn(z.shape[1:], generator=stream, dtype=z.dtype) * (z <= BELOW)
        moved += (network[middle:](z + noise) - logits).square().mean((1, 2)) / DRAWS
    return (moved / logits.var(1, correction=0).mean(1)).sqrt()


@torch.no_grad()
def curvature(network: nn.Sequential, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How far the gradient is from the natural gradient on a batch.

    Args:
        network: a stack of networks in double precision.
        images: shape (replicas, n, channels, height, width).
        labels: shape (n,).

    Returns:
        Each of shape (replicas,): the angle between the two in degrees, over the weights and biases of all layers but
        the first, whose inputs are the pixels whatever the activation; the same for the incoming weights of one unit,
        the mean over units; and the share of a gradient step's effect on a unit's mean pre-activation that comes
        through the means of the incoming activations and not through the bias, the mean over units.
    """
    logits, layers = _forward(network, images)
    probabilities = logits.softmax(-1)
    classes = torch.eye(logits.shape[-1], dtype=logits.dtype)
    gradients = [g.mean(1) for g in _per_image(layers, probabilities - classes[labels])]
    # The Fisher matrix is the mean of G G^T over the images and over the classes c as the network sees them, where G is
    # the gradient of -log p_c; each of the two factors gets the square root of p_c.
    of_classes = [probabilities[..., c : c + 1].sqrt() * (probabilities - class_) for c, class_ in enumerate(classes)]
    scores = _per_image([(inputs.repeat(1, len(classes), 1), weight, slope.repeat(1, len(classes), 1))
                         for inputs, weight, slope in layers], torch.cat(of_classes, 1))  # fmt: skip
    flat = torch.cat([score.flatten(2) for score in scores], -1)
    whole = flat.mT @ flat / images.shape[1]
    by_unit = [score.permute(0, 2, 3, 1) @ score.transpose(1, 2) / images.shape[1] for score in scores]
    gradient = torch.cat([g.flatten(1) for g in gradients], -1)
    whole_angle = angle(gradient, natural(gradient, whole))
    unit_angles = torch.cat([angle(g, natural(g, f)) for g, f in zip(gradients, by_unit, strict=True)], 1)
    shifts = torch.cat([_shift(g, inputs) for g, (inputs, _, _) in zip(gradients, layers[1:], strict=True)], 1)
    return whole_angle, unit_angles.nanmean(1), shifts.nanmean(1)


def natural(gradient: Tensor, fisher: Tensor, damping: float = DAMPING) -> Tensor:
    """The natural gradient (F + d I)^-1 g, d a share of F's mean eigenvalue; the shape of the gradient, (..., p).

    Args:
        gradient: g, shape (..., p).
        fisher: F, shape (..., p, p).
        damping: that share.
    """
    mean = fisher.diagonal(dim1=-2, dim2=-1).mean(-1).clamp(min=1e-30)  # it is 0 for a dead unit
    identity = torch.eye(fisher.shape[-1], dtype=fisher.dtype)
    damped = fisher + damping * mean[..., None, None] * identity
    # The matrix is symmetric and positive; besides, MKL's LU of a stack never ends with two threads on some processors.
    return torch.cholesky_solve(gradient.unsqueeze(-1), torch.linalg.cholesky(damped)).squeeze(-1)


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between vectors of shape (..., p), in degrees; NaN where one of them is zero."""
    cosine = (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1))
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


Layer = tuple[Tensor, Tensor, Tensor]  # inputs with a 1 for the bias; weights; slopes of the activation before


def _forward(network: nn.Sequential, images: Tensor) -> tuple[Tensor, list[Layer]]:
    layers: list[Layer] = []
    x, slope = images, images.flatten(2)  # no activation stands before the first layer
    for module in network:
        if isinstance(module, Activation):
            slope = module.slope(x)
        elif isinstance(module, AFFINE):
            layers.append((F.pad(x, (0, 1), value=1.0), module.weight, slope))
        x = module(x)
    return x, layers


def _per_image(layers: Sequence[Layer], error: Tensor) -> list[Tensor]:
    """Back-propagates errors at the logits, (replicas, n, classes), to the layers but the first.

    Returns:
        The gradient of every image's loss, (replicas, n, units, inputs + 1), layer by layer.
    """
    gradients = []
    for inputs, weight, slope in reversed(layers[1:]):
        gradients.append(error.unsqueeze(3) * inputs.unsqueeze(2))
        error = error @ weight.mT * slope
    return gradients[::-1]


def _shift(gradient: Tensor, inputs: Tensor) -> Tensor:
    """The share of a step's effect on each unit's mean pre-activation that comes through the incoming means."""
    means = inputs.mean(1, keepdim=True)[..., :-1]
    through_means, through_bias = (gradient[..., :-1] * means).sum(-1).abs(), gradient[..., -1].abs()
    return through_means / (through_means + through_bias)
