"""Data sets by name: their choices, their splits, and the real ones."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from activation_study import datasets
from activation_study.datasets import SOURCES, Arrays, Source, fetch, load, preprocessing
from activation_study.errors import StudyError

REAL_DATA = os.environ.get("ACTIVATION_STUDY_DATA")


needs_real_data = pytest.mark.skipif(
    not REAL_DATA, reason="the environment variable ACTIVATION_STUDY_DATA names no folder with MNIST and CIFAR-10"
)


CONF = Path(__file__).parents[1] / "conf" / "dataset"


def random_images(n, channels, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, channels, size, size), dtype=np.uint8)


# ------------------------------------------------------------------------------------------------- names and choices


def test_import_needs_neither_torchvision_nor_sklearn():
    code = (
        "import sys, activation_study.datasets as d; d.load; "
        "print([m for m in ('torchvision', 'sklearn', 'PIL') if m in sys.modules])"
    )
    path = os.pathsep.join([str(Path(datasets.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    out = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("call", [load, fetch])
def test_unknown_dataset_names_the_choices(call):
    with pytest.raises(StudyError, match=r"dataset=minst .*digits, mnist, fashion_mnist, cifar10, cifar100"):
        call("minst")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"preprocessing": "whiten"}, r"dataset\.preprocessing=whiten: .*standardize, gcn_zca, raw"),
        ({"valid_size": -1}, r"dataset\.valid_size=-1 .* 0 to 1437"),
        ({"valid_size": 1438}, r"dataset\.valid_size=1438 .* 0 to 1437"),
        ({"valid_size": "many"}, r"dataset\.valid_size=many"),
        ({"valid_size": 1.0}, r"dataset\.valid_size=1\.0 .* 0 to 1437"),
        ({"valid_size": 0.0}, r"dataset\.valid_size=0\.0 .* 0 to 1437"),
        ({"size": 8}, r"dataset\.size=8: dataset=digits has no such option; its options: none"),
        ({"split_seed": -1}, r"dataset\.split_seed=-1 .* 0 to 4294967295"),
        ({"train_limit": 0}, r"dataset\.train_limit=0 .* 1 to 1168"),
        ({"train_limit": 1169}, r"dataset\.train_limit=1169 .* 1 to 1168"),
        ({"train_limit": 2.5}, r"dataset\.train_limit=2\.5"),
        ({"train_limit": True}, r"dataset\.train_limit=True"),
    ],
)
def test_impossible_choice_names_key_value_and_range(choice, message):
    with pytest.raises(StudyError, match=message):
        load("digits", **choice)


def test_configuration_files_match_the_registry():
    from omegaconf import OmegaConf

    assert {path.stem for path in CONF.glob("*.yaml")} == set(SOURCES)
    own = ["root", "size", "channels", "test_share"]
    for path in CONF.glob("*.yaml"):
        config = OmegaConf.to_container(OmegaConf.load(path))
        is_folder = path.stem == "image_folder"
        assert list(config) == [
            "name", *(own if is_folder else []), "valid_size", "train_limit", "split_seed", "preprocessing", "augment",
            *([] if is_folder else ["mirror"]),
        ]  # fmt: skip
        assert config["name"] == path.stem
        assert config["valid_size"] == SOURCES[path.stem].valid_size
        assert config["preprocessing"] in preprocessing.PREPROCESSINGS
        assert config["augment"] == {"padding": 0, "flip": False}


def test_another_set_is_a_function_and_one_line(monkeypatch):
    images, labels = torch.from_numpy(random_images(30, 2, 5)), torch.arange(30) % 3
    mine = Source(lambda data_dir: Arrays(images, labels, images, labels), classes=3, valid_size=6)
    monkeypatch.setitem(SOURCES, "mine", mine)
    mine = load("mine")
    assert (mine.shape, mine.classes, len(mine.train), len(mine.valid), len(mine.test)) == ((2, 5, 5), 3, 24, 6, 30)
    fetch("mine")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64), r"torch\.float32"),
        (torch.zeros(4, 2, 2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64), r"\(4, 2, 2\)"),
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), r"labels \(3,\)"),
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.arange(4), r"labels outside of 0 to 2"),
    ],
)
def test_another_set_that_breaks_its_promise_is_refused(monkeypatch, images, labels, message):
    monkeypatch.setitem(SOURCES, "mine", Source(lambda data_dir: Arrays(images, labels, images, labels), 3, 1))
    with pytest.raises(StudyError, match=message):
        load("mine")


# ------------------------------------------------------------------------------------------------------ digits, splits


def test_digits():
    digits = load("digits")
    assert (digits.name, digits.shape, digits.classes) == ("digits", (1, 8, 8), 10)
    assert (len(digits.train), len(digits.valid), len(digits.test)) == (1168, 270, 359)
    for split in (digits.train, digits.valid, digits.test):
        assert split.images.shape == (len(split), 1, 8, 8)
        assert split.images.dtype == torch.float32
        assert split.labels.dtype == torch.int64
        assert set(split.labels.tolist()) == set(range(10))
        assert split.images.isfinite().all()


def test_digits_split_is_the_same_for_ever():
    digits = load("digits")
    assert digits.checksum == "9635fe126187534e9b847052bc6b4977c29efc7c24f1211d00c0b8bcc5af466e"
    assert digits.valid.labels[:10].tolist() == [4, 0, 3, 5, 9, 2, 9, 8, 3, 2]
    assert digits.test.labels[:10].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5]


def image_keys(images):
    return sorted(image.numpy().tobytes() for image in images)


@settings(max_examples=20, deadline=None)
@given(valid_size=st.integers(0, 1437), seed=st.integers(0, 2**32 - 1))
def test_splits_are_disjoint_and_complete(valid_size, seed):
    arrays = SOURCES["digits"].read(Path())
    digits = load("digits", valid_size=valid_size, split_seed=seed, preprocessing="raw")
    assert len(digits.valid) == valid_size
    together = torch.cat([digits.train.images, digits.valid.images])
    # As multisets: scikit-learn's digits hold no image twice, so the parts are disjoint as well.
    assert image_keys(together) == image_keys(arrays.train_images.float() / 16)
    assert torch.equal(digits.test.images, arrays.test_images.float() / 16)
    assert torch.equal(digits.test.labels, arrays.test_labels)


def test_digits_hold_no_image_twice():
    arrays = SOURCES["digits"].read(Path())
    assert len(set(image_keys(torch.cat([arrays.train_images, arrays.test_images])))) == 1797


@settings(max_examples=20, deadline=None)
@given(limit=st.integers(1, 1168))
def test_train_limit_keeps_the_first_and_leaves_the_other_splits_alone(limit):
    whole, limited = load("digits", preprocessing="raw"), load("digits", preprocessing="raw", train_limit=limit)
    assert torch.equal(limited.train.images, whole.train.images[:limit])
    assert torch.equal(limited.train.labels, whole.train.labels[:limit])
    assert torch.equal(limited.valid.images, whole.valid.images)
    assert torch.equal(limited.test.images, whole.test.images)


@pytest.mark.parametrize(("share", "size"), [(0.25, 360), (0.0001, 1), (0.9999, 1437)])
def test_a_share_of_the_training_images_for_validation(share, size):
    digits = load("digits", valid_size=share)
    assert (len(digits.valid), len(digits.train)) == (size, 1438 - size)
    assert torch.equal(digits.valid.labels, load("digits", valid_size=size).valid.labels)


def test_split_seed_changes_the_validation_images_only():
    first, again, other = (load("digits", split_seed=seed, preprocessing="raw") for seed in (0, 0, 1))
    assert torch.equal(first.valid.images, again.valid.images)
    assert not torch.equal(first.valid.images, other.valid.images)
    assert torch.equal(first.test.images, other.test.images)


@pytest.mark.parametrize("name", ["standardize", "gcn_zca", "raw"])
def test_test_data_change_nothing_else(monkeypatch, name):
    source = SOURCES["digits"]

    def scrambled(data_dir):
        arrays = source.read(data_dir)
        images, labels = torch.randint_like(arrays.test_images, 16), torch.randint_like(arrays.test_labels, 10)
        return Arrays(arrays.train_images, arrays.train_labels, images, labels, arrays.white)

    before = load("digits", preprocessing=name)
    monkeypatch.setitem(SOURCES, "digits", Source(scrambled, 10, source.valid_size))
    after = load("digits", preprocessing=name)
    for split in ("train", "valid"):
        assert torch.equal(getattr(before, split).images, getattr(after, split).images)
        assert torch.equal(getattr(before, split).labels, getattr(after, split).labels)
    assert before.checksum != after.checksum


def test_checksum_is_of_the_source_whatever_is_done_with_it():
    checksums = {
        load("digits", **choice).checksum
        for choice in ({}, {"train_limit": 10}, {"preprocessing": "raw"}, {"split_seed": 3}, {"valid_size": 0})
    }
    assert len(checksums) == 1


# -------------------------------------------------------------------------------------------------------- the real sets


@needs_real_data
def test_real_mnist():
    mnist = load("mnist", data_dir=REAL_DATA, download=False, preprocessing="raw", valid_size=0)
    assert (len(mnist.train), len(mnist.test), mnist.shape) == (60_000, 10_000, (1, 28, 28))
    # The statistics that everyone normalises MNIST with.
    assert mnist.train.images.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert mnist.train.images.std().item() == pytest.approx(0.3081, abs=1e-4)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.train.labels.bincount().tolist() == counts
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


@needs_real_data
def test_real_mnist_is_split_as_in_the_papers():
    mnist = load("mnist", data_dir=REAL_DATA, download=False)
    assert (len(mnist.train), len(mnist.valid), len(mnist.test)) == (50_000, 10_000, 10_000)
    assert mnist.train.images.mean().item() == pytest.approx(0, abs=1e-5)
    assert mnist.train.images.std().item() == pytest.approx(1, abs=1e-5)


@needs_real_data
def test_real_cifar10():
    cifar = load("cifar10", data_dir=REAL_DATA, download=False, preprocessing="raw", valid_size=0)
    assert (len(cifar.train), len(cifar.test), cifar.shape) == (50_000, 10_000, (3, 32, 32))
    means = torch.tensor([0.4914, 0.4822, 0.4465])
    torch.testing.assert_close(cifar.train.images.mean((0, 2, 3)), means, atol=1e-4, rtol=0)
    assert cifar.train.labels.bincount().tolist() == [5000] * 10
    assert cifar.test.labels.bincount().tolist() == [1000] * 10
