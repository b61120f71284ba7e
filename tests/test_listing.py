"""What lies in a folder of images: hidden parts, links, splits, and the naming of whatever is left out."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from activation_study.datasets import load
from activation_study.datasets.image_folder import read_image_folder
from activation_study.errors import StudyError


def write(path, value=100, **options):
    """A grey picture of 4x4 pixels of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path, **options)


def fill(folder, first=0, classes=("cat", "dog"), count=5):
    """Pictures for each class, each of a value of its own."""
    for label, name in enumerate(classes):
        for number in range(count):
            write(folder / name / f"{number}.png", first + 20 * label + number)


def values(images):
    return sorted(images[:, 0, 0, 0].tolist())


def everything(root, **options):
    """The values of all pictures that are read."""
    arrays = read_image_folder(Path(), root, size=4, channels=1, **options)
    parts = [arrays.train_images, arrays.test_images, *([arrays.valid[0]] if arrays.valid else [])]
    return values(torch.cat(parts))


def refused(says, root, **options):
    with pytest.raises(StudyError, match=says) as error:
        load("image_folder", root=root, size=4, **options)
    assert "\n" not in str(error.value)


@pytest.fixture
def root(tmp_path):
    fill(tmp_path / "pets")
    return tmp_path / "pets"


ALL = [*range(5), *range(20, 25)]  # of `root`


# Hidden parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [".ipynb_checkpoints", "cat/.ipynb_checkpoints", "cat/deep/.thumbnails/more", "__MACOSX/cat", "dog/@eaDir", ".git"],
)
def test_hidden_folders_are_passed_over_at_any_depth(root, hidden, capsys) -> None:
    write(root / hidden / "copy.png", 99)
    assert everything(root) == ALL
    assert "1 hidden files or folders are passed over" in capsys.readouterr().err


def test_hidden_files_are_passed_over_and_the_roots_own_path_may_be_hidden(tmp_path, capsys) -> None:
    root = tmp_path / ".cache" / ".pets"
    fill(root)
    for name in ("cat/._0.png", "dog/.hidden.jpg", ".DS_Store"):
        write(root / name, 99, format="PNG")
    assert everything(root) == ALL
    assert f"{root}: 3 hidden files or folders are passed over: .DS_Store, cat/._0.png, dog/.hidden.jpg.\n" in (
        capsys.readouterr().err
    )


# Links ----------------------------------------------------------------------------------------------------------------


def test_links_to_folders_and_files_are_followed(root, tmp_path, capsys) -> None:
    elsewhere = tmp_path / "elsewhere"
    fill(elsewhere, 100, ["bird", "more"])
    write(elsewhere / "one.png", 200)
    (root / "bird").symlink_to(elsewhere / "bird")
    (root / "cat" / "more").symlink_to(elsewhere / "more")
    (root / "dog" / "one.png").symlink_to(elsewhere / "one.png")
    assert everything(root) == [*ALL, *range(100, 105), *range(120, 125), 200]
    assert capsys.readouterr().err == ""


def test_the_root_and_the_splits_may_be_links(root, tmp_path) -> None:
    (tmp_path / "split").mkdir()
    (tmp_path / "split" / "train").symlink_to(root)
    fill(tmp_path / "other", 100)
    (tmp_path / "split" / "test").symlink_to(tmp_path / "other")
    (tmp_path / "link").symlink_to(tmp_path / "split")
    arrays = read_image_folder(Path(), tmp_path / "link", size=4, channels=1)
    assert values(arrays.train_images) == ALL
    assert min(values(arrays.test_images)) == 100


@pytest.mark.parametrize("target", ["cat", ".", "..", "../.."])
def test_links_back_are_not_followed(root, target, capsys) -> None:
    """Neither to the class itself, nor to the root, nor to what holds it."""
    (root / "cat" / "deep").mkdir()
    (root / "cat" / "deep" / "loop").symlink_to(Path(os.path.abspath(root / target)))
    assert everything(root) == ALL
    assert "1 links lead back into a folder that they lie in and are not followed: cat/deep/loop" in (
        capsys.readouterr().err
    )


def test_links_that_lead_back_over_another_folder_are_not_followed(root, tmp_path, capsys) -> None:
    write(tmp_path / "other" / "one.png", 200)
    (tmp_path / "other" / "back").symlink_to(root)
    (root / "dog" / "there").symlink_to(tmp_path / "other")
    assert everything(root) == [*ALL, 200]
    assert "dog/there/back" in capsys.readouterr().err


def test_links_to_nothing_are_named(root, capsys) -> None:
    (root / "cat" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "cat" / "self.png").symlink_to(root / "cat" / "self.png")
    (root / "bird").symlink_to(root / "nowhere")
    assert everything(root) == ALL
    assert "3 links lead nowhere and are left out: bird, cat/gone.png, cat/self.png" in capsys.readouterr().err


def test_an_image_that_is_reached_twice_counts_once(root, tmp_path, capsys) -> None:
    """So that no image of the test split stands in training, where links share files."""
    (root / "cat" / "again.png").symlink_to(root / "cat" / "0.png")
    assert everything(root) == ALL
    assert "1 images are reached a second time, through links, and count once: cat/again.png" in (
        capsys.readouterr().err
    )
    split = tmp_path / "split"
    fill(split / "test", 100)
    fill(split / "train")
    (split / "train" / "cat" / "leak").symlink_to(split / "test" / "cat")
    arrays = read_image_folder(Path(), split, size=4, channels=1)
    assert values(arrays.train_images) == ALL


def test_an_image_in_two_classes_is_named(root, capsys) -> None:
    (root / "dog" / "cat.png").symlink_to(root / "cat" / "0.png")
    assert everything(root) == sorted([*ALL, 0])
    assert "1 images are in two classes, through links: dog/cat.png" in capsys.readouterr().err


# Kinds of files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG", ".avif", ".jp2", ".tga", ".pcx", ".ico", ".apng", ".mpo"])
def test_whatever_pillow_reads_is_an_image(root, suffix, capsys) -> None:
    kind = {".jfif": "JPEG", ".jpe": "JPEG", ".JPG": "JPEG", ".mpo": "JPEG", ".apng": "PNG"}.get(suffix)
    Image.new("L", (16, 16), 200).convert("RGB").save(root / "cat" / f"new{suffix}", format=kind)
    assert max(everything(root)) == pytest.approx(200, abs=3)
    assert capsys.readouterr().err == ""


def test_what_is_left_out_is_counted_and_named_in_a_line_a_kind(root, capsys) -> None:
    for name in ("cat/a.heic", "cat/b.HEIC", "dog/c.svg", "dog/d.cr2", "dog/notes.txt", "dog/README", "list.csv"):
        (root / name).write_text("something")
    write(root / "stray.png", 99)
    os.mkfifo(root / "cat" / "pipe.png")
    assert everything(root) == ALL
    start = f"warning: dataset.root={root}: "
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(
        [
            f"{start}5 images of kinds that cannot be read here are left out (2 .heic, 1 .png, 1 .svg, 1 .cr2): "
            "cat/a.heic, cat/b.HEIC, cat/pipe.png, ....",
            f"{start}3 other files are no images and are passed over (1 without suffix, 1 .txt, 1 .csv): "
            "dog/README, dog/notes.txt, list.csv.",
            f"{start}1 images lie in no folder of a class and are left out: stray.png.",
        ]
    )


# Splits ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("Training", "Testing"), ("TRAIN", "TEST"), ("training", "Test")]
)
@pytest.mark.parametrize("valid", [None, "val", "Valid", "VALIDATION"])
def test_the_usual_names_of_splits_are_known(tmp_path, train, test, valid, capsys) -> None:
    fill(tmp_path / train, 0)
    fill(tmp_path / test, 50)
    if valid:
        fill(tmp_path / valid, 100, count=3)
    (tmp_path / "extra").mkdir()
    data = load("image_folder", root=tmp_path, size=4, channels=1, preprocessing="raw", valid_size=0.2)
    told = capsys.readouterr().err
    assert "1 files or folders beside the splits are passed over: extra." in told
    assert data.classes == 2
    assert {round(255 * value) for value in values(data.test.images)} == {value + 50 for value in ALL}
    if valid:
        assert [round(255 * value) for value in values(data.valid.images)] == [100, 101, 102, 120, 121, 122]
        assert [round(255 * value) for value in values(data.train.images)] == ALL
        assert f"{valid}/ is the validation split, and dataset.valid_size is not used.\n" in told
    else:
        assert (len(data.train), len(data.valid)) == (8, 2)


def test_without_a_test_folder_the_test_split_is_drawn_from_training(tmp_path, capsys) -> None:
    fill(tmp_path / "train", 0)
    fill(tmp_path / "val", 100)
    data = load("image_folder", root=tmp_path, size=4, channels=1, preprocessing="raw")
    assert (len(data.train), len(data.valid), len(data.test)) == (8, 10, 2)
    assert data.test.labels.tolist() == [0, 1]
    assert "there is no test/: a share of 0.2 of every class in train/ is the test split" in capsys.readouterr().err


def test_a_validation_folder_belongs_to_the_checksum(tmp_path) -> None:
    for name in ("train", "val", "test"):
        fill(tmp_path / name)
    before = load("image_folder", root=tmp_path, size=4).checksum
    write(tmp_path / "val" / "cat" / "0.png", 200)
    assert load("image_folder", root=tmp_path, size=4).checksum != before


def test_splits_that_cannot_be_are_refused(tmp_path) -> None:
    fill(tmp_path / "a" / "Train")
    fill(tmp_path / "a" / "training")
    fill(tmp_path / "a" / "test")
    refused(r"a has Train/ and training/ for the same split; keep one", tmp_path / "a")
    fill(tmp_path / "b" / "val")
    fill(tmp_path / "b" / "test")
    refused(r"b holds test/ and val/ but no train/; add it", tmp_path / "b")
    fill(tmp_path / "c" / "train")
    fill(tmp_path / "c" / "val")
    write(tmp_path / "c" / "test" / "0.png")
    refused(r"c has test/ without folders of classes beside train/ with them", tmp_path / "c")
    fill(tmp_path / "d" / "train")
    fill(tmp_path / "d" / "val", classes=["cat", "cow"])
    fill(tmp_path / "d" / "test")
    refused(r"d has not the same classes in train/ and val/: cow, dog are in one of them only", tmp_path / "d")
    fill(tmp_path / "e" / "train")
    refused(r"e holds only train/ of train/ and test/ with folders of classes", tmp_path / "e")
    fill(tmp_path / "f" / "train", count=1)
    fill(tmp_path / "f" / "val")
    refused(r"the class cat .*, 1 in train/ and 5 in val/; give it at least 2 in train/ and 1 in val/", tmp_path / "f")


@pytest.mark.parametrize("folds", [["fold1", "fold2", "fold3"], ["images", "masks"], ["set_a", "set_b"]])
def test_classes_that_hold_the_same_folders_are_no_classes(tmp_path, folds) -> None:
    for number, fold in enumerate(folds):
        fill(tmp_path / fold, 50 * number)
    one, other, *_ = sorted(folds)
    says = rf"dataset\.root={tmp_path} holds {one}/ and {other}/, which both hold cat, dog: .*root={tmp_path}/{one}"
    refused(says, tmp_path)
    fill(tmp_path / "inner" / "train" / "fold1")
    fill(tmp_path / "inner" / "train" / "fold2")
    fill(tmp_path / "inner" / "test" / "fold1")
    fill(tmp_path / "inner" / "test" / "fold2")
    refused(r"inner/train holds fold1/ and fold2/", tmp_path / "inner")


def test_classes_may_hold_folders_of_their_own(root) -> None:
    """As long as they are not the same: one folder `images` in each is usual."""
    for name, value in (("cat/images/a.png", 60), ("dog/images/b.png", 61), ("dog/2024/c.png", 62)):
        write(root / name, value)
    assert everything(root) == [*ALL, 60, 61, 62]


# Small classes --------------------------------------------------------------------------------------------------------


def test_every_class_is_trained_on(tmp_path) -> None:
    """Of two images one is for testing and one for training; validation takes what larger classes can give."""
    fill(tmp_path, classes=["small"], count=2)
    fill(tmp_path, 50, classes=["large"], count=40)
    for seed in range(20):
        data = load("image_folder", root=tmp_path, size=4, split_seed=seed)
        assert data.train.labels.bincount(minlength=2).tolist() == [25, 1]
        limited = load("image_folder", root=tmp_path, size=4, split_seed=seed, train_limit=2)
        assert sorted(limited.train.labels.tolist()) == [0, 1]
    refused(r"dataset\.train_limit=1 is not possible; choose a whole number from 2 to 26", tmp_path, train_limit=1)


def test_too_few_images_for_validation_are_refused(tmp_path) -> None:
    fill(tmp_path, count=2)
    refused(r"dataset\.valid_size=0\.2 leaves a class without training images", tmp_path)
    refused(r"dataset\.valid_size=1 is not possible; choose a whole number from 0 to 0", tmp_path, valid_size=1)
