"""Files that are whole or not there: written under a temporary name, flushed, synced and renamed."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pandas as pd
import yaml

from activation_study.errors import StudyError
from activation_study.syncing import sync_file, sync_folder


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Writes a file through `fill`; whatever goes wrong, the file at `path` is the old one or the new one.

    Raises:
        StudyError: the folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            fill(file)
            file.flush()
            sync_file(file)
        with contextlib.suppress(PermissionError):  # some mounts have no modes
            temporary.chmod(0o644)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(f"{path}: it cannot be written ({reason}); earlier results are kept.") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes text as UTF-8; what that cannot hold, such as a path in another encoding, is escaped."""
    write(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_yaml(path: Path, value: Any) -> None:
    """Writes plain dictionaries and lists as YAML, in their own order."""
    write_text(path, yaml.safe_dump(value, sort_keys=False))


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as Parquet."""
    write(path, lambda file: table.to_parquet(file, index=False))


def check_folder(key: str, folder: Path) -> None:
    """Refuses a folder that results could not be written to, before they are made; makes nothing.

    Raises:
        StudyError: it is a file, lies in one, may not be written to, or has too long a name.
    """
    too_long = any(len(os.fsencode(part)) > 255 for part in folder.parts)
    problem = os.strerror(errno.ENAMETOOLONG) if too_long else None
    for place in (folder, *folder.absolute().parents):
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            continue  # it can be made, if what would hold it can be written to
        except OSError as error:
            problem = error.strerror
        else:
            if not stat.S_ISDIR(mode):
                problem = f"{place} is a file"
            elif not os.access(place, os.W_OK | os.X_OK):
                problem = f"{place} cannot be written to"
        break  # what lies above it is there
    if problem:
        raise StudyError(f"{key}={folder}: it cannot be used ({problem}); give another folder.")


def checksum(path: Path) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def set_aside(path: Path, problem: str) -> None:
    """Names a damaged file on stderr and renames it, so that it is neither used nor lost."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    print(f"warning: {path}: {problem}; set aside as {aside.name}.", file=sys.stderr)
