"""The order in which validation and training images are drawn."""

import numpy as np


def shuffled(labels: np.ndarray, seed: int, *, by_class: bool) -> tuple[np.ndarray, int]:
    """The images of a set in random order.

    Args:
        labels: classes, (n,) int64.
        seed: of the shuffle; from 0 to 2**32 - 1.
        by_class: whether the order begins with one image of every class, and is in proportion to the classes however
            little of the rest is taken.

    Returns:
        The order, (n,), and how many images at its beginning must stay in training.
    """
    # RandomState, because numpy freezes its stream: a seed means the same images in every version.
    order = np.random.RandomState(seed).permutation(len(labels))
    if not by_class:
        return order, 0
    ranks = np.empty(len(labels), dtype=np.int64)  # of each image among those of its class, in this order
    counts = np.bincount(labels)
    for label in np.flatnonzero(counts):
        own = order[labels[order] == label]
        ranks[own] = np.arange(len(own))
    # The first image of a class comes before all; the k-th of its n others at (k - 1/2) / n of the way.
    places = np.where(ranks == 0, 0, (ranks - 0.5) / np.maximum(counts[labels] - 1, 1))
    return order[np.argsort(places[order], kind="stable")], int(np.count_nonzero(counts))
