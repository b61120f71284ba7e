"""Which runs can be compared with each other."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from activation_study.names import path_part, shortened
from activation_study.runs.folder import Run
from activation_study.runs.identity import comparable_hash, names

READABLE = 60  # bytes of a name


def comparable(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs in groups that differ in activation, depth and replicas alone, each with a readable name.

    The name is data set and network; groups that share it are told apart by the settings in which they differ. It may
    be that of a folder: what is longer than READABLE ends in a hash.
    """
    runs = list(runs)
    configs = {run.config["hash"]: run.config["config"] for run in runs}  # many runs share theirs
    hashes = {key: comparable_hash(config) for key, config in configs.items()}
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[hashes[run.config["hash"]]].append(run)
    flat = {key: _flat(group[0].config["config"]) for key, group in groups.items()}
    named: dict[str, list[Run]] = {}
    for key, group in groups.items():
        mine = flat[key]
        name = "-".join(names(group[0].config["config"]))
        twins = [other for other in flat.values() if all(other[k] == mine[k] for k in ("dataset.name", "model.name"))]
        for setting, value in mine.items():
            if any(other.get(setting) != value for other in twins):
                name += f"-{setting.rsplit('.')[-1]}={_plain(value)}"
        named[path_part(shortened(name, READABLE))] = group
    return named


def _plain(value: object) -> str:
    """A value as a part of a name: lists and mappings without their brackets, quotation marks and spaces."""
    return re.sub(r"[^\w.+-]+", "_", str(value)).strip("_")


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as `group.key: value`, without what comparable runs may differ in."""
    return {
        f"{group}.{key}": value
        for group, values in config.items()
        if group != "activation"
        for key, value in values.items()
        if (group, key) != ("model", "depth")
    }
