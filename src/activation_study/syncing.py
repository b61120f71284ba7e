"""Bringing files safely to disk, where the system can: some file systems cannot, and Windows opens no folders."""

import contextlib
import errno
import os
from pathlib import Path
from typing import IO, Any

CANNOT = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY, errno.EROFS}


def sync_file(file: IO[Any]) -> None:
    """Waits until an open file's content is on disk.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def sync_folder(folder: Path) -> None:
    """Makes a rename in a folder survive a power cut; the rename itself is done, so nothing fails here."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
