"""SGD with momentum and Adam, where every replica of a stack has its own learning rate."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from activation_study.activations import Activation
from activation_study.networks.layers import AFFINE, StackedBatchNorm
from activation_study.schema import group_of
from activation_study.schema.compounds import Group, Nullable, Table
from activation_study.schema.kinds import Choice, Number
from activation_study.schema.signatures import options_of
from activation_study.training.schedules import START, Moment, Schedule

Share = Annotated[float, Number(at_least=0, below=1)]


KINDS = ("weight", "bias", "slope", "norm", "last")
ByKind = Annotated[
    Mapping[str, float] | None, Nullable(Table(Choice(KINDS, "kind"), Number(at_least=0), "{bias: 2, last: 0.1}"))
]


class Optimizer(ABC):
    """Updates parameters whose leading axis is the replica.

    Args:
        network: its parameters are updated.
        learning_rates: shape (replicas,).
        weight_decay: factor of the L2 term that is added to the gradient of weights; biases are not decayed, and
            PReLU's slopes must not be (He et al. 2015, Section 2.1).
        rate_by_kind: what the learning rate is multiplied by for a kind of parameter: weights, biases, learned slopes,
            scales and shifts of normalisations (norm); for those of the last layer, `last` takes the place of these.
        decay_by_kind: the same for the weight decay, which is 1 for weights and 0 for all else.
        schedule: what the learning rates are multiplied by in time, see `schedules.Schedule`.
    """

    def __init__(
        self,
        network: nn.Module,
        learning_rates: Tensor,
        weight_decay: Annotated[float, Number(at_least=0)] = 0.0,
        rate_by_kind: ByKind = None,
        decay_by_kind: ByKind = None,
        **schedule,  # noqa: ANN003
    ) -> None:
        kinds, rates, decays = kinds_of(network), rate_by_kind or {}, {"weight": 1.0, **(decay_by_kind or {})}
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.learning_rates, self.decays = list[Tensor](), list[float]()
        for p in self.parameters:
            rate = _first(kinds.get(id(p), ()), rates, otherwise=1.0)
            self.learning_rates.append((rate * learning_rates).to(p.device).view(-1, *[1] * (p.dim() - 1)))
            self.decays.append(weight_decay * _first(kinds.get(id(p), ()), decays, otherwise=0.0))
        self.schedule = Schedule(**schedule)

    @torch.no_grad()
    def step(self, moment: Moment = START) -> None:
        """One update of every parameter from its gradient, which is then cleared."""
        factor = self.schedule.factor(moment)
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

    def step(self, moment: Moment = START) -> None:  # noqa: D102
        self.updates += 1
        super().step(moment)

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
    parts = options_of(OPTIMIZERS[name]), options_of(Optimizer, skip=2), options_of(Schedule)
    known = {key: kind for part in parts for key, kind in part.keys.items()}
    options = Group(known, optional=known, whose=name).read("optimizer", options)
    Schedule(**{key: value for key, value in options.items() if key in parts[-1].keys})
    return name, options


def kinds_of(network: nn.Module) -> dict[int, tuple[str, ...]]:
    """The kinds of each parameter by its id, the most telling first; a module of the user's own may have others."""
    affine = [module for module in network.modules() if isinstance(module, AFFINE)]
    kinds: dict[int, tuple[str, ...]] = {}
    for module in network.modules():
        if isinstance(module, Activation | StackedBatchNorm):
            kind = "slope" if isinstance(module, Activation) else "norm"
            kinds |= {id(p): (kind,) for p in module.parameters()}
        elif isinstance(module, AFFINE):
            last = ("last",) if module is affine[-1] else ()
            kinds |= {id(module.weight): (*last, "weight"), id(module.bias): (*last, "bias")}
    return kinds


def _first(kinds: Iterable[str], values: Mapping[str, float], otherwise: float) -> float:
    return next((values[kind] for kind in kinds if kind in values), otherwise)
