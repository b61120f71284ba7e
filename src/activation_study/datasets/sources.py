"""Which sets there are, and how the pixels of each are read.

Another set is a function that reads it and one line in `SOURCES`:

    SOURCES["mine"] = Source(read=read_mine, classes=3, valid_size=500)
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from activation_study.datasets.arrays import Arrays
from activation_study.datasets.image_folder import read_image_folder
from activation_study.errors import StudyError


@dataclass(frozen=True)
class Source:
    """Where a set comes from.

    Attributes:
        read: reads the set from the data folder; its other arguments are options that this set alone has.
        classes: how many there are; None for as many as the training images have.
        valid_size: images taken from the training data for validation unless the user says otherwise; below 1 it is
            their share.
        torchvision: the class of torchvision that lists the set's files, checksums and hosts; None where there are no
            files to check or fetch.
        by_class: whether validation and training images are drawn class by class, in proportion, so that a class of
            few images is in training. The published sets are drawn from as a whole, as in the papers.
    """

    read: Callable[..., Arrays]
    classes: int | None
    valid_size: float
    torchvision: str | None = None
    by_class: bool = False


def read_digits(data_dir: Path) -> Arrays:
    """1797 handwritten digits of 8x8 pixels in 0..16, which scikit-learn carries (UCI optdigits, its test part).

    A fixed fifth is the test split: 1438 training and 359 test images, (n, 1, 8, 8). Nothing is read from `data_dir`.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    # RandomState, because numpy freezes its stream: the split stays what it is whatever versions come.
    order = np.random.RandomState(0).permutation(len(digits.target))
    images = torch.from_numpy(digits.images[order].astype(np.uint8)).unsqueeze(1)
    labels = torch.from_numpy(digits.target[order].astype(np.int64))
    test_size = round(0.2 * len(labels))
    return Arrays(images[test_size:], labels[test_size:], images[:test_size], labels[:test_size], white=16)


def torchvision_source(class_name: str, *, classes: int, valid_size: int) -> Source:
    """A set that torchvision reads; torchvision is imported when the set is.

    Args:
        class_name: of the class in torchvision.datasets.
        classes: how many there are.
        valid_size: images taken from the training data for validation.
    """

    def read(data_dir: Path) -> Arrays:
        from torchvision import datasets

        # The files were checked just now: torchvision's checks would read CIFAR's twice more, and its "legacy" MNIST
        # files have no checksum. Should these names change, torchvision only takes longer.
        checked = {"_check_integrity": lambda self: True, "_check_legacy_exist": lambda self: False}
        make = type(class_name, (getattr(datasets, class_name),), checked)
        train, test = make(data_dir, train=True), make(data_dir, train=False)
        return Arrays(
            _channels_first(train.data),
            torch.as_tensor(train.targets),
            _channels_first(test.data),
            torch.as_tensor(test.targets),
        )

    return Source(read, classes, valid_size, class_name)


def _channels_first(images: Any) -> Tensor:
    """Images (n, height, width) or (n, height, width, channels) as (n, channels, height, width)."""
    pixels = torch.as_tensor(images)
    return pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()


# The validation sizes are Glorot & Bengio's (2010): MNIST 50/10/10 thousand, CIFAR 40/10/10 thousand.
SOURCES: dict[str, Source] = {
    "digits": Source(read_digits, classes=10, valid_size=270),
    "mnist": torchvision_source("MNIST", classes=10, valid_size=10_000),
    "fashion_mnist": torchvision_source("FashionMNIST", classes=10, valid_size=10_000),
    "cifar10": torchvision_source("CIFAR10", classes=10, valid_size=10_000),
    "cifar100": torchvision_source("CIFAR100", classes=100, valid_size=10_000),
    "image_folder": Source(read_image_folder, classes=None, valid_size=0.2, by_class=True),
}


def source_of(name: str) -> Source:
    """The entry of `SOURCES` of that name.

    Raises:
        StudyError: there is none.
    """
    if name not in SOURCES:
        raise StudyError(f"dataset={name} is not a dataset; choose one of {', '.join(SOURCES)}")
    return SOURCES[name]
