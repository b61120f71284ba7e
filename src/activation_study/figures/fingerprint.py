"""What a figure shows, as one short word: equal for figures of the same numbers, whatever draws their letters.

A PNG of `save` carries it, so that a committed figure can be held against its runs on any machine: bytes of pictures
differ with fonts and versions, the numbers that were drawn do not.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

KEY = "Fingerprint"  # of the text in a PNG
DIGITS = 4  # of a number that count: machines do not agree on more


def fingerprint(figure: Figure) -> str:
    """A hash of the figure's texts and of the numbers that its lines, bars, points and maps are drawn from."""
    words = [figure.get_suptitle(), figure.get_supxlabel()]
    for ax in figure.axes:
        words += [ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()]
        words += [" ".join(f"{number:.{DIGITS}g}" for number in numbers) for numbers in _numbers(ax)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def of_file(path: Path) -> str | None:
    """The fingerprint that a PNG carries, if it does."""
    with Image.open(path) as image:
        return image.info.get(KEY)


def _numbers(ax: Axes) -> Iterator[np.ndarray]:
    """The numbers behind an axes' artists, in the order in which they were drawn."""
    for line in ax.lines:
        yield np.asarray(line.get_xydata(), float).ravel()
    for patch in ax.patches:
        yield np.asarray(patch.get_path().vertices, float).ravel()
        yield np.asarray(patch.get_patch_transform().get_matrix(), float).ravel()
    for collection in ax.collections:
        paths = [np.asarray(path.vertices, float).ravel() for path in collection.get_paths()]
        yield np.concatenate(paths) if paths else np.zeros(0)
        if (values := collection.get_array()) is not None:
            yield np.ma.filled(np.ma.asarray(values, float), np.nan).ravel()
