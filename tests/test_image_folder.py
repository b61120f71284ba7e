"""A folder of images as a data set: read, split, refused by a sentence, and trained on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torchvision import transforms

from activation_study.datasets import load
from activation_study.errors import StudyError
from activation_study.runs import read
from activation_study.runs.identity import configuration_hash, scientific

ROOT = Path(__file__).resolve().parents[1]
PER_CLASS = 15


def picture(number):
    """One of scikit-learn's digits as a grey image of 8x8 pixels."""
    return Image.fromarray((load_digits().images[number] * 15).astype(np.uint8))


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Handwritten 0, 1 and 2 as PNG files, RGB, 15 of each, in a folder `digits`."""
    root = tmp_path_factory.mktemp("written") / "digits"
    target = load_digits().target
    for digit, name in enumerate(["zero", "one", "two"]):
        folder = root / name
        folder.mkdir(parents=True)
        for number in np.flatnonzero(target == digit)[:PER_CLASS]:
            picture(number).convert("RGB").save(folder / f"{number:04}.png")
    return root


@pytest.fixture
def digits(written, tmp_path):
    """A copy that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "digits"))


def raw(root, **options):
    return load("image_folder", root=root, preprocessing="raw", **{"size": 8} | options)


def everything(data):
    """All images with their labels, as a set."""
    splits = [data.train, data.valid, data.test]
    return {(x.numpy().tobytes(), int(y)) for split in splits for x, y in zip(split.images, split.labels, strict=True)}


# Reading --------------------------------------------------------------------------------------------------------------


def test_classes_in_the_order_of_their_names_and_pixels_as_they_are(written) -> None:
    data = raw(written)
    assert (data.name, data.shape, data.classes) == ("image_folder", (3, 8, 8), 3)
    assert (len(data.train), len(data.valid), len(data.test)) == (29, 7, 9)
    expected = set()
    target = load_digits().target
    for digit, label in {1: 0, 2: 1, 0: 2}.items():  # one, two, zero
        for number in np.flatnonzero(target == digit)[:PER_CLASS]:
            pixels = torch.from_numpy(np.array(picture(number))).expand(3, 8, 8).float() / 255
            expected.add((pixels.numpy().tobytes(), label))
    assert everything(data) == expected


def test_the_test_split_is_the_same_share_of_every_class_and_always_the_same(written) -> None:
    first, again, larger = raw(written), raw(written, split_seed=1), raw(written, test_share=0.4)
    assert first.test.labels.bincount().tolist() == [3, 3, 3]
    assert larger.test.labels.bincount().tolist() == [6, 6, 6]
    assert torch.equal(first.test.images, again.test.images)
    assert not torch.equal(first.valid.images, again.valid.images)
    assert everything(first) == everything(again) == everything(larger)


def test_folders_train_and_test_are_the_splits(digits, tmp_path) -> None:
    root = tmp_path / "split"
    for number, path in enumerate(sorted(digits.rglob("*.png"))):
        folder = root / ("test" if number % 5 == 0 else "train") / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    (root / "notes").mkdir()  # beside train/ and test/ it is nothing
    data = raw(root)
    assert (len(data.train), len(data.valid), len(data.test)) == (29, 7, 9)
    expected = {np.asarray(Image.open(path)).tobytes() for path in (root / "test").rglob("*.png")}
    assert {(x * 255).round().byte().permute(1, 2, 0).numpy().tobytes() for x in data.test.images} == expected


def test_classes_may_be_called_train_and_test(digits) -> None:
    (digits / "one").rename(digits / "train")
    (digits / "two").rename(digits / "test")
    assert raw(digits).test.labels.bincount().tolist() == [3, 3, 3]


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".bmp", ".gif", ".webp", ".tif", ".ppm"])
def test_formats(digits, suffix, capsys) -> None:
    for path in list((digits / "one").iterdir()):
        Image.open(path).save(path.with_suffix(suffix))
        path.unlink()
    data = raw(digits)
    assert len(data.train) + len(data.valid) + len(data.test) == 45
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("size", [4, 8, 16])
@pytest.mark.parametrize("shape", [(16, 16), (48, 16), (16, 80), (128, 32)], ids=str)
def test_the_middle_of_an_image_that_is_not_square_is_kept(digits, shape, size) -> None:
    """As torchvision resizes the shorter side and crops the centre."""
    width, height = shape
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for path in (digits / "one").iterdir():
        Image.fromarray(noise).save(path)
    data = raw(digits, size=size)
    theirs = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()])
    for ours in data.test.images[data.test.labels == 0]:
        torch.testing.assert_close(ours, theirs(Image.fromarray(noise)), atol=1.1 / 255, rtol=0)


@pytest.mark.parametrize("size", [1, 7])
def test_any_shape_can_be_brought_to_any_size(digits, size) -> None:
    for number, path in enumerate(sorted((digits / "one").iterdir())):
        Image.new("L", (1 + number % 4, 1 + 50 * (number % 3)), 100).save(path)
    data = raw(digits, size=size)
    ours = data.test.images[data.test.labels == 0]
    torch.testing.assert_close(ours, torch.full((3, 3, size, size), 100 / 255))


def test_resizing_is_antialiased(digits) -> None:
    """A fine chessboard becomes grey, where picking pixels would give black or white."""
    board = Image.fromarray((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8))
    for path in (digits / "one").iterdir():
        board.save(path)
    data = raw(digits, size=8)
    ours = data.test.images[data.test.labels == 0]
    torch.testing.assert_close(ours, torch.full_like(ours, 0.5), atol=0.01, rtol=0)


def grey(value, mode):
    if mode.startswith("I;16"):
        return Image.fromarray(np.full((8, 8), value * 257, dtype=np.uint16))
    if mode == "P":
        image = Image.new("P", (8, 8), 3)
        image.putpalette([0] * 9 + [value] * 3 + [0] * 756)
        image.info["transparency"] = b"\xff" * 256
        return image
    return Image.new(
        mode, (8, 8), {"RGB": (value,) * 3, "RGBA": (value,) * 3 + (255,), "LA": (value, 255)}.get(mode, value)
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16"])
def test_every_kind_of_image_becomes_rgb_or_grey(digits, mode, channels, capsys) -> None:
    for path in (digits / "one").iterdir():
        grey(130, mode).save(path)
    data = raw(digits, channels=channels)
    assert data.shape == (channels, 8, 8)
    ours = data.test.images[data.test.labels == 0]
    torch.testing.assert_close(ours, torch.full_like(ours, 130 / 255))
    assert capsys.readouterr().err == ""


def test_what_is_broken_is_named_and_left_out_and_what_is_no_image_is_passed_over(digits, capsys) -> None:
    whole = (digits / "one" / "0001.png").read_bytes()
    (digits / "one" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (digits / "two" / "text.JPG").write_text("no image")
    (digits / "two" / "empty.gif").write_bytes(b"")
    Image.fromarray(np.zeros((4, 4), dtype=np.float32)).save(digits / "two" / "floats.tif")
    (digits / "zero" / "notes.txt").write_text("no image")
    (digits / "zero" / "._0001.png").write_text("no image")
    (digits / ".ipynb_checkpoints").mkdir()
    (digits / "deeper").mkdir()
    (digits / "zero").rename(digits / "deeper" / "zero")
    (digits / "deeper").rename(digits / "zero")
    data = raw(digits)
    assert len(data.train) + len(data.valid) + len(data.test) == 45
    hidden, other, *told = capsys.readouterr().err.splitlines()
    start = f"warning: dataset.root={digits}:"
    assert hidden == f"{start} 2 hidden files or folders are passed over: .ipynb_checkpoints, zero/zero/._0001.png."
    assert other == f"{start} 1 other files are no images and are passed over (1 .txt): zero/zero/notes.txt."
    assert told[0].startswith(f"warning: {digits}/one/cut.png: it cannot be read as an image (")
    assert told[1:] == [
        f"warning: {digits}/two/empty.gif: it cannot be read as an image (its format is not known).",
        f"warning: {digits}/two/floats.tif: it cannot be read as an image (its pixels are floating-point numbers).",
        f"warning: {digits}/two/text.JPG: it cannot be read as an image (its format is not known).",
        "warning: 4 of 49 images cannot be read and are left out.",
    ]


def test_the_checksum_is_of_the_images(digits, tmp_path) -> None:
    before = raw(digits).checksum
    copy = shutil.copytree(digits, tmp_path / "copy")
    assert raw(copy).checksum == before
    assert raw(copy, split_seed=1, valid_size=3).checksum == before
    (path, *_) = sorted((copy / "one").iterdir())
    image = Image.open(path)
    image.putpixel((3, 3), (1, 2, 3))
    image.save(path)
    assert raw(copy).checksum != before
    path.unlink()
    assert raw(copy).checksum != before


def test_many_classes(tmp_path) -> None:
    for label in range(300):
        (tmp_path / f"{label:03}").mkdir()
        for name in "ab":
            Image.new("L", (1, 1), label % 256).save(tmp_path / f"{label:03}" / f"{name}.png")
    data = raw(tmp_path, size=1, valid_size=0)
    assert data.classes == 300
    assert torch.equal(data.test.labels, torch.arange(300))
    assert torch.equal((data.train.images[:, 0, 0, 0] * 255).round().long(), data.train.labels % 256)


# What cannot be -------------------------------------------------------------------------------------------------------


def refused(says, **options):
    with pytest.raises(StudyError, match=says) as error:
        load("image_folder", **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": 0}, r"dataset\.size=0: give a whole number of at least 1"),
        ({"size": 2.5}, r"dataset\.size=2\.5: give a whole number of at least 1"),
        ({"size": True}, r"dataset\.size=true: give a whole number of at least 1"),
        ({"channels": 2}, r"dataset\.channels=2: no such choice; choose one of 3, 1"),
        ({"channels": True}, r"dataset\.channels=true: no such choice; choose one of 3, 1"),
        ({"test_share": 0}, r"dataset\.test_share=0: give a number above 0 and below 1"),
        ({"test_share": 1.0}, r"dataset\.test_share=1\.0: give a number above 0 and below 1"),
        ({"test_share": "all"}, r"dataset\.test_share=all: give a number above 0 and below 1"),
        ({"sise": 3}, r"dataset\.sise=3: dataset=image_folder has no such option; its options: root, size, channels"),
        ({"valid_size": 36}, r"dataset\.valid_size=36 is not possible; choose a whole number from 0 to 33"),
    ],
)
def test_an_option_that_makes_no_sense(written, options, says) -> None:
    refused(says, root=written, **options)


def test_a_root_that_is_no_folder_of_classes(digits, tmp_path) -> None:
    refused(r"dataset\.root: dataset=image_folder needs a value")
    refused(rf"dataset\.root={tmp_path}/none: this is no folder; give one that is there", root=tmp_path / "none")
    refused(r"dataset\.root=.*0001\.png: this is no folder", root=digits / "one" / "0001.png")
    refused(rf"dataset\.root={digits}/one holds no folders; give it a folder for every class", root=digits / "one")
    refused(r"dataset\.root=.* holds one folder only, digits; give it a folder for every class", root=tmp_path)
    refused(r"dataset\.root=3: this is no text to Hydra", root=3)


def test_a_split_that_lacks_something(digits, tmp_path) -> None:
    root = tmp_path / "split"
    shutil.copytree(digits, root / "train")
    refused(
        rf"dataset\.root={root} holds only train/ of train/ and test/ .* give dataset\.root={root}/train", root=root
    )
    shutil.copytree(digits, root / "test")
    (root / "test" / "two").rename(root / "test" / "four")
    refused(r"has not the same classes in train/ and test/: four, two are in one of them only", root=root)
    shutil.rmtree(root / "test" / "four")
    refused(r"has not the same classes in train/ and test/: two is in one of them only", root=root)
    (root / "test" / "two").mkdir()
    refused(r"too few images of the class two that can be read, 15 in train/ and 0 in test/; .* 1 in each", root=root)


def test_a_class_with_too_few_images(digits, capsys) -> None:
    one, *rest = sorted((digits / "one").iterdir())
    for path in rest:
        path.write_text("broken")
    refused(r"has too few images of the class one that can be read, 1; give it at least 2", root=digits)
    assert "14 of 45 images cannot be read" in capsys.readouterr().err
    shutil.copy(one, digits / "one" / "another.png")
    assert raw(digits).test.labels.bincount().tolist() == [1, 3, 3]


def test_a_folder_that_may_not_be_read(written, monkeypatch) -> None:
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    refused(r"dataset\.root=.* cannot be read: Permission denied \(.*digits.*\); choose a folder", root=written)


# Its place in the study -----------------------------------------------------------------------------------------------


def test_the_identity_has_the_folders_name_and_not_its_path(compose_settings, written, digits) -> None:
    def settings(root, *more):
        return compose_settings("dataset=image_folder", f"dataset.root={root}", *more)

    here = settings(written)
    assert scientific(here)["dataset"]["folder"] == "digits"
    assert "root" not in scientific(here)["dataset"]
    assert configuration_hash(settings(digits)) == configuration_hash(here)
    assert configuration_hash(settings(f"{digits}/one/..")) == configuration_hash(here)
    for change in ("dataset.size=16", "dataset.channels=1", "dataset.test_share=0.3", "dataset.valid_size=0.1"):
        assert configuration_hash(settings(written, change)) != configuration_hash(here)
    assert configuration_hash(settings(digits / "one")) != configuration_hash(here)


def test_other_sets_have_no_key_of_it(compose_settings) -> None:
    keys = {"name", "valid_size", "train_limit", "split_seed", "preprocessing", "augment"}
    assert set(scientific(compose_settings("dataset=mnist"))["dataset"]) == keys


def train(*arguments, cwd):
    command = [sys.executable, str(ROOT / "experiments" / "train.py"), "dataset=image_folder", "seeds=2", "device=cpu",
               "model.width=8", "train.epochs=2", "train.batch_size=8", "runs_dir=runs"]  # fmt: skip
    return subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True, env=os.environ)


def test_training_on_a_folder(digits, tmp_path) -> None:
    """With a broken image, a grey one, one with a palette and one that is not square."""
    (digits / "one" / "broken.png").write_text("broken")
    picture(1).save(digits / "one" / "grey.png")
    picture(1).convert("P").save(digits / "one" / "palette.png")
    picture(1).resize((30, 8)).save(digits / "one" / "wide.jpg")
    choices = ["dataset.root=digits", "dataset.size=12", "model=convnet", "model.depth=2"]
    ended = train(*choices, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "digits/one/broken.png: it cannot be read as an image (its format is not known).\n" in ended.stderr
    assert "1 of 49 images cannot be read and are left out" in ended.stderr
    (run,) = read(tmp_path / "runs").runs
    assert run.config["config"]["dataset"]["folder"] == "digits"
    assert run.environment["data"] == raw(digits, size=12).checksum
    (digits / "one" / "grey.png").unlink()
    changed = train(*choices, "seeds=3", cwd=tmp_path)
    assert changed.returncode == 1
    assert re.search(r"error: dataset=image_folder: .* checksum .* but \S+ was trained on", changed.stderr)


def test_a_root_that_is_not_given_ends_the_command_with_one_sentence(tmp_path) -> None:
    ended = train(cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == "error: dataset.root: a value is missing; give one as dataset.root=VALUE.\n"
