"""What lies in a folder of images: its splits, its classes, its images, and what is passed over.

Links are followed, but not back into a folder that they lie in. Nothing is left out in silence: `LeftOut` counts and
names it.
"""

import functools
import itertools
import mimetypes
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from activation_study.errors import StudyError

# What the names of split folders mean, in any case.
SPLITS = {"train": "train", "training": "train", "val": "valid", "valid": "valid", "validation": "valid",
          "test": "test", "testing": "test"}  # fmt: skip
# Left behind by systems and programs, as are names that begin with a dot.
LITTER = {"__MACOSX", "__pycache__", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information"}
# Kinds of images that Pillow cannot read and `mimetypes` may not know.
MORE_KINDS = {".arw", ".avif", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".jxl", ".nef", ".orf", ".raw", ".rw2", ".svg"}

HIDDEN = "hidden files or folders are passed over"
BROKEN = "links lead nowhere and are left out"
CIRCLES = "links lead back into a folder that they lie in and are not followed"
UNKNOWN = "images of kinds that cannot be read here are left out"
OTHER = "other files are no images and are passed over"
STRAY = "images lie in no folder of a class and are left out"
BESIDE = "files or folders beside the splits are passed over"
TWICE = "images are reached a second time, through links, and count once"
TWO_CLASSES = "images are in two classes, through links"


class Listed(NamedTuple):
    """An image of a folder: its file, the number of its class, its split (train, valid or test)."""

    path: Path
    label: int
    split: str


class LeftOut:
    """What of a folder is not read, by kind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: dict[str, dict[Path, None]] = {}

    def add(self, kind: str, path: Path) -> None:
        """Notes a file or folder, each once."""
        self.paths.setdefault(kind, {})[path] = None

    def say(self) -> None:
        """Prints one line per kind on stderr."""
        for kind, paths in self.paths.items():
            suffixes = Counter(path.suffix.lower() or "without suffix" for path in paths)
            counts = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(5))
            numbers = f" ({counts})" if kind in (UNKNOWN, OTHER) else ""
            few = ", ".join(str(path.relative_to(self.root)) for path in itertools.islice(paths, 3))
            print(f"warning: dataset.root={self.root}: {len(paths)} {kind}{numbers}: {few}"
                  f"{', ...' if len(paths) > 3 else ''}.", file=sys.stderr)  # fmt: skip


def visible(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    """What lies in a folder, by name, without what is hidden, leads nowhere or leads back."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in LITTER:
            left_out.add(HIDDEN, path)
        elif not path.exists():
            left_out.add(BROKEN, path)
        elif path.is_symlink() and path.is_dir() and _leads_back(path, left_out.root):
            left_out.add(CIRCLES, path)
        else:
            yield path


def _leads_back(link: Path, root: Path) -> bool:
    """Whether a link leads to a folder that holds one of those, up to the root, through which it was reached."""
    target = os.path.join(os.path.realpath(link), "")
    inside = itertools.takewhile(lambda folder: folder != root.parent, link.parents)
    return any(os.path.join(os.path.realpath(folder), "").startswith(target) for folder in inside)


def folders_in(folder: Path, left_out: LeftOut) -> list[str]:
    """The names of the folders in a folder, sorted."""
    return [path.name for path in visible(folder, left_out) if path.is_dir()]


def split_folders(root: Path, left_out: LeftOut) -> dict[str, Path]:
    """The folders that hold folders of classes, by split; the root alone, as `train`, where it has no split folders.

    Raises:
        StudyError: the root is no folder, two folders mean the same split, or one that is needed is missing.
    """
    if not root.is_dir():
        raise StudyError(f"dataset.root={root} is no folder; give the folder that holds a folder for every class")
    children = list(visible(root, left_out))
    named = [path for path in children if path.name.lower() in SPLITS and path.is_dir()]
    holding = [path for path in named if folders_in(path, left_out)]
    if not holding:
        return {"train": root}  # a class may be called train; then its folder holds images
    parts: dict[str, Path] = {}
    for path in named:
        if path not in holding:
            raise StudyError(
                f"dataset.root={root} has {path.name}/ without folders of classes beside {holding[0].name}/ with them; "
                "give it a folder for every class, or move it away"
            )
        if twin := parts.get(SPLITS[path.name.lower()]):
            raise StudyError(f"dataset.root={root} has {twin.name}/ and {path.name}/ for the same split; keep one")
        parts[SPLITS[path.name.lower()]] = path
    if len(parts) == 1:
        (only,) = parts.values()
        raise StudyError(
            f"dataset.root={root} holds only {only.name}/ of train/ and test/ with folders of classes; "
            f"add the other, or give dataset.root={only} to have a test split drawn"
        )
    if "train" not in parts:
        both = " and ".join(f"{path.name}/" for path in parts.values())
        raise StudyError(f"dataset.root={root} holds {both} but no train/; add it, with a folder for every class")
    for path in children:
        if path not in holding:
            left_out.add(BESIDE, path)
    return {split: parts[split] for split in ("train", "valid", "test") if split in parts}


def class_names(parts: dict[str, Path], left_out: LeftOut) -> list[str]:
    """The classes, which every split must have.

    Raises:
        StudyError: there are fewer than 2, the splits have not the same, or they hold the same folders themselves.
    """
    root, train = left_out.root, parts["train"]
    names = folders_in(train, left_out)
    for part in parts.values():
        if differing := sorted(set(names) ^ set(folders_in(part, left_out))):
            raise StudyError(
                f"dataset.root={root} has not the same classes in {train.name}/ and {part.name}/: "
                f"{', '.join(differing)} {'is' if len(differing) == 1 else 'are'} in one of them only; "
                "give both a folder for every class"
            )
        _refuse_folds(part, names, left_out)
    if len(names) < 2:
        found = f"one folder only, {names[0]}" if names else "no folders"
        raise StudyError(f"dataset.root={root} holds {found}; give it a folder for every class, at least 2")
    return names


def _refuse_folds(part: Path, names: list[str], left_out: LeftOut) -> None:
    """Refuses "classes" such as fold1/ and fold2/ that both hold cat/ and dog/."""
    inside = {name: set(folders_in(part / name, left_out)) for name in names}
    several = [name for name, folders in inside.items() if len(folders) > 1]
    for one, other in itertools.combinations(several, 2):
        if len(shared := sorted(inside[one] & inside[other])) > 1:
            raise StudyError(
                f"dataset.root={part} holds {one}/ and {other}/, which both hold {', '.join(shared[:4])}: they are no "
                f"classes, or these are none; give dataset.root={part / one}, or a folder for every class"
            )


def list_images(parts: dict[str, Path], names: list[str], left_out: LeftOut) -> list[Listed]:
    """All images, however deep in the folders of their classes, in the order of splits, classes and paths.

    Where links lead to an image twice in a class, it counts once: where it lies itself, else in the later split.
    """
    found = [
        Listed(path, label, split)
        for split, part in parts.items()
        for label, name in enumerate(names)
        for path in _images_in(part / name, left_out)
    ]
    for part in parts.values():
        for path in visible(part, left_out):
            if not path.is_dir():
                left_out.add(STRAY if path.suffix.lower() in suffixes() else OTHER, path)
    real = {one: os.path.realpath(one.path) for one in found}
    owners: dict[str, Listed] = {}
    twice = set()
    for one in sorted(reversed(found), key=lambda one: real[one] != os.path.abspath(one.path)):
        owner = owners.setdefault(real[one], one)
        if owner.label != one.label:
            left_out.add(TWO_CLASSES, one.path)
        elif owner is not one:
            left_out.add(TWICE, one.path)
            twice.add(one)
    return [one for one in found if one not in twice]


def _images_in(folder: Path, left_out: LeftOut) -> list[Path]:
    images, folders = [], [folder]
    while folders:
        for path in visible(folders.pop(), left_out):
            if path.is_dir():
                folders.append(path)
            elif path.is_file() and path.suffix.lower() in suffixes():
                images.append(path)
            else:
                left_out.add(UNKNOWN if _looks_like_an_image(path) else OTHER, path)
    return sorted(images)


@functools.cache
def suffixes() -> frozenset[str]:
    """Those of all kinds of images that Pillow reads, such as `.jfif`."""
    from PIL import Image

    Image.init()
    readable = {*Image.OPEN, "MPO"}  # two JPEG images in one file, which the reader of JPEG opens
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in readable)


def _looks_like_an_image(path: Path) -> bool:
    kind, _ = mimetypes.guess_type(path.name)
    return (kind or "").startswith("image/") or path.suffix.lower() in MORE_KINDS
