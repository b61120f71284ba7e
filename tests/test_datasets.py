"""Datasets: splits, preprocessing, augmentation, and what a user is told when files are missing or damaged."""

import gzip
import hashlib
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from activation_study import datasets
from activation_study.datasets import SOURCES, Arrays, Source, augment, downloads, fetch, load, preprocessing
from activation_study.errors import StudyError

REAL_DATA = os.environ.get("ACTIVATION_STUDY_DATA")
needs_real_data = pytest.mark.skipif(
    not REAL_DATA, reason="the environment variable ACTIVATION_STUDY_DATA names no folder with MNIST and CIFAR-10"
)
CONF = Path(__file__).parents[1] / "conf" / "dataset"


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def random_images(n, channels, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, channels, size, size), dtype=np.uint8)


# ------------------------------------------------------------------------------------------ handmade sets on disk


def write_idx(path, array):
    path.write_bytes(struct.pack(f">2x2B{array.ndim}I", 8, array.ndim, *array.shape) + array.tobytes())


def write_mnist(folder):
    """A folder in MNIST's layout: 40 training and 10 test images of 6x6 pixels."""
    folder.mkdir(parents=True)
    for seed, (part, n) in enumerate((("train", 40), ("t10k", 10))):
        write_idx(folder / f"{part}-images-idx3-ubyte", random_images(n, 1, 6, seed).squeeze(1))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(n, dtype=np.uint8) % 10)


def write_cifar(folder):
    """A folder in CIFAR-10's layout: 5 x 4 training and 4 test images of 3x32x32 pixels."""
    folder.mkdir(parents=True)
    for seed, name in enumerate([f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]):
        batch = {"data": random_images(4, 3, 32, seed).reshape(4, -1), "labels": [seed, 1, 2, 3]}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))


@pytest.fixture
def mnist_dir(tmp_path, monkeypatch):
    """A data folder with a handmade MNIST whose checksums count as published."""
    folder = tmp_path / "data" / "MNIST" / "raw"
    write_mnist(folder)
    monkeypatch.setattr(downloads, "MNIST_MD5", {path.name: md5(path) for path in folder.iterdir()})
    return tmp_path / "data"


@pytest.fixture
def fashion_dir(tmp_path, monkeypatch):
    """A data folder with a handmade Fashion-MNIST and its archives, whose checksums count as published."""
    from torchvision.datasets import FashionMNIST

    folder = tmp_path / "data" / "FashionMNIST" / "raw"
    write_mnist(folder)
    for path in list(folder.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr(FashionMNIST, "resources", [(path.name, md5(path)) for path in sorted(folder.glob("*.gz"))])
    return tmp_path / "data"


@pytest.fixture
def cifar_dir(tmp_path, monkeypatch):
    """A data folder with a handmade CIFAR-10, its archive in `host`, both counting as published."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "data" / "cifar-10-batches-py"
    write_cifar(folder)
    host = tmp_path / "host"
    host.mkdir()
    with tarfile.open(host / CIFAR10.filename, "w:gz") as tar:
        tar.add(folder, folder.name)
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(host / CIFAR10.filename))
    monkeypatch.setattr(
        CIFAR10, "train_list", [(f"data_batch_{i}", md5(folder / f"data_batch_{i}")) for i in range(1, 6)]
    )
    monkeypatch.setattr(CIFAR10, "test_list", [("test_batch", md5(folder / "test_batch"))])
    monkeypatch.setattr(CIFAR10, "meta", dict(CIFAR10.meta, md5=md5(folder / "batches.meta")))
    # Whatever a test forgets to say, nothing is asked of a real host.
    monkeypatch.setattr(CIFAR10, "url", f"file://{tmp_path}/nowhere/{CIFAR10.filename}")
    return tmp_path / "data"


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


# ------------------------------------------------------------------------------------------------------- preprocessing


def test_standardize_has_mean_0_and_std_1_on_the_training_images():
    for choice in ({}, {"train_limit": 100}, {"valid_size": 0}):
        images = load("digits", **choice).train.images
        assert images.mean().item() == pytest.approx(0, abs=1e-5)
        assert images.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_standardize_works_channel_by_channel_with_the_training_statistics():
    train = torch.rand(50, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1, 0.5, 0.1]).view(
        3, 1, 1
    )
    other = torch.rand(5, 3, 4, 4)
    mean = train.mean((0, 2, 3)).view(3, 1, 1)
    std = train.std((0, 2, 3), correction=0).view(3, 1, 1)
    transform = preprocessing.standardize(train)
    torch.testing.assert_close(transform(other.clone()), (other - mean) / std)


def test_standardize_only_centres_a_constant_channel():
    images = torch.full((20, 1, 9, 9), 0.1)
    assert preprocessing.standardize(images)(images.clone()).abs().max() < 1e-6


def test_raw_is_0_to_1():
    images = load("digits", preprocessing="raw").train.images
    assert (images.min(), images.max()) == (0, 1)


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(0.05, 20), shift=st.floats(-1, 1), seed=st.integers(0, 1000))
def test_contrast_normalize_ignores_brightness_and_contrast(gain, shift, seed):
    images = torch.rand(4, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    normalised = preprocessing.contrast_normalize(images)
    torch.testing.assert_close(
        preprocessing.contrast_normalize(gain * images + shift), normalised, atol=1e-2, rtol=1e-3
    )
    torch.testing.assert_close(normalised.flatten(1).norm(dim=1), torch.full((4,), 55.0))
    torch.testing.assert_close(normalised.mean((1, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)


def test_contrast_normalize_of_one_colour_is_zero():
    assert torch.equal(preprocessing.contrast_normalize(torch.full((2, 3, 5, 5), 0.3)), torch.zeros(2, 3, 5, 5))


def covariance(images):
    return torch.cov(images.flatten(1).double().T, correction=0)


def test_gcn_zca_whitens_the_training_images():
    train = torch.rand(5000, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    train = 0.7 * train + 0.3 * train.roll(1, dims=-1)  # neighbours correlate
    whitened = preprocessing.gcn_zca(train, filter_bias=1e-6)(train.clone())
    # Normalised contrast has no mean, so one of the 16 directions is empty; along the others the variance is 1.
    identity = torch.eye(16, dtype=torch.float64) - 1 / 16
    torch.testing.assert_close(covariance(whitened), identity, atol=1e-3, rtol=0)
    torch.testing.assert_close(whitened.mean(0), torch.zeros(1, 4, 4), atol=1e-4, rtol=0)


def test_gcn_zca_equals_the_formula(monkeypatch):
    monkeypatch.setattr(preprocessing, "PART", 7)  # parts must not matter
    train, other = (torch.rand(40, 3, 3, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))

    def normalised(images):
        flat = images.double().flatten(1).numpy()
        flat = flat - flat.mean(1, keepdims=True)
        return 55 * flat / np.linalg.norm(flat, axis=1, keepdims=True)

    mean, cov = normalised(train).mean(0), np.cov(normalised(train).T, bias=True)
    values, vectors = np.linalg.eigh(cov)
    expected = (normalised(other) - mean) @ vectors @ np.diag((values + 0.1) ** -0.5) @ vectors.T
    found = preprocessing.gcn_zca(train)(other.clone()).flatten(1).double().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)


# -------------------------------------------------------------------------------------------------------- augmentation


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def augment_one_by_one(images, seeds, padding, flip):
    """What `augment` does, image after image."""
    result = torch.zeros_like(images)
    height, width = images.shape[-2:]
    for replica, generator in enumerate(generators(*seeds)):
        draws = torch.rand(3, images.shape[1], generator=generator)
        for i, (top, left, mirrored) in enumerate(draws.T.tolist()):
            image = images[replica, i]
            padded = image.new_zeros(len(image), height + 2 * padding, width + 2 * padding)
            padded[:, padding : padding + height, padding : padding + width] = image
            row, column = int(top * (2 * padding + 1)), int(left * (2 * padding + 1))
            crop = padded[:, row : row + height, column : column + width]
            result[replica, i] = crop.flip(-1) if flip and mirrored < 0.5 else crop
    return result


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, n) for n in (3, 5, 3, 7, 7)]),
    padding=st.integers(0, 4),
    flip=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_augment_equals_a_loop_over_images(shape, padding, flip, seed):
    images = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    seeds = [seed + replica for replica in range(shape[0])]
    found = augment(images, generators(*seeds), padding=padding, flip=flip)
    assert torch.equal(found, augment_one_by_one(images, seeds, padding, flip))


def test_augment_draws_each_replica_alone():
    images = torch.randn(3, 16, 3, 8, 8)
    together = augment(images, generators(7, 8, 9), padding=2, flip=True)
    for replica, seed in enumerate((7, 8, 9)):
        alone = augment(images[replica : replica + 1], generators(seed), padding=2, flip=True)
        assert torch.equal(alone[0], together[replica])


def test_augment_reaches_every_place_equally_often():
    batch = 25 * 2 * 200
    images = torch.zeros(1, batch, 1, 7, 7)
    images[..., 3, 2] = 1  # where it lands tells offset and flip
    found = augment(images, generators(0), padding=2, flip=True)
    counts = found.sum((0, 1, 2))
    # Unflipped it lands in columns 0-4, flipped in 2-6, where they overlap twice as often.
    expected = torch.zeros(7, 7)
    expected[1:6, 0:5] += 200
    expected[1:6, 2:7] += 200
    assert counts.sum() == batch
    assert ((counts - expected).abs() < 5 * expected.sqrt() + 1e-9).all()


def test_augment_without_a_choice_returns_the_images():
    images = torch.randn(2, 3, 1, 4, 4)
    assert augment(images, generators(0, 1), padding=0, flip=False) is images


def test_augment_refuses_what_it_cannot_do():
    images = torch.randn(2, 3, 1, 4, 4)
    with pytest.raises(StudyError, match=r"dataset\.augment\.padding=-1"):
        augment(images, generators(0, 1), padding=-1, flip=False)
    with pytest.raises(ValueError, match="2 replicas"):
        augment(images, generators(0), padding=1, flip=False)


# --------------------------------------------------------------------------------------------- files on disk: handmade


def test_mnist_format(mnist_dir):
    mnist = load("mnist", data_dir=mnist_dir, download=False, valid_size=8, preprocessing="raw")
    assert (mnist.shape, len(mnist.train), len(mnist.valid), len(mnist.test)) == ((1, 6, 6), 32, 8, 10)
    assert torch.equal(mnist.test.labels, torch.arange(10))
    torch.testing.assert_close(mnist.test.images, torch.from_numpy(random_images(10, 1, 6, seed=1)) / 255)


def test_mnist_takes_no_unchecked_file_of_old_torchvision(mnist_dir):
    processed = mnist_dir / "MNIST" / "processed"
    processed.mkdir()
    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(9, 6, 6, dtype=torch.uint8), torch.zeros(9, dtype=torch.int64)), processed / name)
    assert len(load("mnist", data_dir=mnist_dir, valid_size=8).test) == 10


def test_cifar_format(cifar_dir):
    cifar = load("cifar10", data_dir=str(cifar_dir), download=False, valid_size=5, preprocessing="raw")
    assert (cifar.shape, len(cifar.train), len(cifar.valid), len(cifar.test)) == ((3, 32, 32), 15, 5, 4)
    assert cifar.test.labels.tolist() == [5, 1, 2, 3]
    torch.testing.assert_close(cifar.test.images, torch.from_numpy(random_images(4, 3, 32, seed=5)) / 255)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_missing_set_says_what_to_do(tmp_path, name):
    with pytest.raises(StudyError) as error:
        load(name, data_dir=tmp_path / "data", download=False)
    for word in (f"dataset={name}", f"data_dir={tmp_path}", "make data", "ACTIVATION_STUDY_DATA", "dataset.mirror="):
        assert word in str(error.value)
    assert not (tmp_path / "data").exists()


def test_one_missing_file_is_named(mnist_dir):
    (mnist_dir / "MNIST/raw/t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(StudyError, match="t10k-labels-idx1-ubyte is missing"):
        load("mnist", data_dir=mnist_dir, download=False)


def flip_bit(path, at=-1):
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 1
    path.write_bytes(damaged)


@pytest.mark.parametrize("download", [True, False])
@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_damaged_mnist_file_is_named(mnist_dir, file, download):
    flip_bit(mnist_dir / "MNIST/raw" / file)
    with pytest.raises(StudyError, match=f"{file} has MD5 .*delete it"):
        load("mnist", data_dir=mnist_dir, download=download)


@pytest.mark.parametrize("file", ["data_batch_3", "test_batch", "batches.meta"])
def test_damaged_cifar_file_is_named(cifar_dir, file):
    flip_bit(cifar_dir / "cifar-10-batches-py" / file)
    with pytest.raises(StudyError, match=f"{file} has MD5 .*delete it"):
        load("cifar10", data_dir=cifar_dir)


def test_fashion_mnist_is_checked_against_its_archives(fashion_dir):
    raw = fashion_dir / "FashionMNIST" / "raw"
    assert len(load("fashion_mnist", data_dir=fashion_dir, valid_size=8, download=False).test) == 10
    flip_bit(raw / "train-images-idx3-ubyte")
    with pytest.raises(StudyError, match=r"train-images-idx3-ubyte is not what train-images-idx3-ubyte\.gz"):
        load("fashion_mnist", data_dir=fashion_dir)
    flip_bit(raw / "train-images-idx3-ubyte.gz")
    with pytest.raises(StudyError, match=r"train-images-idx3-ubyte\.gz beside it has MD5"):
        load("fashion_mnist", data_dir=fashion_dir)


def test_fashion_mnist_without_archives_is_checked_by_its_headers(fashion_dir):
    raw = fashion_dir / "FashionMNIST" / "raw"
    for archive in raw.glob("*.gz"):
        archive.unlink()
    assert len(load("fashion_mnist", data_dir=fashion_dir, valid_size=8, download=False).test) == 10
    images = raw / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    for damaged, message in (
        (whole[:-1], "has 1455 bytes where its header says 1456"),
        (b"<html>" + whole, "does not begin as an idx file"),
        (whole[:6], "does not begin as an idx file"),
        (b"", "does not begin as an idx file"),
    ):
        images.write_bytes(damaged)
        with pytest.raises(StudyError, match=f"train-images-idx3-ubyte {message}"):
            load("fashion_mnist", data_dir=fashion_dir)


@pytest.mark.parametrize("download", [True, False])
def test_data_dir_that_is_a_file_is_named(tmp_path, download):
    path = tmp_path / "data"
    path.write_text("")
    with pytest.raises(StudyError, match=f"data_dir={path} is a file"):
        load("mnist", data_dir=path, download=download)


@pytest.mark.parametrize("download", [True, False])
def test_set_folder_that_is_a_file_is_named(tmp_path, download):
    (tmp_path / "MNIST").write_text("")
    with pytest.raises(StudyError, match=f"data_dir={tmp_path} cannot be used: Not a directory"):
        load("mnist", data_dir=tmp_path, download=download)


def test_folder_without_permission_is_named(mnist_dir, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("torchvision.datasets.utils.calculate_md5", refuse)
    with pytest.raises(StudyError, match=f"data_dir={mnist_dir} cannot be used: Permission denied .*train-images"):
        load("mnist", data_dir=mnist_dir)


def test_folder_that_cannot_be_written_is_named(cifar_dir, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(StudyError, match="cannot be used: Permission denied"):
        fetch("cifar10", tmp_path / "new", f"file://{tmp_path}/host")
    assert not (tmp_path / "new").exists()


# -------------------------------------------------------------------------------------------------- fetching, mirrors


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_mirror_brings_the_set(cifar_dir, tmp_path):
    original = load("cifar10", data_dir=cifar_dir, valid_size=5)
    new = tmp_path / "a" / "new"
    fetched = load("cifar10", data_dir=new, valid_size=5, mirror=f"file://{tmp_path}/host")
    assert fetched.checksum == original.checksum
    assert everything_in(new) == everything_in(cifar_dir)
    assert not [path for path in new.iterdir() if path.name.startswith(".")]


def test_mirror_over_http(cifar_dir, tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "host"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        fetch("cifar10", tmp_path / "new", host)
        with pytest.raises(StudyError, match="404"):
            fetch("cifar100", tmp_path / "new", host)
        server.shutdown()
    assert everything_in(tmp_path / "new") == everything_in(cifar_dir)


def test_mirror_brings_mnist_format(fashion_dir, tmp_path):
    fetch("fashion_mnist", tmp_path / "new", f"file://{fashion_dir}/FashionMNIST/raw")
    assert everything_in(tmp_path / "new") == everything_in(fashion_dir)
    assert len(load("fashion_mnist", data_dir=tmp_path / "new", valid_size=8, download=False).test) == 10


def test_second_host_is_tried(fashion_dir, tmp_path, monkeypatch):
    from torchvision.datasets import FashionMNIST

    hosts = [f"file://{tmp_path}/nowhere/", f"file://{fashion_dir}/FashionMNIST/raw/"]
    monkeypatch.setattr(FashionMNIST, "mirrors", hosts)
    fetch("fashion_mnist", tmp_path / "new")
    assert everything_in(tmp_path / "new") == everything_in(fashion_dir)


def test_only_a_missing_file_is_fetched_again(cifar_dir, tmp_path):
    whole = everything_in(cifar_dir)
    (cifar_dir / "cifar-10-batches-py" / "data_batch_2").unlink()
    fetch("cifar10", cifar_dir, f"file://{tmp_path}/host")
    assert everything_in(cifar_dir) == whole


def test_nothing_is_fetched_when_the_set_is_there(cifar_dir):
    fetch("cifar10", cifar_dir, "file:///nowhere")
    load("cifar10", data_dir=cifar_dir, mirror="file:///nowhere", valid_size=5)


@pytest.mark.parametrize("place", ["", "cifar-10-batches-py"])
@pytest.mark.parametrize("download", [True, False])
def test_an_archive_in_data_dir_is_used_and_not_fetched(cifar_dir, tmp_path, place, download, capsys):
    there = tmp_path / "new" / place
    there.mkdir(parents=True)
    archive = shutil.copy(tmp_path / "host" / "cifar-10-python.tar.gz", there)
    loaded = load("cifar10", data_dir=tmp_path / "new", valid_size=5, download=download, mirror="file:///nowhere")
    assert loaded.checksum == load("cifar10", data_dir=cifar_dir, valid_size=5).checksum
    assert md5(Path(archive)) == md5(tmp_path / "host" / "cifar-10-python.tar.gz")
    assert not [path for path in (tmp_path / "new").iterdir() if path.name.startswith(".")]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("place", ["", "FashionMNIST", "FashionMNIST/raw"])
def test_archives_of_mnists_format_in_data_dir_are_used(fashion_dir, tmp_path, place):
    there = tmp_path / "new" / place
    there.mkdir(parents=True)
    for archive in (fashion_dir / "FashionMNIST" / "raw").glob("*.gz"):
        shutil.copy(archive, there)
    loaded = load("fashion_mnist", data_dir=tmp_path / "new", valid_size=8, download=False)
    assert loaded.checksum == load("fashion_mnist", data_dir=fashion_dir, valid_size=8).checksum


def test_an_archive_of_the_one_file_that_is_missing_is_enough(fashion_dir, tmp_path):
    raw = fashion_dir / "FashionMNIST" / "raw"
    (raw / "t10k-labels-idx1-ubyte.gz").rename(fashion_dir / "t10k-labels-idx1-ubyte.gz")
    for path in [*raw.glob("*.gz"), raw / "t10k-labels-idx1-ubyte"]:
        path.unlink()
    assert len(load("fashion_mnist", data_dir=fashion_dir, valid_size=8, download=False).test) == 10


def test_a_damaged_archive_in_data_dir_is_named_and_then_fetched_or_refused(cifar_dir, tmp_path, capsys):
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(tmp_path / "host" / "cifar-10-python.tar.gz", new)
    flip_bit(new / "cifar-10-python.tar.gz")
    with pytest.raises(StudyError, match=rf"is missing \({new}/cifar-10-python\.tar\.gz has MD5 .* instead of .*\);"):
        load("cifar10", data_dir=new, download=False)
    before = (new / "cifar-10-python.tar.gz").read_bytes()
    load("cifar10", data_dir=new, valid_size=5, mirror=f"file://{tmp_path}/host")
    told = capsys.readouterr().err
    assert re.fullmatch(rf"warning: {new}/cifar-10-python\.tar\.gz has MD5 .* instead of .*; it is not used\.\n", told)
    assert (new / "cifar-10-python.tar.gz").read_bytes() == before


def test_an_archive_of_the_other_mnist_is_not_taken_for_this_one(fashion_dir, tmp_path, capsys):
    """Both have archives of the same names."""
    for archive in (fashion_dir / "FashionMNIST" / "raw").glob("*.gz"):
        shutil.copy(archive, tmp_path)
    with pytest.raises(StudyError, match=r"dataset=mnist is not in data_dir=.*train-images-idx3-ubyte\.gz has MD5"):
        load("mnist", data_dir=tmp_path, download=False)


def test_files_are_put_in_place_where_nothing_can_be_synced(cifar_dir, tmp_path, monkeypatch):
    def cannot(descriptor):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", cannot)
    fetch("cifar10", tmp_path / "new", f"file://{tmp_path}/host")
    assert everything_in(tmp_path / "new") == everything_in(cifar_dir)


def test_mirror_with_another_archive_is_refused_by_name(cifar_dir, tmp_path):
    flip_bit(tmp_path / "host" / "cifar-10-python.tar.gz")
    with pytest.raises(StudyError, match=r"dataset\.mirror=file://.*cifar-10-python\.tar\.gz has MD5 .* instead of"):
        load("cifar10", data_dir=tmp_path / "new", mirror=f"file://{tmp_path}/host")
    assert not (tmp_path / "new").exists()


def test_second_archive_that_fails_leaves_nothing(fashion_dir, tmp_path):
    (tmp_path / "there").mkdir()
    flip_bit(fashion_dir / "FashionMNIST/raw/train-labels-idx1-ubyte.gz")
    with pytest.raises(StudyError, match=r"train-labels-idx1-ubyte\.gz has MD5"):
        fetch("fashion_mnist", tmp_path / "there", f"file://{fashion_dir}/FashionMNIST/raw")
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("mirror", ["file:///nowhere", "no-url", "http://127.0.0.1:9", "ftq://host"])
def test_mirror_that_does_not_answer_is_named(cifar_dir, tmp_path, mirror):
    with pytest.raises(StudyError, match=f"from dataset.mirror={mirror}: .*cannot be fetched .*make data"):
        load("cifar10", data_dir=tmp_path / "new", mirror=mirror)
    assert not (tmp_path / "new").exists()


def test_host_that_does_not_answer_says_what_to_do(cifar_dir, tmp_path):
    with pytest.raises(
        StudyError, match=r"dataset=cifar10 could not be fetched: .*cannot be fetched .*dataset\.mirror=URL"
    ):
        load("cifar10", data_dir=tmp_path / "new")


def test_interrupted_fetch_leaves_nothing(cifar_dir, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "put_in_place", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch("cifar10", tmp_path / "new", f"file://{tmp_path}/host")
    assert not (tmp_path / "new").exists()


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
