"""Files that are whole or not there, on file systems that can little."""

import errno
import os
import stat
from pathlib import Path

import pytest

from activation_study.errors import StudyError
from activation_study.runs import files, read
from activation_study.training.execute import execute

LATIN_1 = os.fsdecode(b"caf\xe9")  # no UTF-8


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "file"
    files.write_text(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StudyError, match=r"file: it cannot be written \(No space left on device\)"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
@pytest.mark.parametrize("of", ["folders", "files and folders"])
def test_a_file_system_that_cannot_sync_holds_runs(tiny_settings, monkeypatch, number, of) -> None:
    honest = os.fsync

    def cannot(descriptor: int) -> None:
        if of != "folders" or stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        honest(descriptor)

    monkeypatch.setattr(os, "fsync", cannot)
    (run,) = execute(tiny_settings("seeds=1"))
    assert run.damaged_file() is None
    assert len(read(tiny_settings()["runs_dir"]).runs) == 1


def test_a_system_that_opens_no_folders_and_knows_no_modes_holds_files(tmp_path, monkeypatch) -> None:
    """Windows refuses to open a folder, and some mounts to set a file's mode."""
    honest = os.open

    def refuses(path, *args, **kwargs) -> int:
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *args, **kwargs)

    def no_modes(path, mode, **kwargs) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "open", refuses)
    monkeypatch.setattr(Path, "chmod", no_modes)
    files.write_text(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "new"


def test_every_file_and_its_folder_are_synced_where_they_can_be(tmp_path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    files.write_text(tmp_path / "file", "new")
    assert synced == [False, True]


def test_text_that_utf_8_cannot_hold_is_written_with_escapes(tmp_path) -> None:
    files.write_text(tmp_path / "a", f"out={LATIN_1}")
    assert (tmp_path / "a").read_bytes() == rb"out=caf\udce9"
