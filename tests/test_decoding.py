"""One image as pixels: upright, on white, scaled by its own depth, or refused with a reason."""

import struct

import numpy as np
import pytest
from PIL import Image

from activation_study.datasets.decoding import decode, read_image

RAMP = np.arange(64).reshape(8, 8)  # 8x8 pixels, every one different


def read(path, channels=1, size=8):
    pixels, readable = decode([path], size, channels)
    assert readable.all(), read_image(path, size, channels)
    return pixels[0]


def corners(pixels):
    """Which corner of a picture is bright."""
    return {(row, column) for row in (0, -1) for column in (0, -1) if pixels[0, row, column] > 128}


@pytest.mark.parametrize(
    ("suffix", "mode"), [("png", "L"), ("png", "I;16"), ("tif", "RGB"), ("tif", "I;16"), ("jpg", "L"), ("webp", "RGB")]
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(tmp_path, orientation, suffix, mode) -> None:
    """A picture whose upper left corner is bright, as cameras store it that were held in any of eight ways."""
    upright = np.zeros((16, 16), dtype=np.uint8)
    upright[:8, :8] = 255
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
              6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1)}[orientation]  # fmt: skip
    image = Image.fromarray(stored.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(stored).convert(mode)
    notes = Image.Exif()
    notes[0x0112] = orientation
    image.save(tmp_path / f"a.{suffix}", exif=notes)
    assert corners(read(tmp_path / f"a.{suffix}", size=16)) == {(0, 0)}


def test_a_picture_that_is_turned_is_cut_in_its_middle(tmp_path) -> None:
    """Turned first, then cut: of 24x8 pixels stored, 8x24 seen, the middle of the height is kept."""
    stored = np.zeros((8, 24), dtype=np.uint8)
    stored[:, 8:16] = 200
    notes = Image.Exif()
    notes[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "a.png", exif=notes)
    assert (read(tmp_path / "a.png") == 200).all()


def test_damaged_notes_spoil_no_picture(tmp_path) -> None:
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    np.testing.assert_array_equal(read(tmp_path / "a.png")[0], RAMP)


# Depth ----------------------------------------------------------------------------------------------------------------


def write_tiff(path, values, bits, photometric=1, sample_format=1):
    """A grey TIFF file of any depth, which Pillow does not write; `values` row by row."""
    height, width = values.shape
    if bits == 12:
        pairs = values.reshape(-1, 2)
        data = b"".join(struct.pack(">I", int(a) << 12 | int(b))[1:] for a, b in pairs)
    else:
        data = values.astype({16: "<u2", 32: "<u4"}[bits]).tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: height, 279: len(data),
            339: sample_format}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    end = 8 + len(data)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, end) + data + struct.pack("<H", len(tags)) + entries + b"\0" * 4)


def test_12_bits_of_a_tiff_file_are_scaled_by_12_bits(tmp_path, capsys) -> None:
    write_tiff(tmp_path / "a.tif", RAMP * 65, bits=12)
    np.testing.assert_array_equal(read(tmp_path / "a.tif")[0], np.rint(RAMP * 65 / 4095 * 255))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(
    ("greatest", "bits"), [(65535, 16), (40000, 16), (16000, 14), (4095, 12), (1000, 10), (200, 8)]
)
def test_bits_of_16_that_no_image_uses_are_not_counted(tmp_path, capsys, greatest, bits, suffix) -> None:
    """Cameras store 12 bits in 16; the darker of two pictures is scaled as the brighter one."""
    bright, dark = np.rint(RAMP * greatest / 63).astype(np.uint16), np.rint(RAMP * greatest / 200).astype(np.uint16)
    for name, values in (("bright", bright), ("dark", dark)):
        Image.fromarray(values).save(tmp_path / f"{name}.{suffix}")
    pixels, _ = decode([tmp_path / f"dark.{suffix}", tmp_path / f"bright.{suffix}"], 8, 3)
    for found, values in zip(pixels, (dark, bright), strict=True):
        np.testing.assert_array_equal(found, np.broadcast_to(np.rint(values * (255 / (2**bits - 1))), (3, 8, 8)))
    told = f"warning: 2 images of 16 bits have no value above {greatest} and are read as {bits} bits.\n"
    assert capsys.readouterr().err == ("" if bits == 16 else told)


def test_a_portable_greymap_says_what_is_white(tmp_path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5 8 8 4095\n" + (RAMP * 65).astype(">u2").tobytes())
    np.testing.assert_allclose(read(tmp_path / "a.pgm")[0], RAMP * 65 / 4095 * 255, atol=0.51)


def test_16_bits_where_white_is_zero(tmp_path) -> None:
    write_tiff(tmp_path / "a.tif", 65535 - RAMP * 1000, bits=16, photometric=0)
    np.testing.assert_allclose(read(tmp_path / "a.tif")[0], RAMP * 1000 / 257, atol=0.51)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: write_tiff(path, RAMP * 60000000, bits=32), "32 bits, and nothing says which of them is white"),
        (lambda path: write_tiff(path, RAMP, bits=16, sample_format=2), "signed numbers or have 32 bits"),
        (lambda path: Image.fromarray(RAMP.astype(np.int32)).save(path), "signed numbers or have 32 bits"),
        (lambda path: Image.fromarray(RAMP.astype(np.float32)).save(path), "its pixels are floating-point numbers"),
    ],
    ids=["32 bits", "signed", "Pillow's integers", "floats"],
)
def test_a_depth_without_a_white_is_refused_by_name(tmp_path, capsys, make, says) -> None:
    make(tmp_path / "a.tif")
    pixels, readable = decode([tmp_path / "a.tif"], 8, 3)
    assert (len(pixels), readable.tolist()) == (0, [False])
    assert says in capsys.readouterr().err


# Transparency and colour ----------------------------------------------------------------------------------------------


def half_transparent(mode):
    """A black picture whose left half is opaque and whose right half is not there, with white behind it or not."""
    alpha = np.repeat([[255] * 4 + [0] * 4], 8, axis=0).astype(np.uint8)
    black = np.zeros((8, 8), dtype=np.uint8)
    if mode == "RGBA":
        return Image.fromarray(np.dstack([black] * 3 + [alpha])), {}
    if mode == "LA":
        return Image.fromarray(np.dstack([black, alpha])), {}
    values = np.where(alpha == 0, 7, 0).astype(np.uint8)  # the value 7 is declared to be transparent
    if mode == "P":
        image = Image.fromarray(values)
        image.putpalette([0] * 768)
        return image, {"transparency": 7}
    if mode == "I;16":
        return Image.fromarray(values.astype(np.uint16)), {"transparency": 7}
    return Image.fromarray(values).convert(mode), {"transparency": 7 if mode == "L" else (7, 7, 7)}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB", "I;16"])
def test_transparent_parts_are_white(tmp_path, mode, channels) -> None:
    image, options = half_transparent(mode)
    image.save(tmp_path / "a.png", **options)
    expected = np.repeat([[0] * 4 + [255] * 4], 8, axis=0)
    np.testing.assert_array_equal(read(tmp_path / "a.png", channels), np.broadcast_to(expected, (channels, 8, 8)))


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_transparent_parts_of_other_formats_are_white(tmp_path, suffix) -> None:
    image, _ = half_transparent("RGBA")
    image.save(tmp_path / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    assert (read(tmp_path / f"a.{suffix}")[0, :, 5:] == 255).all()


def test_a_half_transparent_colour_is_mixed_with_white(tmp_path) -> None:
    Image.new("RGBA", (8, 8), (100, 0, 0, 51)).save(tmp_path / "a.png")  # a fifth of it
    assert read(tmp_path / "a.png", 3)[:, 0, 0].tolist() == [224, 204, 204]


def test_cmyk_becomes_rgb(tmp_path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    assert read(tmp_path / "a.tif", 3)[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_pictures_in_a_file_the_first_is_taken(tmp_path, suffix) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    red, green, blue = read(tmp_path / f"a.{suffix}", 3)[:, 4, 4].tolist()
    assert red > 240
    assert max(green, blue) < 15


def test_of_many_broken_images_some_are_named_and_all_are_counted(tmp_path, capsys) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(50)]
    for path in paths:
        path.write_text("broken")
    decode(paths, 8, 3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "warning: 50 of 50 images cannot be read and are left out."
