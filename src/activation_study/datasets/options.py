"""The keys of the group `dataset`: those that all sets share, and those that one alone has."""

from collections.abc import Mapping
from typing import Any

from activation_study.datasets.preprocessing import PREPROCESSINGS
from activation_study.datasets.sources import SOURCES
from activation_study.schema import group_of
from activation_study.schema.compounds import Group, Nullable
from activation_study.schema.kinds import Choice, Flag, Kind, Size, Url, Whole
from activation_study.schema.signatures import options_of

DERIVED = "folder"  # what runs call a folder of images: its name, whatever the user says
SHARED: dict[str, Kind] = {
    "valid_size": Size(),
    "train_limit": Nullable(Whole(1)),
    "split_seed": Whole(0, 2**32 - 1),
    "preprocessing": Choice(PREPROCESSINGS),
    "augment": Group({"padding": Whole(0, 1024), "flip": Flag()}),
    "mirror": Nullable(Url()),
}


def checked(config: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of a data set as they are used from here on; whether the data are there is not looked at.

    Raises:
        StudyError: unknown name or option, or a value that is not possible.
    """
    name, options = group_of(config, "dataset")
    own = own_options(name)
    shared = {key: kind for key, kind in SHARED.items() if key != "mirror" or "root" not in own.keys}
    whole = Group({**shared, **own.keys}, optional={"mirror", *own.optional}, whose=f"dataset={name}")
    return {"name": name, **whole.read("dataset", options)}


def own_options(name: str) -> Group:
    """The options that one set alone has."""
    Choice(SOURCES, "data set").read("dataset.name", name)
    found = options_of(SOURCES[name].read, skip=1)  # the first is data_dir
    kinds = {key: kind for key, kind in found.keys.items() if key != DERIVED}
    return Group(kinds, found.optional, whose=f"dataset={name}")
