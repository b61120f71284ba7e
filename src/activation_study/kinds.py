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
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from activation_study.errors import StudyError, missing, nearest, refuse, shown

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


@dataclass(frozen=True)
class Nullable(Kind):
    """A value of another kind, or null."""

    kind: Kind

    @property
    def text(self) -> str:
        """That of the other kind."""
        return f"{self.kind.text}, or null"

    def read(self, key: str, value: Any) -> Any:  # noqa: D102
        if value is None:
            return None
        if isinstance(self.kind, Number | Whole | Text) and not self.kind.holds(value):
            refuse(key, value, f"give {self.kind.instead_of(value)}, or null")
        return self.kind.read(key, value)


@dataclass(frozen=True)
class Items(Kind):
    """A list of values of one kind, none of them twice; one value is a list of it.

    Args:
        kind: that of each.
        example: such a list.
        empty: whether it may be empty.
        commas: whether a text names several, separated by commas: presets write those, as sweeps do.
    """

    kind: Kind
    example: str
    empty: bool = False
    commas: bool = False

    @property
    def text(self) -> str:
        """Such as `a number above 0, or a list such as [0.1,0.01]`."""
        return f"{self.kind.text}, or a list such as {self.example}"

    def read(self, key: str, value: Any) -> list[Any]:  # noqa: D102
        items = listed(value) if self.commas or not isinstance(value, str) else [value]
        if not (items or (self.empty and value == [])):
            refuse(key, value, f"give {self.text}")
        read = []
        for item in items:
            if not self.kind.holds(item):
                instead = self.kind.instead_of(item)
                refuse(key, *((value, f"give {self.text}") if instead == self.kind.text else (item, f"give {instead}")))
            read.append(self.kind.read(key, item))
        for index, item in enumerate(read):
            if item in read[:index]:
                refuse(key, value, f"{shown(item)} is there twice; give each once")
        return read


def listed(value: Any) -> list[Any]:
    """A list as it is, one value as a list of it, or what a comma list names: presets write those, as sweeps do."""
    if isinstance(value, str):
        return [int(item) if item.isascii() and item.isdigit() else item.strip() for item in value.split(",")]
    return value if isinstance(value, list) else [value]


class Seeds(Kind):
    """`5` means the seeds 0 to 4; a list holds them as they are."""

    text = "a number of seeds of at least 1, such as 5, or a list such as [0,1,2]"
    most = 1000  # of a number of seeds: a larger one is the one seed that somebody meant

    def read(self, key: str, value: Any) -> list[int]:  # noqa: D102
        if type(value) is int and value > self.most:
            one = f"; for the one seed {value} give {key}=[{value}]"
            refuse(key, value, f"that many seeds are more than {self.most}{one}")
        if type(value) is int and value >= 1:
            return list(range(value))
        if not isinstance(value, list) or not value or not all(type(seed) is int and seed >= 0 for seed in value):
            refuse(key, value, f"give {self.text}")
        if (largest := max(value)) > 2**63 - 1:
            refuse(key, value, f"{largest} is too large; give seeds from 0 to {2**63 - 1}")
        return Items(Whole(0, 2**63 - 1), "[0,1,2]").read(key, value)


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
            refuse(key, value, "there is no such folder; give one that is there")
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


class Named(Kind):
    """A group of keys whose `name` says what it is; the rest are the options of that, and read where it is made."""

    text = "a group of keys"

    def read(self, key: str, value: Any) -> dict[str, Any]:  # noqa: D102
        Group({}, others=True).read(key, value)
        if "name" not in value:
            missing(f"{key}.name")
        Text("a name").read(f"{key}.name", value["name"])
        return {str(name): child for name, child in value.items()}


@dataclass(frozen=True)
class Group(Kind):
    """Keys, each of a kind.

    Args:
        keys: the kind of each.
        optional: those that need not be there.
        whose: what has these options, where it can have others by another name.
        others: whether it may have further keys.
    """

    keys: Mapping[str, Kind]
    optional: Collection[str] = field(default=())
    whose: str = ""
    others: bool = False

    def read(self, key: str, value: Any) -> dict[str, Any]:
        """The values of all keys; `key` is that of the group, empty for the whole configuration."""
        if not isinstance(value, Mapping):
            refuse(key, value, f"this is a group of keys; give them as {key}.KEY=VALUE")
        prefix = f"{key}." if key else ""
        for name in self.keys:
            if name not in value and name not in self.optional:
                missing(f"{prefix}{name}")
        for name, child in value.items():
            if name not in self.keys and not self.others:
                self._refuse_unknown(prefix, name, child)
        return {
            str(name): self.keys.get(name, Anything()).read(f"{prefix}{name}", child) for name, child in value.items()
        }

    def _refuse_unknown(self, prefix: str, name: object, child: object) -> NoReturn:
        if self.whose:
            choices = f"{self.whose} has no such option; its options: {', '.join(self.keys) or 'none'}"
            refuse(f"{prefix}{name}", child, choices)
        refuse(f"{prefix}{name}", child, f"no such key; {nearest(f'{prefix}{name}', self.names(prefix))}")

    def names(self, prefix: str = "") -> list[str]:
        """All its keys in full, and those of the groups in it."""
        found = []
        for name, kind in self.keys.items():
            found += [f"{prefix}{name}", *(kind.names(f"{prefix}{name}.") if isinstance(kind, Group) else [])]
        return found
