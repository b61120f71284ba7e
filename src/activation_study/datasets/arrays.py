"""What every reader of a set gives."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Arrays:
    """A set as published, before any split or preprocessing of ours.

    Attributes:
        train_images: pixels, (n, channels, height, width) uint8 in 0..white.
        train_labels: classes, (n,) int64 in 0..classes-1.
        test_images: pixels of the test split, shaped like the training images.
        test_labels: classes of the test split.
        white: the largest value that a pixel can have.
        valid: pixels and classes of the validation split, where the set has one of its own; else one is drawn.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    white: int = 255
    valid: tuple[Tensor, Tensor] | None = None
