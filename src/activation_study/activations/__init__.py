"""The subject of the study: each activation with its derivative, its bounds and its source.

`build("elu", alpha=0.5)` makes any of them by the name that Hydra knows it by, and any elementwise class of torch.nn by
its class name: `build("Hardswish")`.
"""

import importlib
import pkgutil

import torch
from torch import Tensor, nn

from activation_study.activations.base import Activation, options_of
from activation_study.activations.from_torch import FromTorch
from activation_study.errors import StudyError
from activation_study.schema.kinds import Text

for _module in pkgutil.iter_modules(__path__):  # every module here registers its classes
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Activation", "build", "names", "softmax"]


def names() -> list[str]:
    """The names of the study's own activations, in the order of the article."""
    return list(Activation.registry)


def build(name: str, target: str | None = None, **options: object) -> Activation:
    """A fresh activation.

    Args:
        name: one of `names()`, or the class name of an elementwise class of torch.nn.
        target: import path of a user's own Activation class, as `package.module.Class`.
        options: those of its class.

    Raises:
        StudyError: unknown name or option.
    """
    Text("a name").read("activation.name", name)
    if target is None and name not in Activation.registry and isinstance(getattr(nn, name, None), type):
        return FromTorch(name, **options)
    kind = _class_of(name, target)
    options = options_of(kind).read("activation", options)
    if target is None:
        return kind(**options)
    try:
        return kind(**options)
    except StudyError:
        raise
    except Exception as error:
        raise StudyError(f"activation.target={target}: it cannot be made ({_reason(error)}).") from error


def softmax(z: Tensor, dim: int = -1) -> Tensor:
    """Probabilities e^z_i / sum_j e^z_j along `dim`, the same shape as z.

    The largest logit is subtracted first, which changes nothing but keeps every exponential in (0, 1].
    """
    exponentials = torch.exp(z - z.amax(dim, keepdim=True))
    return exponentials / exponentials.sum(dim, keepdim=True)


def _class_of(name: str, target: str | None) -> type[Activation]:
    if target is None:
        if name not in Activation.registry:
            raise StudyError(
                f"activation.name={name}: no such activation; choose one of {', '.join(names())}, "
                "or an elementwise class of torch.nn by its name."
            )
        return Activation.registry[name]
    module, _, attribute = Text("MODULE.CLASS").read("activation.target", target).rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # to import a module runs it
        raise StudyError(f"activation.target={target}: it cannot be imported ({_reason(error)}).") from None
    if not (isinstance(kind, type) and issubclass(kind, Activation)):
        raise StudyError(f"activation.target={target}: it is no subclass of activation_study.activations.Activation.")
    return kind


def _reason(error: Exception) -> str:
    return f"{error}".splitlines()[0].rstrip(".") if str(error) else type(error).__name__
