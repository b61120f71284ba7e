"""Kinds that are made of others: a value or null, lists, seeds, and groups of keys."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from activation_study.errors import missing, nearest, refuse, shown
from activation_study.schema.kinds import Anything, Kind, Number, Text, Whole


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
    """A list of values of one kind; one value is a list of it.

    Args:
        kind: that of each.
        example: such a list.
        empty: whether it may be empty.
        commas: whether a text names several, separated by commas: presets write those, as sweeps do.
        twice: whether it may hold a value twice.
    """

    kind: Kind
    example: str
    empty: bool = False
    commas: bool = False
    twice: bool = False

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
            if item in read[:index] and not self.twice:
                refuse(key, value, f"{shown(item)} is there twice; give each once")
        return read


@dataclass(frozen=True)
class Table(Kind):
    """Values of one kind by keys of another.

    Args:
        keys: the kind of each key.
        values: that of each value.
        example: such a table.
    """

    keys: Kind
    values: Kind
    example: str

    @property
    def text(self) -> str:
        """Such as `{1: 0.001}`."""
        return f"a table such as {self.example}"

    def read(self, key: str, value: Any) -> dict[Any, Any]:  # noqa: D102
        if not isinstance(value, Mapping):
            refuse(key, value, f"give {self.text}")
        for each in value:
            if not self.keys.holds(each):
                refuse(key, value, f"{shown(each)} is no key of it; give {self.keys.text}")
            self.keys.read(key, each)
        return {each: self.values.read(f"{key}.{each}", child) for each, child in value.items()}


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
                missing(f"{prefix}{name}", self.whose)
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
