"""Files of the published sets: found, checked, fetched, and what a user is told where they are missing or damaged."""

import gzip
import hashlib
import os
import pickle
import re
import shutil
import struct
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from activation_study.datasets import downloads, fetch, load
from activation_study.errors import StudyError


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def random_images(n, channels, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, channels, size, size), dtype=np.uint8)


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
