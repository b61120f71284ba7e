"""What a value may be: one kind for each sort of value, and one sentence for a value that is not of its kind.

The mechanism is the study's own because half of the keys are options of activations, networks, rules of initialization
and optimizers, the user's own among them, and stand nowhere but in the signatures that take them (see `signatures`).
pydantic would want a model made from each signature and every error rewritten as a sentence; omegaconf's structured
configs and hydra-zen know types but no ranges, and take `no`, `off` and 2 for booleans. What is needed fits here, needs
no torch, and is read by `schema`, which has every key of every command.
"""

import os
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activation_study.errors import refuse, shown

LARGEST = 3.4028234663852886e38  # of float32, in which networks are trained
NAME_BYTES = 255  # of a file's name


class Kind:
    """What a value must be."""

    @property
    def text(self) -> str:
        """What to give, as it stands in the sentence."""
        return "a value"

    def read(self, key: str, value: Any) -> Any:
        """The value as it is used from here on.

        Raises:
            StudyError: it is not of this kind.
        """
        if not self.holds(value):
            refuse(key, value, f"give {self.instead_of(value)}")
        return value

    def holds(self, value: Any) -> bool:
        """Whether the value is of this kind."""
        return True

    def instead_of(self, value: Any) -> str:
        """What to give instead of a value."""
        return self.text


@dataclass(frozen=True)
class Number(Kind):
    """A finite number within limits, both as it is given and as float32 keeps it: 1e-50 is not above 0."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def text(self) -> str:
        """Such as `a number from 0 to 1`."""
        if self.at_least is not None and self.at_most is not None:
            return f"a number from {self.at_least:g} to {self.at_most:g}"
        limits = {"of at least": self.at_least, "of at most": self.at_most, "above": self.above, "below": self.below}
        told = " and ".join(f"{limit} {value:g}" for limit, value in limits.items() if value is not None)
        return f"a number {told}".strip()

    def holds(self, value: Any) -> bool:  # noqa: D102
        if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
            return False
        return all(self._is_within(each) for each in (value, struct.unpack("f", struct.pack("f", value))[0]))

    def _is_within(self, value: float) -> bool:
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number within limits."""

    at_least: int = 0
    at_most: int = 2**31 - 1

    @property
    def text(self) -> str:
        """Such as `a whole number of at least 1`."""
        return f"a whole number of at least {self.at_least}"

    def holds(self, value: Any) -> bool:  # noqa: D102
        return type(value) is int and self.at_least <= value <= self.at_most

    def instead_of(self, value: Any) -> str:  # noqa: D102
        is_too_large = type(value) is int and value > self.at_most
        return f"a whole number from {self.at_least} to {self.at_most}" if is_too_large else self.text


@dataclass(frozen=True)
class EveryFew(Kind):
    """Every so-many-th whole number, from the first one on, up to 10,000."""

    step: int
    first: int

    @property
    def text(self) -> str:
        """Such as `one of 7, 13, 19, ...`."""
        return f"one of {', '.join(str(self.first + count * self.step) for count in range(3))}, ..."

    def holds(self, value: Any) -> bool:  # noqa: D102
        return type(value) is int and self.first <= value <= 10_000 and (value - self.first) % self.step == 0


class Flag(Kind):
    """A boolean; words such as `no` and `off`, which Hydra leaves as they are, would be true as texts."""

    text = "true or false"

    def holds(self, value: Any) -> bool:  # noqa: D102
        return isinstance(value, bool)


@dataclass(frozen=True)
class Text(Kind):
    """A text that is not blank."""

    what: str = "a text"

    @property
    def text(self) -> str:
        """What it is."""
        return self.what

    def holds(self, value: Any) -> bool:  # noqa: D102
        return isinstance(value, str) and bool(value.strip())


@dataclass(frozen=True)
class Choice(Kind):
    """One of several.

    Args:
        choices: them, or a function that gives them where to have them imports much.
        what: what is chosen.
        note: what else to say.
    """

    choices: Iterable[Any] | Callable[[], Iterable[Any]]
    what: str = "choice"
    note: str = ""

    @property
    def text(self) -> str:
        """All of them."""
        choices = self.choices() if callable(self.choices) else self.choices
        return f"one of {', '.join(map(shown, choices))}"

    def read(self, key: str, value: Any) -> Any:  # noqa: D102
        choices = self.choices() if callable(self.choices) else self.choices
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            refuse(key, value, f"no such {self.what}; choose {self.text}{self.note}")
        return value


class Device(Kind):
    """A place to train on."""

    text = "auto, cpu, cuda or cuda:N"

    def holds(self, value: Any) -> bool:  # noqa: D102
        return isinstance(value, str) and re.fullmatch(r"auto|cpu|(cuda|mps|xpu)(:\d{1,3})?", value) is not None


class Url(Kind):
    """Where files are fetched from."""

    text = "a base URL that begins with https://, http:// or file://"

    def holds(self, value: Any) -> bool:  # noqa: D102
        return isinstance(value, str) and re.match(r"(https?|file)://.", value) is not None


class Size(Kind):
    """A number of images, or a share of them."""

    text = "a whole number of images of at least 0, or a share between 0 and 1"

    def holds(self, value: Any) -> bool:  # noqa: D102
        return Whole().holds(value) or (type(value) is float and Number(above=0, below=1).holds(value))


@dataclass(frozen=True)
class PathTo(Kind):
    """A path of the user's, in which `~` is the home directory.

    Args:
        what: what it leads to.
        is_there: whether there must be a folder.
        is_written: whether one must be there, or it must be possible to make one.
    """

    what: str = "a folder"
    is_there: bool = False
    is_written: bool = False

    @property
    def text(self) -> str:
        """What it leads to."""
        return self.what

    def read(self, key: str, value: Any) -> str:  # noqa: D102
        value = os.fspath(value) if isinstance(value, os.PathLike) else value
        if isinstance(value, bool | int | float):
            refuse(key, value, f"this is no text to Hydra; for {self.what} of that name give {key}=./{shown(value)}")
        if not isinstance(value, str) or not value.strip():
            refuse(key, value, f"give {self.what}, as {key}=PATH")
        path = os.path.expanduser(value)
        if path.startswith("~"):
            refuse(key, value, f"there is no such user; give {self.what}, or ./{shown(value)} for one of that name")
        if not _is_possible(path):
            refuse(key, value, f"no file can have such a name; give {self.what} with another")
        if self.is_there and not os.path.isdir(path):
            refuse(key, value, "this is no folder; give one that is there")
        if self.is_written:
            place = next(parent for parent in (Path(path), *Path(path).parents) if os.path.exists(parent))
            if not place.is_dir():
                refuse(key, value, f"{place} is a file; choose another folder")
            if not os.access(place, os.W_OK | os.X_OK):
                refuse(key, value, f"{place} cannot be written; choose another folder")
        return path


def _is_possible(path: str) -> bool:
    try:
        return "\0" not in path and all(len(os.fsencode(part)) <= NAME_BYTES for part in path.split(os.sep))
    except UnicodeEncodeError:
        return False


class Anything(Kind):
    """A value of which nothing is known, such as what presets keep for their own use."""
