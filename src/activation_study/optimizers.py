"""SGD with momentum and Adam, where every replica of a stack has its own learning rate."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from activation_study.errors import StudyError
from activation_study.replicas import AFFINE


class Optimizer:
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
        weight_decay: float = 0.0,
        milestones: Iterable[float] = (),
        decay: float = 0.1,
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

    def _update(self, index: int, parameter: Tensor, gradient: Tensor, factor: float) -> None:
        raise NotImplementedError

    def state(self) -> dict[str, list[Tensor]]:
        """The tensors that training goes on from; they are the optimizer's own, to save or to copy into."""
        return {}


class SGD(Optimizer):
    """v <- mu v + g, p <- p - lr v: torch's form, in which a drop of the learning rate acts at once."""

    def __init__(self, *args, momentum: float = 0.0, **options) -> None:  # noqa: ANN002, ANN003
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

    def __init__(self, *args, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, **options) -> None:  # noqa: ANN002, ANN003
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
        StudyError: unknown name or option.
    """
    name, options = checked(config)
    return OPTIMIZERS[name](network, learning_rates, **options)


def checked(config: Mapping[str, object]) -> tuple[str, dict[str, Any]]:
    """The name of the optimizer that a configuration names, and its options.

    Raises:
        StudyError: unknown name or option.
    """
    options = dict(config)
    name = str(options.pop("name"))
    if name not in OPTIMIZERS:
        raise StudyError(f"optimizer.name={name}: no such optimizer; choose one of {', '.join(OPTIMIZERS)}.")
    own, shared = (list(inspect.signature(kind.__init__).parameters) for kind in (OPTIMIZERS[name], Optimizer))
    known = [key for key in own + shared if key not in ("self", "args", "options", "network", "learning_rates")]
    for key in options:
        if key not in known:
            raise StudyError(f"optimizer.{key}: {name} has no such option; its options: {', '.join(known)}.")
    return name, options
