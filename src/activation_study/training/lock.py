"""The lock of a configuration, which one process at a time holds.

Who holds it also says which replicas it is to train, so that others leave those to it. The system takes the lock back
when the process ends, however it ends.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from activation_study.errors import StudyError
from activation_study.runs import files
from activation_study.training.trainer import Replica

FOLDER = ".locks"
PATIENCE = 0.1  # seconds between two looks at a lock that another process holds


@contextmanager
def locked(runs_dir: Path, configuration: str, waits: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Holds the lock of a configuration.

    Args:
        runs_dir: the folder of the runs.
        configuration: hash of the configuration.
        waits: says, each time that another process is found to hold the lock, whether to go on waiting for it.

    Raises:
        Timeout: another process holds the lock, and `waits` says no.
        StudyError: the folder cannot be written.
    """
    folder = runs_dir / FOLDER
    lock = FileLock(folder / configuration)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=PATIENCE)
            except Timeout:
                if not waits():
                    raise
    except Timeout:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(f"runs_dir={runs_dir}: it cannot be written ({reason}); choose another folder.") from None
    try:
        _note(runs_dir, configuration).unlink(missing_ok=True)  # of one that was killed
        yield
    finally:
        _note(runs_dir, configuration).unlink(missing_ok=True)
        lock.release()


def announce(runs_dir: Path, configuration: str, replicas: Iterable[Replica]) -> None:
    """Says, for who holds the lock, which replicas it is to train."""
    files.write_json(_note(runs_dir, configuration), [[replica.seed, replica.learning_rate] for replica in replicas])


def announced(runs_dir: Path, configuration: str) -> set[Replica]:
    """The replicas that another process is to train; asked by one that does not hold the lock."""
    try:
        with locked(runs_dir, configuration):
            return set()
    except Timeout:
        return noted(runs_dir, configuration)


def noted(runs_dir: Path, configuration: str) -> set[Replica]:
    """What the process that holds the lock has announced so far."""
    try:
        pairs = json.loads(_note(runs_dir, configuration).read_text())
    except (FileNotFoundError, ValueError):
        return set()
    return {Replica(seed, rate) for seed, rate in pairs}


def _note(runs_dir: Path, configuration: str) -> Path:
    return runs_dir / FOLDER / f"{configuration}.json"
