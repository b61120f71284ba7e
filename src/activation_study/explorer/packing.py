"""Many numbers in few bytes: whole numbers of 16 bits, their low bytes and their high bytes apart, all compressed.

Code 0 says that there is no value. What ranges over decades is rounded on a logarithmic scale, all else on a linear
one; a scale spans the values that are there, so shares that are all 0 cost nothing.
"""

import base64
import gzip
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FINE, COARSE = 65_534, 4094  # steps of a scale: for curves, and for the many measurements by layer


class Packed:
    """A growing block of codes, and where each array lies in it."""

    def __init__(self) -> None:
        self._planes: list[bytes] = []
        self._length = 0

    def add(self, values: ArrayLike, steps: int, logarithmic: bool = False) -> dict[str, Any]:
        """Adds an array; returns what is needed to read it.

        Args:
            values: any shape; what is not finite has no value, nor has on a logarithmic scale what is not positive.
            steps: of the scale.
            logarithmic: whether steps are equal ratios.

        Returns:
            offset (in bytes), count, low, high (the ends of the scale, logarithms where it is logarithmic), steps,
            logarithmic.
        """
        flat = np.asarray(values, dtype=float).ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.log(np.where(flat > 0, flat, np.nan)) if logarithmic else flat
        known = np.isfinite(scaled)
        low, high = (float(scaled[known].min()), float(scaled[known].max())) if known.any() else (0.0, 0.0)
        codes = _codes(scaled, known, low, high, steps)
        entry = {"offset": self._length, "count": len(flat), "low": low, "high": high, "steps": steps,
                 "logarithmic": logarithmic}  # fmt: skip
        self.add_bytes((codes & 255).astype(np.uint8).tobytes() + (codes >> 8).astype(np.uint8).tobytes())
        return entry

    def add_bytes(self, content: bytes) -> int:
        """Adds bytes as they are; returns where they begin."""
        self._planes.append(content)
        self._length += len(content)
        return self._length - len(content)

    def text(self) -> str:
        """The whole block, compressed, in letters; the same arrays give the same text."""
        return base64.b64encode(gzip.compress(b"".join(self._planes), mtime=0)).decode()


def _codes(
    scaled: NDArray[np.float64], known: NDArray[np.bool_], low: float, high: float, steps: int
) -> NDArray[np.uint16]:
    if high == low:
        return known.astype(np.uint16)
    places = np.where(known, (scaled - low) / (high - low), 0.0)
    return np.where(known, 1 + np.round(places * steps), 0).astype(np.uint16)
