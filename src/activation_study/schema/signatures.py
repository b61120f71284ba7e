"""What a function or class takes, as kinds: the options of activations, networks and whatever else is made by name.

    def __init__(self, alpha: Annotated[float, Number(above=0)] = 1.0) -> None: ...

A signature without `Annotated` is as good: its types are checked, or those of its defaults.
"""

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, Literal

from activation_study.schema.compounds import Group, Nullable
from activation_study.schema.kinds import Anything, Choice, Flag, Kind, Number, Text, Whole


def options_of(function: Callable[..., Any], skip: int = 0, whose: str = "", **known: Kind) -> Group:
    """The options that a function or class takes, as a group of keys.

    Args:
        function: it.
        skip: how many of its first parameters are no options.
        whose: what to call it.
        known: kinds of options that are known by their names, where the signature says nothing of them.
    """
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    called = function.__init__ if inspect.isclass(function) else function
    try:
        hints = typing.get_type_hints(called, include_extras=True)
    except Exception:  # annotations of the user's that cannot be evaluated say nothing
        hints = {}
    kinds = {p.name: _kind_of(hints.get(p.name)) or known.get(p.name) or _kind_like(p.default) for p in named}
    optional = {p.name for p in named if p.default is not p.empty}
    return Group(kinds, optional, whose)


SIMPLE: dict[Any, Kind] = {bool: Flag(), int: Whole(-(2**63), 2**63 - 1), float: Number(), str: Text()}


def _kind_of(hint: Any) -> Kind | None:
    """The kind that an annotation asks for; None where it says nothing."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return next((each for each in arguments if isinstance(each, Kind)), None) or _kind_of(arguments[0])
    if origin is Literal:
        return Choice(arguments)
    if origin in (typing.Union, types.UnionType) and type(None) in arguments:
        (first, *more) = (each for each in arguments if each is not type(None))
        kind = _kind_of(first)
        return Nullable(kind) if kind and not more else None
    return SIMPLE.get(hint)


def _kind_like(default: object) -> Kind:
    """What a default without an annotation tells: a number may be whole by chance, null may stand for anything."""
    return SIMPLE.get(float if type(default) is int else type(default), Anything())
