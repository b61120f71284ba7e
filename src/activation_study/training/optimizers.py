"""SGD with momentum and Adam, where every replica of a stack has its own learning rate."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from activation_study.networks.layers import AFFINE
from activation_study.schema import group_of
from activation_study.schema.compounds import Group, Items
from activation_study.schema.kinds import Choice, Number
from activation_study.schema.signatures import options_of

Share = Annotated[float, Number(at_least=0, below=1)]


class Optimizer(ABC):
    """Updates parameters whose leading axis is the replica.

    Args:
        network: its parameters are updated.
        learning_rates: shape (replicas,).
        weight_decay: factor of the L2 term that is added to the gradient of weights; biases are not decayed, and
            PReLU's slopes must not be (He et al. 2015, Section 2.1).
        milestones: epochs after which the learning rate is multiplied by `decay`.
        decay: that factor.
    """

    def __init__(
        self,
        network: nn.Module,
        learning_rates: Tensor,
        weight_decay: Annotated[float, Number(at_least=0)] = 0.0,
        milestones: Annotated[Iterable[float], Items(Number(at_least=0), "[10,15]", empty=True)] = (),
        decay: Annotated[float, Number(at_least=0, at_most=1)] = 0.1,
    ) -> None:
        self.parameters = list(network.parameters())
        self.learning_rates = [
            learning_rates.to(p.device).view(-1, *[1] * (p.dim() - 1)).clone() for p in self.parameters
        ]
        weights = {id(layer.weight) for layer in network.modules() if isinstance(layer, AFFINE)}
        self.decays = [weight_decay if id(p) in weights else 0.0 for p in self.parameters]
        self.milestones, self.decay = list(milestones), decay

    def factor(self, epoch: float) -> float:
        """What the learning rate is multiplied by after so many (whole or part) epochs."""
        return self.decay ** sum(epoch >= milestone for milestone in self.milestones)

    @torch.no_grad()
    def step(self, epoch: float = 0.0) -> None:
        """One update of every parameter from its gradient, which is then cleared."""
        factor = self.factor(epoch)
        for index, parameter in enumerate(self.parameters):
            gradient = parameter.grad
            assert gradient is not None
            if self.decays[index]:
                gradient.add_(parameter, alpha=self.decays[index])
            self._update(index, parameter, gradient, factor)
            parameter.grad = None

    @abstractmethod
    def _update(self, index: int, parameter: Tensor, gradient: Tensor, factor: float) -> None:
        """Changes one parameter by its gradient; `factor` is what the schedule makes of the learning rate."""

    def state(self) -> dict[str, list[Tensor]]:
        """The tensors that training goes on from; they are the optimizer's own, to save or to copy into."""
        return {}


class SGD(Optimizer):
    """v <- mu v + g, p <- p - lr v: torch's form, in which a drop of the learning rate acts at once."""

    def __init__(self, *args, momentum: Annotated[float, Number(at_least=0, at_most=1)] = 0.0, **options) -> None:  # noqa: ANN002, ANN003
        super().__init__(*args, **options)
        self.momentum = momentum
        self.velocities = [torch.zeros_like(p) for p in self.parameters] if momentum else []

    def _update(self, index: int, parameter: Tensor, gradient: Tensor, factor: float) -> None:
        if self.momentum:
            gradient = torch.add(gradient, self.velocities[index], alpha=self.momentum, out=self.velocities[index])
        parameter.addcmul_(gradient, self.learning_rates[index], value=-factor)

    def state(self) -> dict[str, list[Tensor]]:  # noqa: D102
        return {"velocities": self.velocities}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015) with bias correction; weight decay is L2 in the gradient, as in torch.optim.Adam."""

    def __init__(
        self,
        *args,  # noqa: ANN002
        beta1: Share = 0.9,
        beta2: Share = 0.999,
        epsilon: Annotated[float, Number(above=0)] = 1e-8,
        **options,  # noqa: ANN003
    ) -> None:
        super().__init__(*args, **options)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.updates = torch.zeros(())

    def step(self, epoch: float = 0.0) -> None:  # noqa: D102
        self.updates += 1
        super().step(epoch)

    def _update(self, index: int, parameter: Tensor, gradient: Tensor, factor: float) -> None:
        mean, square = self.means[index], self.squares[index]
        mean.lerp_(gradient, 1 - self.beta1)
        square.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        updates = float(self.updates)
        scale = (1 - self.beta2**updates) ** 0.5
        direction = mean / square.sqrt().div_(scale).add_(self.epsilon)
        parameter.addcmul_(direction, self.learning_rates[index], value=-factor / (1 - self.beta1**updates))

    def state(self) -> dict[str, list[Tensor]]:  # noqa: D102
        return {"means": self.means, "squares": self.squares, "updates": [self.updates]}


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam}


def build(config: Mapping[str, object], network: nn.Module, learning_rates: Tensor) -> Optimizer:
    """The optimizer that a configuration names, for a network whose replicas have these learning rates, (replicas,).

    Raises:
        StudyError: unknown name or option, or a value that is not possible.
    """
    name, options = checked(config)
    return OPTIMIZERS[name](network, learning_rates, **options)


def checked(config: Mapping[str, object]) -> tuple[str, dict[str, Any]]:
    """The name of the optimizer that a configuration names, and its options.

    Raises:
        StudyError: unknown name or option, or a value that is not possible.
    """
    name, options = group_of(config, "optimizer")
    Choice(OPTIMIZERS, "optimizer").read("optimizer.name", name)
    own, shared = options_of(OPTIMIZERS[name]), options_of(Optimizer, skip=2)
    known = {**own.keys, **shared.keys}
    return name, Group(known, optional=known, whose=name).read("optimizer", options)
