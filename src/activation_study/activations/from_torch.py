"""Any elementwise class of torch.nn as an activation of the study."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from activation_study.activations.base import Activation
from activation_study.errors import StudyError
from activation_study.schema.signatures import options_of


class FromTorch(Activation):
    """An elementwise, deterministic, parameter-free class of torch.nn, such as Hardswish.

    Its derivative comes from autograd, and nothing is known of its bounds, so none of its units counts as saturated.

    Args:
        name: the name of the class in torch.nn.
        options: keyword arguments of that class.
    """

    def __init__(self, name: str, **options: object) -> None:
        super().__init__()
        try:
            kind = getattr(nn, name)
            known = options_of(kind, whose=f"torch.nn.{name}")
            known = replace(known, optional=known.keys)  # torch itself tells what is missing
            self.function = kind(**known.read("activation", options))
            self._check(name)
        except StudyError:
            raise
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise StudyError(f"activation.name={name}: torch.nn.{name} is no activation ({reason}).") from None
        self.formula = rf"\mathrm{{torch.nn.{name}}}(z)"
        self.source = f"torch.nn.{name}"

    def _check(self, name: str) -> None:
        z = torch.linspace(-3, 3, 24).view(2, 3, 4)
        value = self.function(kept := z.clone())
        if not torch.equal(kept, z):
            raise StudyError(f"activation.name={name}: with these options torch.nn.{name} works in place.")
        moved = self.function(z + torch.eye(24)[7].view(2, 3, 4))
        elementwise = value.shape == z.shape and int((value != moved).sum()) <= 1
        if not elementwise or any(True for _ in self.parameters()) or not torch.equal(value, self.function(z)):
            raise StudyError(
                f"activation.name={name}: torch.nn.{name} is not an elementwise function without parameters or noise; "
                "choose one such as Hardswish, CELU, Softshrink, or activation=prelu, activation=rrelu."
            )

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        return self.function(z)
