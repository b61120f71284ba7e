"""A folder of images as a set: one sub-folder per class, in the order of their names.

    flowers/rose/1.jpg, flowers/tulip/2.png, ...              a part of every class is drawn for the test split
    flowers/train/rose/1.jpg, flowers/test/rose/2.jpg, ...    these are the splits; there may be a val/ as well

An image that is not square loses its longer ends: the shorter side becomes `size` pixels, the middle is kept.
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import torch

from activation_study.datasets.arrays import Arrays
from activation_study.datasets.decoding import decode
from activation_study.datasets.listing import LeftOut, class_names, list_images, split_folders
from activation_study.errors import StudyError
from activation_study.schema.kinds import Choice, Number, PathTo, Whole

TEST_SEED = 0  # of the test split


def read_image_folder(
    data_dir: Path,
    root: Annotated[Path | str, PathTo("a folder of images", is_there=True)],
    folder: str | None = None,
    size: Annotated[int, Whole(1, 4096)] = 32,
    channels: Annotated[int, Choice((3, 1))] = 3,
    test_share: Annotated[float, Number(above=0, below=1)] = 0.2,
) -> Arrays:
    """The images of a folder, in the order of classes and file names, brought to one size and number of channels.

    Images are turned upright as their EXIF notes say, transparent parts lie on white, and of several pictures in a file
    the first is taken. What is hidden is passed over, links are followed, and whatever is left out is counted and named
    on stderr.

    Args:
        data_dir: not used: the folder has a path of its own.
        root: the folder that holds a folder for every class, or folders such as `train`, `val` and `test` with those.
        folder: what runs call it; not used here.
        size: height and width in pixels that every image is resized to, with antialiasing.
        channels: 3 for RGB, 1 for grey.
        test_share: of every class, drawn from the training images where there is no `test` folder.

    Raises:
        StudyError: the folder is not as described, cannot be read, or has too few images of a class.
    """
    left_out = LeftOut(Path(str(root)).expanduser())
    try:
        parts = split_folders(left_out.root, left_out)
        names = class_names(parts, left_out)
        listed = list_images(parts, names, left_out)
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(f"dataset.root={root} cannot be read: {reason} ({error.filename}); choose a folder") from error
    left_out.say()
    images, readable = decode([one.path for one in listed], size, channels)
    labels = np.array([one.label for one in listed], dtype=np.int64)[readable]
    splits = np.array([one.split for one in listed], dtype=object)[readable]
    _refuse_small_classes(names, labels, splits, parts, root)
    if "test" not in parts:
        train = np.flatnonzero(splits == "train")
        splits[train[_drawn_for_test(labels[train], test_share)]] = "test"
    if "valid" in parts:
        _say_splits(parts, root, test_share)

    def part(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(images[splits == split]), torch.from_numpy(labels[splits == split])

    return Arrays(*part("train"), *part("test"), valid=part("valid") if "valid" in parts else None)


def _drawn_for_test(labels: np.ndarray, share: float) -> np.ndarray:
    """Which images are drawn for the test split, (n,) bool: a share of every class, at least one of it and not all."""
    stream = np.random.RandomState(TEST_SEED)  # its draws are the same in every version of numpy
    in_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        images = stream.permutation(np.flatnonzero(labels == label))
        in_test[images[: min(max(1, round(share * len(images))), len(images) - 1)]] = True
    return in_test


def _say_splits(parts: dict[str, Path], root: Path | str | None, test_share: float) -> None:
    """Says on stderr where the splits come from, where that is not what the options say."""
    text = f"{parts['valid'].name}/ is the validation split, and dataset.valid_size is not used"
    if "test" not in parts:
        share = f"a share of {test_share:g} of every class in {parts['train'].name}/"
        text += f"; there is no test/: {share} is the test split"
    print(f"note: dataset.root={root}: {text}.", file=sys.stderr)


def _refuse_small_classes(
    names: list[str], labels: np.ndarray, splits: np.ndarray, parts: dict[str, Path], root: Path | str | None
) -> None:
    """Refuses a class that has no image in a split, counting those that are to be drawn."""
    least = {split: 2 if split == "train" and "test" not in parts else 1 for split in parts}
    counts = {split: np.bincount(labels[splits == split], minlength=len(names)) for split in parts}
    for label, name in enumerate(names):
        if any(counts[split][label] < least[split] for split in parts):
            where = [f" in {path.name}/" if len(parts) > 1 else "" for path in parts.values()]
            numbers, needed = (
                " and ".join(f"{number}{place}" for number, place in zip(numbers, where, strict=True))
                for numbers in ([counts[split][label] for split in parts], least.values())
            )
            raise StudyError(
                f"dataset.root={root} has too few images of the class {name} that can be read, {numbers}; "
                f"give it at least {'1 in each' if set(least.values()) == {1} else needed}"
            )
