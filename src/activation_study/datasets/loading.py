"""From a name to a dataset on the device: checked, split, preprocessed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from activation_study.datasets.arrays import Arrays
from activation_study.datasets.downloads import refusals_told, require
from activation_study.datasets.options import DERIVED, SHARED, own_options
from activation_study.datasets.preprocessing import PREPROCESSINGS
from activation_study.datasets.sources import Source, source_of
from activation_study.datasets.splitting import shuffled
from activation_study.errors import StudyError


@dataclass(frozen=True)
class Split:
    """A part of a dataset.

    Attributes:
        images: preprocessed pixels, (n, channels, height, width) float32.
        labels: classes, (n,) int64.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test data of one set, on one device.

    Attributes:
        name: of the set.
        train: what the weights are fitted to, and the preprocessing.
        valid: what choices are made on; taken from the published training data.
        test: the published test data; read once, after training.
        classes: how many there are.
        checksum: SHA-256 of the published pixels and labels, the same for every split and preprocessing.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: int
    checksum: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of an image, (channels, height, width)."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


def load(
    name: str,
    *,
    data_dir: Path | str = "data",
    valid_size: float | None = None,
    train_limit: int | None = None,
    split_seed: int = 0,
    preprocessing: str = "standardize",
    mirror: str | None = None,
    download: bool = True,
    device: torch.device | str = "cpu",
    **options: Any,
) -> Dataset:
    """A data set on a device: read, checked, split and preprocessed.

    Args:
        name: digits, mnist, fashion_mnist, cifar10, cifar100, image_folder, or another key of `SOURCES`.
        data_dir: the folder that holds the data in torchvision's layout, or will.
        valid_size: images set aside from the training data for validation, below 1 their share; None for the set's
            usual number, 0 to train on everything. A folder of images with a validation folder needs none.
        train_limit: how many of the images that remain are trained on, the first of their shuffled order; None for
            all. The validation images do not depend on it.
        split_seed: of that shuffle. It is no run's seed: every run should see the same split.
        preprocessing: a key of `PREPROCESSINGS`, fitted to the final training images.
        mirror: base URL (https:// or file://) to fetch a missing set from instead of its usual host; checksums are
            enforced all the same.
        download: whether a missing set may be fetched.
        device: where the tensors live.
        options: those that this set alone has, such as image_folder's root and size; see `read_image_folder`.

    Raises:
        StudyError: a choice is not possible, or the data are missing, damaged or not readable.
    """
    source = source_of(name)
    own_options(name).read("dataset", {key: value for key, value in options.items() if key != DERIVED})
    SHARED["preprocessing"].read("dataset.preprocessing", preprocessing)
    folder = Path(data_dir).expanduser()
    if source.torchvision:
        require(name, source.torchvision, folder, download=download, mirror=mirror)
    with refusals_told(folder):
        arrays = source.read(folder, **options)
    classes = source.classes or int(arrays.train_labels.max()) + 1
    _refuse_broken_arrays(name, arrays, classes)

    train, valid = _draw_splits(source, arrays, valid_size, train_limit, split_seed)

    def pixels(images: Tensor) -> Tensor:
        return images.to(device).float().div_(arrays.white)

    train_images = pixels(arrays.train_images[train])
    valid_images, valid_labels = arrays.valid or (arrays.train_images[valid], arrays.train_labels[valid])
    transform = PREPROCESSINGS[preprocessing](train_images)
    return Dataset(
        name=name,
        train=Split(transform(train_images), arrays.train_labels[train].to(device)),
        valid=Split(transform(pixels(valid_images)), valid_labels.to(device)),
        test=Split(transform(pixels(arrays.test_images)), arrays.test_labels.to(device)),
        classes=classes,
        checksum=checksum(arrays),
    )


def _draw_splits(
    source: Source, arrays: Arrays, valid_size: float | None, train_limit: int | None, split_seed: int
) -> tuple[Tensor, Tensor]:
    """Which of a set's training images are for training, and which for validation, as indices.

    A set that is drawn by classes has its part of every class in both, as far as there are images. None are for
    validation where the set has a validation split of its own.

    Raises:
        StudyError: a size is not possible.
    """
    _count_within("dataset.split_seed", split_seed, 0, 2**32 - 1)
    labels = arrays.train_labels.numpy()
    order, kept = shuffled(labels, split_seed, by_class=source.by_class)
    most = len(labels) - max(kept, 1)
    valid_size = source.valid_size if valid_size is None else valid_size
    if arrays.valid is not None:
        valid_size = 0
    elif isinstance(valid_size, float) and 0 < valid_size < 1:
        if most == 0:
            raise StudyError(
                f"dataset.valid_size={valid_size} leaves a class without training images, of which there are "
                f"{len(labels)} in {kept or 1} classes; give more images, or choose 0"
            )
        valid_size = min(max(1, round(valid_size * len(labels))), most)
    size = _count_within("dataset.valid_size", valid_size, 0, most)
    if train_limit is not None:
        _count_within("dataset.train_limit", train_limit, max(kept, 1), len(labels) - size)
    train = np.concatenate([order[:kept], order[kept + size :]])[:train_limit]
    return torch.from_numpy(train), torch.from_numpy(order[kept : kept + size])


def fetch(name: str, data_dir: Path | str = "data", mirror: str | None = None) -> None:
    """Downloads a set unless it is there, and checks its files.

    Args:
        name: a key of `SOURCES`.
        data_dir: the folder to put it in.
        mirror: base URL to fetch from instead of the set's usual host.

    Raises:
        StudyError: it cannot be fetched, or what is there is damaged.
    """
    source = source_of(name)
    if source.torchvision:
        require(name, source.torchvision, Path(data_dir).expanduser(), download=True, mirror=mirror)


def _count_within(key: str, value: float, low: int, high: int) -> int:
    """A count as it is given; refused unless it is a whole number in low..high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise StudyError(f"{key}={value} is not possible; choose a whole number from {low} to {high}")
    return value


def _refuse_broken_arrays(name: str, arrays: Arrays, classes: int) -> None:
    """Refuses images and labels that are not what `Arrays` promises."""
    for split, images, labels in (
        ("training", arrays.train_images, arrays.train_labels),
        ("test", arrays.test_images, arrays.test_labels),
        *([("validation", *arrays.valid)] if arrays.valid else []),
    ):
        if images.dtype != torch.uint8 or images.ndim != 4 or labels.shape != images.shape[:1] or not len(labels):
            raise StudyError(
                f"dataset={name} has {split} images {tuple(images.shape)} {images.dtype} and labels "
                f"{tuple(labels.shape)}; they must be (n, channels, height, width) torch.uint8 and (n,) with n > 0"
            )
        if labels.min() < 0 or labels.max() >= classes:
            raise StudyError(f"dataset={name} has {split} labels outside of 0 to {classes - 1}")


def checksum(arrays: Arrays) -> str:
    """SHA-256 of the published pixels and labels, in their order, in hexadecimal; it tells which data a run has seen.

    Args:
        arrays: the set as published; labels count by their last byte.
    """
    digest = hashlib.sha256()
    valid = arrays.valid or ()
    for tensor in (arrays.train_images, arrays.train_labels, arrays.test_images, arrays.test_labels, *valid):
        digest.update(repr(tuple(tensor.shape)).encode())
        digest.update(tensor.to(torch.uint8).contiguous().numpy().data)
    return digest.hexdigest()
