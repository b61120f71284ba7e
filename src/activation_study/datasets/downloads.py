"""The files of the sets that torchvision knows: found, checked against published checksums, fetched.

An archive that lies in the data folder already is used and not fetched. A file reaches its place only whole: it is
fetched into a temporary folder, checked there, synced and renamed.
"""

import gzip
import math
import shutil
import struct
import sys
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from activation_study.errors import StudyError
from activation_study.progress import progress
from activation_study.syncing import sync_file, sync_folder

# torchvision publishes checksums of MNIST's compressed files only; these are of the files as they are read.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

WAYS_TO_GET = (
    "run `make data` where there is a network, or point data_dir or the environment variable "
    "ACTIVATION_STUDY_DATA at a folder that holds it, or fetch it from a copy with dataset.mirror=URL"
)


@dataclass(frozen=True)
class Published:
    """What is published about a set's files.

    Attributes:
        folder: where torchvision looks for the files, relative to the data folder.
        files: the MD5 of every file that is read; None where only its archive has one.
        archives: the MD5 of every archive that is downloaded.
        hosts: base URLs that carry the archives, each ending in a slash.
    """

    folder: str
    files: dict[str, str | None]
    archives: dict[str, str]
    hosts: list[str]

    def archive_of(self, file: str) -> str:
        """The archive that holds a file: MNIST's have one each, CIFAR's one for all."""
        return f"{file}.gz" if f"{file}.gz" in self.archives else next(iter(self.archives))


def published(class_name: str) -> Published:
    """What a class of torchvision.datasets says about its files: MNIST, FashionMNIST, CIFAR10 or CIFAR100."""
    from torchvision import datasets

    source = getattr(datasets, class_name)
    if issubclass(source, datasets.MNIST):
        known = MNIST_MD5 if class_name == "MNIST" else {}
        names = [archive.removesuffix(".gz") for archive, _ in source.resources]
        files = {name: known.get(name) for name in names}
        return Published(f"{class_name}/raw", files, dict(source.resources), list(source.mirrors))
    listed = [*source.train_list, *source.test_list, (source.meta["filename"], source.meta["md5"])]
    return Published(
        source.base_folder, dict(listed), {source.filename: source.tgz_md5}, [source.url.removesuffix(source.filename)]
    )


def require(name: str, class_name: str, data_dir: Path, *, download: bool, mirror: str | None) -> None:
    """Sees to it that every file of a set is there and whole; what is missing is unpacked or fetched.

    An archive that lies in the data folder, or where torchvision puts it, is unpacked if it is the published one; if
    not, it is named on stderr and left alone.

    Args:
        name: of the set, for messages.
        class_name: the class of torchvision that lists its files.
        data_dir: the data folder.
        download: whether what is missing may be fetched.
        mirror: base URL to fetch from instead of the set's own hosts.

    Raises:
        StudyError: a file is missing and cannot be fetched, is damaged, or cannot be read.
    """
    listed = published(class_name)
    with refusals_told(data_dir):
        missing = missing_files(listed, data_dir)
        if not missing:
            return
        needed = list(dict.fromkeys(listed.archive_of(path.name) for path in missing))
        there, faults = found_archives(listed, needed, data_dir)
        if len(there) < len(needed) and not download:
            beside = f" ({'; '.join(faults)})" if faults else ""
            raise StudyError(
                f"dataset={name} is not in data_dir={data_dir}: {missing[0]} is missing{beside}; {WAYS_TO_GET}"
            )
        for fault in faults:
            print(f"warning: {fault}; it is not used.", file=sys.stderr)
        fetch_and_unpack(name, listed, needed, there, data_dir, mirror)


def found_archives(listed: Published, needed: list[str], data_dir: Path) -> tuple[dict[str, Path], list[str]]:
    """The archives that lie where people put them: in the data folder, or in the set's own.

    Returns:
        Those that are whole, by name; and where there is none, what is wrong with each file of the name.
    """
    places = dict.fromkeys([data_dir, data_dir / listed.folder, (data_dir / listed.folder).parent])
    there: dict[str, Path] = {}
    faults = []
    for archive in needed:
        wrong = {}
        for path in (place / archive for place in places):
            if path.is_file():
                if fault := md5_fault(path, listed.archives[archive]):
                    wrong[path] = fault
                else:
                    there[archive] = path
                    break
        else:
            faults += [f"{path} {fault}" for path, fault in wrong.items()]
    return there, faults


@contextmanager
def refusals_told(data_dir: Path) -> Iterator[None]:
    """Turns what the file system refuses into one sentence that names the folder."""
    try:
        if data_dir.exists() and not data_dir.is_dir():
            raise StudyError(f"data_dir={data_dir} is a file; choose a folder")
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(
            f"data_dir={data_dir} cannot be used: {reason} ({error.filename or data_dir}); choose a folder you may use"
        ) from error


def missing_files(listed: Published, data_dir: Path) -> list[Path]:
    """The files of a set that are not there; those that are have been checked.

    Raises:
        StudyError: one of them is damaged.
    """
    missing = []
    for file, md5 in listed.files.items():
        path = data_dir / listed.folder / file
        try:
            fault = md5_fault(path, md5) if md5 else idx_fault(path, listed.archives[f"{file}.gz"])
        except FileNotFoundError:
            missing.append(path)
        else:
            if fault:
                raise StudyError(
                    f"data_dir={data_dir} holds a damaged file: {path} {fault}; "
                    "delete it and run `make data`, or choose another data_dir"
                )
    return missing


def md5_fault(path: Path, wanted: str) -> str | None:
    """What is wrong with a file that has a published MD5; None where nothing is."""
    from torchvision.datasets.utils import calculate_md5

    found = calculate_md5(path)
    return None if found == wanted else f"has MD5 {found} instead of {wanted}"


def idx_fault(path: Path, archive_md5: str) -> str | None:
    """What is wrong with a file in MNIST's idx format that has no published MD5 of its own; None where nothing is.

    Its size must be what its header says. Where the archive it came from lies beside it and has the published MD5,
    the CRC-32 that every gzip file ends with must be the file's.
    """
    with path.open("rb") as file:
        head = file.read(4)
        dimensions = head[3] if len(head) == 4 else 0
        sizes = file.read(4 * dimensions)
    if head[:3] != b"\0\0\x08" or len(sizes) != 4 * dimensions:
        return "does not begin as an idx file of bytes does"
    wanted = 4 + len(sizes) + math.prod(struct.unpack(f">{dimensions}I", sizes))
    if path.stat().st_size != wanted:
        return f"has {path.stat().st_size} bytes where its header says {wanted}"
    archive = path.with_name(path.name + ".gz")
    if not archive.exists():
        return None
    if fault := md5_fault(archive, archive_md5):
        return f"cannot be trusted: {archive.name} beside it {fault}"
    (crc,) = struct.unpack("<I", archive.read_bytes()[-8:-4])
    return None if zlib.crc32(path.read_bytes()) == crc else f"is not what {archive.name} beside it holds"


def fetch_and_unpack(
    name: str, listed: Published, needed: list[str], there: dict[str, Path], data_dir: Path, mirror: str | None
) -> None:
    """Downloads the archives that are not there, unpacks all of them, checks their files and puts these in place.

    Args:
        name: of the set, for messages.
        listed: its files, archives and hosts.
        needed: the archives to unpack.
        there: those of them that need not be downloaded, and where they are.
        data_dir: the data folder; made if it is not there.
        mirror: base URL to fetch from instead of the hosts.

    Raises:
        StudyError: an archive cannot be fetched or is not the published one; then nothing is left behind.
    """
    made = not data_dir.exists()
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=data_dir) as temporary:
            folder = Path(temporary) / listed.folder
            folder.mkdir(parents=True)
            for archive, path in there.items():
                shutil.copyfile(path, folder / archive)
            download_archives(listed, [archive for archive in needed if archive not in there], folder, name, mirror)
            for archive in needed:
                unpack(folder / archive)
            absent = [path for path in missing_files(listed, Path(temporary)) if listed.archive_of(path.name) in needed]
            if absent:
                raise StudyError(f"dataset={name} was unpacked but its archive holds no {absent[0].name}")
            put_in_place(folder, data_dir / listed.folder)
    finally:
        if made:
            with suppress(OSError):  # it holds something now
                data_dir.rmdir()


def download_archives(listed: Published, archives: list[str], folder: Path, name: str, mirror: str | None) -> None:
    """Downloads archives of a set into a folder, each from the first host that has it as published.

    torchvision's own downloader does not read file:// URLs, and takes no time limit.

    Raises:
        StudyError: no host has one of them.
    """
    hosts = [mirror.rstrip("/") + "/"] if mirror else listed.hosts
    for archive in archives:
        faults = []
        for host in hosts:
            try:
                copy_url(host + archive, folder / archive)
                fault = md5_fault(folder / archive, listed.archives[archive])
            # urllib's own errors are OSErrors; a ValueError is a URL of no kind that it knows.
            except (OSError, HTTPException, ValueError) as error:
                fault = f"cannot be fetched ({error})"
            if fault is None:
                break
            faults.append(f"{host}{archive} {fault}")
        else:
            way = f" from dataset.mirror={mirror}" if mirror else ""
            raise StudyError(
                f"dataset={name} could not be fetched{way}: {' and '.join(faults)}, so nothing was kept; {WAYS_TO_GET}"
            )


def copy_url(url: str, path: Path) -> None:
    """Writes what a URL answers to a file, with its progress on stderr.

    Raises:
        OSError, HTTPException, ValueError: there is no answer for a minute, or it is a refusal.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "activation-study"})
    with urllib.request.urlopen(request, timeout=60) as answer, path.open("wb") as file:
        size = int(answer.headers["Content-Length"] or 0) or None
        with progress(total=size, desc=path.name, unit="B", unit_scale=True, may_be_silent=True) as bar:
            while part := answer.read(1 << 16):
                bar.update(file.write(part))


def unpack(archive: Path) -> None:
    """Unpacks an archive to where torchvision looks for its files: .gz beside itself, .tar.gz beside its folder."""
    if archive.name.endswith(".tar.gz"):
        with tarfile.open(archive) as tar:
            tar.extractall(archive.parent.parent, filter="data")
        archive.unlink()  # its files have checksums of their own
    else:
        with gzip.open(archive) as packed, archive.with_suffix("").open("wb") as file:
            shutil.copyfileobj(packed, file)


def put_in_place(fetched: Path, folder: Path) -> None:
    """Moves checked files where they belong, each in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(fetched.iterdir()):
        with path.open("r+b") as file:  # Windows syncs no file that is open for reading only
            sync_file(file)
        path.replace(folder / path.name)
    sync_folder(folder)
