"""Variants: what a comparison compares, each called by what differs among them and by nothing more."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from activation_study.comparison import selection
from activation_study.names import printable
from activation_study.runs.identity import ADDED, SCIENTIFIC, defaults, label, option, scientific

if TYPE_CHECKING:
    from activation_study.runs import Tables

WORDS = {"model": "network", "init": "initialization", "train": "training"}  # what texts call these groups
RATE = "learning_rate"
NAMES = ("name", "network", "folder")  # options that are the name of a choice
DEFAULT = "default"  # what a choice or the value of an option is called that is not given


def labels(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What variants are called: the names or options in which they differ, or their activation where nothing does.

    Such as "he" and "xavier", "momentum=0" and "momentum=0.9", "relu, he" and "elu, xavier".

    Args:
        configs: settings of the variants, or the configurations that their runs keep. Depths may differ, and have no
            place in the labels; where a learning rate is given, it does.
    """
    found = differing(configs)
    if not found:
        return [label(config["activation"]) for config in configs]
    return [", ".join(names) for names in zip(*found.values(), strict=True)]


def differing(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The groups in which configurations differ, and in each of them what every configuration is called."""
    return {
        key: _called(key, choices)
        for key, choices in _by_group(configs).items()
        if any(choice != choices[0] for choice in choices)
    }


def shared(configs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The choices that all configurations have alike, by group; depth is none."""
    return {
        key: {name: value for name, value in first.items() if all(name in o and o[name] == value for o in others)}
        for key, (first, *others) in _by_group(configs).items()
    }


def kind(table: pd.DataFrame) -> str:
    """What the rows of a table are compared by: "activation", where activations alone differ, or "variant"."""
    pairs = table[["variant", "activation"]].drop_duplicates()
    return "activation" if (pairs["variant"] == pairs["activation"]).all() else "variant"


def quoted(label: str) -> str:
    """A label in a list of several: one that has a comma itself stands between quotation marks."""
    return f'"{label}"' if ", " in label else label


def labelled(tables: "Tables", variant: str) -> "Tables":
    """Tables that are all of one variant."""
    return tables._replace(metrics=tables.metrics.assign(variant=variant), layers=tables.layers.assign(variant=variant))


def by_what_differs(*parts: "Tables") -> "Tables":
    """Tables joined, and their column `variant` by what differs among all their runs, whatever that is.

    Learning rates count as different where one configuration has several: where each has its own, as after tuning,
    they tell nothing apart. Depth stays in its own column.

    Args:
        parts: tables as `runs.read` gives them.
    """
    tables = selection.joined(parts)
    if tables.metrics.empty:
        return tables
    runs = {run.name: run.config for run in tables.runs}
    replicas = list(tables.metrics[["run", "learning_rate"]].drop_duplicates().itertuples(index=False, name=None))
    rates = {(runs[name]["hash"], rate) for name, rate in replicas}
    has_several = len(rates) > len({configuration for configuration, _ in rates})
    configs = [runs[name]["config"] | ({RATE: [rate]} if has_several else {}) for name, rate in replicas]
    called = dict(zip(replicas, labels(configs), strict=True))

    def of(table: pd.DataFrame) -> pd.DataFrame:
        if table.empty:
            return table
        return table.assign(variant=pd.MultiIndex.from_frame(table[["run", "learning_rate"]]).map(called))

    return tables._replace(metrics=of(tables.metrics), layers=of(tables.layers))


def _by_group(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The choices of every configuration in each group; the learning rate is a group of its own."""
    plain = [scientific(dict(config)) for config in configs]  # a choice that was added later is there where it is made
    found = {group: [_flat(group, config.get(group, {})) for config in plain] for group in SCIENTIFIC}
    return found | {RATE: [{RATE: config.get(RATE)} for config in configs]}


def _called(group: str, choices: Sequence[dict[str, Any]]) -> list[str]:
    """What each choice of a group is called beside the others."""
    if group == "activation":
        return [label(choice) for choice in choices]
    if group == RATE:
        return [f"learning rate {', '.join(f'{rate:.9g}' for rate in choice[RATE])}" for choice in choices]
    absent = ADDED.get(group, {})
    names = [_name(absent | choice) for choice in choices]
    values = {
        key: [choice.get(key, absent.get(key, DEFAULT)) for choice in choices]
        for key in dict.fromkeys(key for choice in choices for key in choice if key not in NAMES)
    }
    keys = [key for key, given in values.items() if any(value != given[0] for value in given)]
    if len(set(names)) == 1:
        return [", ".join(option(key, values[key][i]) for key in keys) for i in range(len(choices))]
    return [_with_options(group, name, choice, keys) for name, choice in zip(names, choices, strict=True)]


def _with_options(group: str, name: str, options: dict[str, Any], keys: Iterable[str]) -> str:
    """A choice by its name, and behind it those of the options that are not the default ones."""
    usual = _flat(group, defaults(group, str(options.get("name"))))
    changed = [
        option(key, options[key])
        for key in keys
        if key in options and key != "source" and options[key] != usual.get(key, DEFAULT)
    ]
    return f"{name}({', '.join(changed)})" if changed else name


def _name(options: Mapping[str, Any]) -> str:
    """The name of a choice; that of what is the user's own is `network` or `folder`."""
    return printable(str(options.get("network") or options.get("folder") or options.get("name", DEFAULT)))


def _flat(group: str, choice: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The options of a group, those of groups in it as `group.key`, without depth."""
    found: dict[str, Any] = {}
    for key, value in choice.items():
        if isinstance(value, Mapping):
            found |= _flat("", value, f"{prefix}{key}.")
        elif (group, key) != ("model", "depth"):
            found[f"{prefix}{key}"] = value
    return found
