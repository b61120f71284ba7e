"""Files of images as pixels of one size: upright, on white, scaled by their own depth, or refused with a reason."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from activation_study.progress import progress

MOST_NAMED = 20  # files that cannot be read
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners give
ORIENTATION, BITS, PHOTOMETRIC, GREATEST = 0x0112, 258, 262, 281  # tags of EXIF and TIFF


@dataclass(frozen=True)
class Grey16:
    """A grey image of 16 bits whose file does not say how many of them are used.

    Attributes:
        values: pixels, (size, size) float32.
        greatest: the greatest value in the file.
    """

    values: np.ndarray
    greatest: int


def decode(paths: list[Path], size: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of image files, read several at a time; those that cannot be read are named on stderr.

    Greys of 16 bits are scaled by the fewest bits that hold all of theirs: cameras store 12 bits in 16.

    Args:
        paths: the files.
        size: height and width to bring them to.
        channels: 3 or 1.

    Returns:
        Those of the files that can be read, (n, channels, size, size) uint8, and which can be, (len(paths),) bool.
    """
    from PIL import Image

    Image.init()  # the first image of a rarer format would do it, but not safely in several threads at once
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # Pillow's, of damaged notes in whole images
        decoded = pool.map(partial(read_image, size=size, channels=channels), paths)
        results = list(progress(decoded, total=len(paths), desc="images", unit="image", may_be_silent=True))
    faults = {path: result for path, result in zip(paths, results, strict=True) if isinstance(result, str)}
    for path, fault in list(faults.items())[:MOST_NAMED]:
        print(f"warning: {path}: it cannot be read as an image ({fault}).", file=sys.stderr)
    if faults:
        print(f"warning: {len(faults)} of {len(paths)} images cannot be read and are left out.", file=sys.stderr)
    white = _white_of([result for result in results if isinstance(result, Grey16)])
    pixels = [
        _to_bytes(result.values, white, channels) if isinstance(result, Grey16) else result
        for result in results
        if not isinstance(result, str)
    ]
    readable = np.array([path not in faults for path in paths], dtype=bool)
    return np.array(pixels, dtype=np.uint8).reshape(-1, channels, size, size), readable


def _white_of(greys: list[Grey16]) -> int:
    """The white of all greys of 16 bits, which says how many bits they use."""
    greatest = max((grey.greatest for grey in greys), default=0)
    depth = next(depth for depth in DEPTHS if greatest < 2**depth)
    if greys and depth < DEPTHS[-1]:
        print(
            f"warning: {len(greys)} images of 16 bits have no value above {greatest} and are read as {depth} bits.",
            file=sys.stderr,
        )
    return 2**depth - 1


def read_image(path: Path, size: int, channels: int) -> np.ndarray | Grey16 | str:
    """The first picture of a file, (channels, size, size) uint8 unless its depth is open, or what is wrong with it."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    fit = partial(ImageOps.fit, size=(size, size), method=Image.Resampling.BILINEAR)
    try:
        with Image.open(path) as opened:
            opened.load()
            image = _upright(opened)
            if image.mode == "F":
                raise ValueError("its pixels are floating-point numbers")
            if image.mode.startswith("I"):
                values, white = _deep_grey(image, opened)
                fitted = np.asarray(fit(Image.fromarray(values)))
                return _to_bytes(fitted, white, channels) if white else Grey16(fitted, int(values.max()))
        pixels = np.asarray(fit(_on_white(image).convert("RGB" if channels == 3 else "L")))
    except UnidentifiedImageError:
        return "its format is not known"
    except Exception as error:  # decoders meet broken files with errors of many kinds
        return " ".join(f"{error}".rstrip(".").split()) or type(error).__name__
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


def _upright(image: Any) -> Any:
    """An image as its camera was held."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }  # fmt: skip
    try:
        turn = turns.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # its notes are damaged, its pixels are not
        turn = None
    return image if turn is None else image.transpose(turn)


def _on_white(image: Any) -> Any:
    """An image with its transparent parts before white, the colour of paper."""
    from PIL import Image

    if image.mode not in ("P", "PA", "LA", "La", "RGBA", "RGBa") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _deep_grey(image: Any, opened: Any) -> tuple[np.ndarray, int | None]:
    """The values of a grey image deeper than 8 bits, (height, width) float32, and its white; None: up to 16 bits.

    Args:
        image: the image, upright.
        opened: the same as Pillow opened it, which knows the file's format and tags.

    Raises:
        ValueError: its white is not known.
    """
    tags = getattr(opened, "tag_v2", {})
    values = np.asarray(image).astype(np.float32)
    if image.mode == "I" and opened.format not in ("PNG", "PPM"):  # of those Pillow makes numbers of 16 bits
        raise ValueError("its pixels are signed numbers or have 32 bits, and nothing says which of them is white")
    white = 65535 if image.mode == "I" or opened.format in ("JPEG2000", "PPM") else None
    if opened.format == "TIFF":
        (bits, *_), (stated, *_) = tags.get(BITS, (16,)), np.atleast_1d(tags.get(GREATEST, 0))
        white = 2**bits - 1 if bits < 16 else int(stated) or None
    if "transparency" in image.info:  # one value of a PNG file, whose values fill 16 bits
        white = 65535
        values[values == image.info["transparency"]] = white
    if tags.get(PHOTOMETRIC) == 0:  # white is zero
        white = white or 65535
        values = white - values
    return values, white


def _to_bytes(values: np.ndarray, white: int, channels: int) -> np.ndarray:
    """Greys in 0..white as (channels, height, width) uint8."""
    grey = np.rint(values * (255 / white)).clip(0, 255).astype(np.uint8)
    return np.broadcast_to(grey, (channels, *grey.shape))
