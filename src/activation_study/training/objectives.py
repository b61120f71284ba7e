"""What a network is trained to do: what it puts out, the loss of every example, and a score by which it is judged.

A score is 1 where nothing is left to learn, and 0 for a network that has learned nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.activations import Activation
from activation_study.datasets import Dataset
from activation_study.errors import refuse
from activation_study.networks.rbm import RBM
from activation_study.schema import group_of
from activation_study.schema.kinds import Choice, Number
from activation_study.schema.signatures import options_of


class Judged(NamedTuple):
    """How a network does on some examples: loss and score of each, (replicas, batch)."""

    losses: Tensor
    scores: Tensor


class Objective(ABC):
    """What a stack of networks is trained to do with the images of a data set.

    Attributes:
        score: the name of the score, a column of the metrics.
        outputs: units that the network ends in.
    """

    score: ClassVar[str]
    outputs: int

    def __init__(self, data: Dataset) -> None:
        self.outputs = data.classes

    @abstractmethod
    def judge(self, network: nn.Module, images: Tensor, labels: Tensor) -> Judged:
        """Loss and score of images (replicas, batch, channels, h, w) with labels (replicas, batch)."""

    def losses(self, network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """The losses whose mean over the batch is descended, (replicas, batch)."""
        return self.judge(network, images, labels).losses


class Classification(Objective):
    """Cross-entropy of the classes' softmax in nats; the score is the accuracy.

    Args:
        data: the data set.
        l1: factor of an L1 penalty, in training, on the activations of all hidden units of an example (Glorot, Bordes &
            Bengio 2011, Section 3.3).
    """

    score = "accuracy"

    def __init__(self, data: Dataset, l1: Annotated[float, Number(at_least=0)] = 0.0) -> None:
        super().__init__(data)
        self.l1 = l1

    def judge(self, network: nn.Module, images: Tensor, labels: Tensor) -> Judged:  # noqa: D102
        logits = network(images).float()
        return Judged(cross_entropy(logits, labels), (logits.argmax(-1) == labels).float())

    def losses(self, network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:  # noqa: D102
        if not self.l1:
            return super().losses(network, images, labels)
        with _outputs_of_activations(network) as outputs:
            losses = super().losses(network, images, labels)
        return losses + self.l1 * torch.stack([output.flatten(2).abs().sum(2) for output in outputs]).sum(0)


class Reconstruction(Objective):
    """Squared error between an image and the network's output, a mean over pixels; an autoencoder.

    The score is the share of the pixels' variance that is explained.
    """

    score = "explained"

    def __init__(self, data: Dataset) -> None:
        super().__init__(data)
        self.outputs = data.train.images[0].numel()
        self.variance = data.train.images.var(correction=0)

    def judge(self, network: nn.Module, images: Tensor, labels: Tensor) -> Judged:  # noqa: D102
        errors = (network(images).float() - images.flatten(2)).square().mean(2)
        return Judged(errors, 1 - errors / self.variance)


class ContrastiveDivergence(Reconstruction):
    """One step of contrastive divergence, CD-1 (Hinton 2002), for a restricted Boltzmann machine.

    The gradient is that of the free energy of the data less that of their reconstruction, which is held constant. The
    loss that belongs to it tells nothing of progress, so a machine is judged as an autoencoder of its visible units.
    """

    def judge(self, network: nn.Module, images: Tensor, labels: Tensor) -> Judged:  # noqa: D102
        assert isinstance(network, RBM)
        data = network.seen(images)
        errors = (network(images) - data).square().mean(2)
        return Judged(errors, 1 - errors / data.var((1, 2), correction=0).unsqueeze(1))

    def losses(self, network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:  # noqa: D102
        assert isinstance(network, RBM)
        data = network.seen(images)
        inputs = network.top(data)
        with torch.no_grad():
            reconstruction = network.visible(network.sample(inputs))
        return network.energy(data, inputs) - network.energy(reconstruction, network.top(reconstruction))


OBJECTIVES: dict[str, type[Objective]] = {
    "classification": Classification,
    "reconstruction": Reconstruction,
    "contrastive_divergence": ContrastiveDivergence,
}


def build(config: Mapping[str, object], data: Dataset) -> Objective:
    """The objective that a configuration names, on a data set.

    Raises:
        StudyError: unknown name or option, or a value that is not possible.
    """
    name, options = checked(config)
    return OBJECTIVES[name](data, **options)


def checked(config: Mapping[str, object], model: str | None = None) -> tuple[str, dict[str, Any]]:
    """The name of the objective that a configuration names, and its options.

    Args:
        config: its group.
        model: name of the network that is to be trained, where that is to be checked too.

    Raises:
        StudyError: unknown name or option, a value that is not possible, or a network that cannot do it.
    """
    name, options = group_of(config, "objective")
    Choice(OBJECTIVES, "objective").read("objective.name", name)
    if model is not None and (name == "contrastive_divergence") != (model == "rbm"):
        refuse("objective.name", name, f"model={model} cannot be trained so; only model=rbm is, and in no other way")
    return name, options_of(OBJECTIVES[name], skip=1, whose=name).read("objective", options)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The loss of every example in nats, (replicas, batch), from logits (replicas, batch, classes)."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


@contextmanager
def _outputs_of_activations(network: nn.Module) -> Iterator[list[Tensor]]:
    """A list that gets what every activation puts out, in the passes made inside."""
    outputs: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: outputs.append(output))
        for module in network.modules()
        if isinstance(module, Activation)
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
