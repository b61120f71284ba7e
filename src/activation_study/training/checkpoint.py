"""Checkpoints that cannot be read wrong: tensors and plain values behind a checksum, and the one before is kept."""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from activation_study.names import printable
from activation_study.runs import files

NAMES = ("checkpoint.pt", "checkpoint.previous.pt")
HEADER = b"activation-study checkpoint, sha256 "


def save(folder: Path, state: dict[str, Any]) -> None:
    """Makes `state` the newest checkpoint in a run's folder, and the newest so far the previous one."""
    newest, previous = (folder / name for name in NAMES)
    content = to_bytes(state)
    if newest.exists():
        newest.replace(previous)
    files.write(newest, lambda file: file.write(content))


def newest(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint in a run's folder that is whole and the run's own; None where there is none.

    One that is damaged or another run's is named on stderr and set aside, not deleted.
    """
    for path in (folder / name for name in NAMES):
        if path.exists():
            try:
                state = from_bytes(path.read_bytes())
                if state["run"] == printable(folder.name):
                    return state
                problem = f"it belongs to {state['run']}"
            except ValueError as error:
                problem = str(error)
            files.set_aside(path, problem)
    return None


def remove(folder: Path) -> None:
    """Deletes the checkpoints of a run that is finished."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)


def to_bytes(state: dict[str, Any]) -> bytes:
    """A state of tensors and plain values as the content of a file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    return HEADER + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


def from_bytes(content: bytes) -> dict[str, Any]:
    """The state in a file's content.

    Raises:
        ValueError: the content is not, byte for byte, what `to_bytes` gave.
    """
    digest, newline, payload = content.removeprefix(HEADER).partition(b"\n")
    if not content.startswith(HEADER) or not newline:
        raise ValueError("it is not a checkpoint of this study")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise ValueError("its checksum is wrong")
    try:
        return torch.load(io.BytesIO(payload), weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:  # whole, but written by something else
        raise ValueError(f"torch cannot read it ({str(error).splitlines()[0]})") from None
