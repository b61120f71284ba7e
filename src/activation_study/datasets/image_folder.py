"""A folder of images as a set: a sub-folder a class, in the order of their names.

    flowers/rose/1.jpg, flowers/tulip/2.png, ...              a part of every class is drawn for the test split
    flowers/train/rose/1.jpg, flowers/test/rose/2.jpg, ...    these are the splits

An image that is not square loses its longer ends: the shorter side becomes `size` pixels, the middle is kept.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from activation_study.datasets.arrays import Arrays
from activation_study.errors import StudyError
from activation_study.progress import progress

# Other files, such as notes and labels, are no images and are passed over.
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TEST_SEED = 0  # of the test split


def read_image_folder(
    data_dir: Path,
    root: Path | str | None = None,
    folder: str | None = None,
    size: int = 32,
    channels: int = 3,
    test_share: float = 0.2,
) -> Arrays:
    """Read a folder of images, each brought to one size and one number of channels.

    Images that cannot be read are named on stderr and left out.

    Args:
        data_dir: Not used: the folder has a path of its own.
        root: The folder that holds a folder for every class, or `train` and `test` with those.
        folder: What runs call it; not used here.
        size: Height and width in pixels that every image is resized to, with antialiasing.
        channels: 3 for RGB, 1 for grey.
        test_share: Share of every class that is drawn for the test split where there is no `test` folder.

    Returns:
        The images, in the order of classes and file names.

    Raises:
        StudyError: If an option makes no sense, the folder is not as described, or a class has too few images.
    """
    check_options(root, size, channels, test_share)
    try:
        parts = split_folders(Path(str(root)).expanduser())
        names = class_names(parts, root)
        paths, labels, in_test = list_images(parts, names)
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(f"dataset.root={root} cannot be read: {reason} ({error.filename}); choose a folder") from error
    images, readable = decode(paths, size, channels)
    labels, in_test = labels[readable], in_test[readable]
    if len(parts) == 1:
        in_test = draw_test(labels, test_share)
    check_counts(names, labels, in_test, root, drawn=len(parts) == 1)
    test, all_images, all_labels = map(torch.from_numpy, (in_test, images, labels))
    return Arrays(all_images[~test], all_labels[~test], all_images[test], all_labels[test])


def check_options(root: Path | str | None, size: int, channels: int, test_share: float) -> None:
    """Raise a StudyError for an option that makes no sense."""
    if root is None:
        raise StudyError("dataset.root is not given; give the folder of images as dataset.root=FOLDER")
    if type(size) is not int or size < 1:
        raise StudyError(f"dataset.size={size} is not possible; choose a whole number of pixels of at least 1")
    if channels not in (1, 3) or type(channels) is not int:
        raise StudyError(f"dataset.channels={channels} is not possible; choose 3 (RGB) or 1 (grey)")
    if type(test_share) is not float or not 0 < test_share < 1:
        raise StudyError(f"dataset.test_share={test_share} is not possible; choose a share between 0 and 1")


def split_folders(root: Path) -> list[Path]:
    """The folders that hold folders of classes: `train` and `test`, or the root itself.

    Raises:
        StudyError: If the root is no folder, or has only one of the two.
    """
    if not root.is_dir():
        raise StudyError(f"dataset.root={root} is no folder; give the folder that holds a folder for every class")
    # A class may be called train; then its folder holds images.
    found = [root / name for name in ("train", "test") if (root / name).is_dir() and folders_in(root / name)]
    if len(found) == 1:
        raise StudyError(
            f"dataset.root={root} holds only {found[0].name}/ of train/ and test/ with folders of classes; "
            f"add the other, or give dataset.root={found[0]} to have a test split drawn"
        )
    return found or [root]


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted; hidden ones such as .ipynb_checkpoints are passed over."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def class_names(parts: list[Path], root: Path | str | None) -> list[str]:
    """The classes, which every split must have.

    Raises:
        StudyError: If there are fewer than 2, or the splits have not the same.
    """
    names = folders_in(parts[0])
    if differing := sorted(set(names) ^ set(folders_in(parts[-1]))):
        raise StudyError(
            f"dataset.root={root} has not the same classes in train/ and test/: {', '.join(differing)} "
            f"{'is' if len(differing) == 1 else 'are'} in one of them only; give both a folder for every class"
        )
    if len(names) < 2:
        found = f"one folder only, {names[0]}" if names else "no folders"
        raise StudyError(f"dataset.root={root} holds {found}; give it a folder for every class, at least 2")
    return names


def list_images(parts: list[Path], names: list[str]) -> tuple[list[Path], np.ndarray, np.ndarray]:
    """The paths of all images, however deep in the folders of their classes; their labels; whether they are in test."""
    listed = [
        (path, label, part)
        for part, folder in enumerate(parts)
        for label, name in enumerate(names)
        for path in sorted((folder / name).rglob("*"))
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    labels = np.array([label for _, label, _ in listed], dtype=np.int64)
    return [path for path, _, _ in listed], labels, np.array([part == 1 for _, _, part in listed], dtype=bool)


def decode(paths: list[Path], size: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Decode images, several at a time.

    Args:
        paths: The files.
        size: Height and width to bring them to.
        channels: 3 or 1.

    Returns:
        The pixels of those that can be read, (n, channels, size, size) uint8, and which of all can be, (len(paths),).
    """
    from PIL import Image

    Image.init()  # the first image of a rarer format would do it, but not safely in several threads at once
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(partial(read_image, size=size, channels=channels), paths)
        results = list(progress(decoded, total=len(paths), desc="images", unit="image", may_be_silent=True))
    faults = {path: result for path, result in zip(paths, results, strict=True) if isinstance(result, str)}
    for path, fault in faults.items():
        print(f"warning: {path}: it cannot be read as an image ({fault}).", file=sys.stderr)
    if faults:
        print(f"warning: {len(faults)} of {len(paths)} images cannot be read and are left out.", file=sys.stderr)
    pixels = [result for result in results if not isinstance(result, str)]
    readable = np.array([path not in faults for path in paths], dtype=bool)
    return np.array(pixels, dtype=np.uint8).reshape(-1, channels, size, size), readable


def read_image(path: Path, size: int, channels: int) -> np.ndarray | str:
    """The pixels of an image, (channels, size, size) uint8, or what is wrong with it."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            image = to_bytes(opened).convert("RGB" if channels == 3 else "L")
        fitted = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    except UnidentifiedImageError:
        return "its format is not known"
    except Exception as error:  # decoders meet broken files with errors of many kinds
        return f"{error}".rstrip(".") or type(error).__name__
    return np.asarray(fitted).reshape(size, size, channels).transpose(2, 0, 1)


def to_bytes(image: Any) -> Any:
    """An image of a rarer kind as one whose channels are bytes, which Pillow would otherwise cut off, or warn about."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    return image.convert("RGBA") if image.mode == "P" else image  # a palette may hold transparent colours


def draw_test(labels: np.ndarray, share: float) -> np.ndarray:
    """Draw a share of every class, at least one image of it and not all; returns for every image whether it is in."""
    stream = np.random.RandomState(TEST_SEED)  # its draws are the same in every version of numpy
    in_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        images = stream.permutation(np.flatnonzero(labels == label))
        in_test[images[: min(max(1, round(share * len(images))), len(images) - 1)]] = True
    return in_test


def check_counts(
    names: list[str], labels: np.ndarray, in_test: np.ndarray, root: Path | str | None, *, drawn: bool
) -> None:
    """Raise a StudyError unless every class has an image to train on and one to test on."""
    counts = [np.bincount(labels[part], minlength=len(names)) for part in (~in_test, in_test)]
    for name, *numbers in zip(names, *counts, strict=True):
        if min(numbers) == 0:
            places = f"{sum(numbers)}" if drawn else f"{numbers[0]} in train/ and {numbers[1]} in test/"
            least = "2" if drawn else "1 in each"
            raise StudyError(
                f"dataset.root={root} has too few images of the class {name} that can be read, {places}; "
                f"give it at least {least}"
            )
