"""Files that are whole or not there: written under a temporary name, flushed, synced and renamed."""

import contextlib
import hashlib
import json
import os
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


def checksum(path: Path) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def set_aside(path: Path, problem: str) -> None:
    """Names a damaged file on stderr and renames it, so that it is neither used nor lost."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    print(f"warning: {path}: {problem}; set aside as {aside.name}.", file=sys.stderr)
