"""Code of the user's own: where it is, what it is, and what goes wrong in it. Needs no torch."""

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from activation_study.errors import StudyError

WAYS = "give FILE.py:NAME, or package.module.NAME of what is installed or on PYTHONPATH"


class OwnCode:
    """A class or function in a file of the user's.

    What runs is the text of the file that was hashed, and no copy that Python keeps of it.

    Args:
        path: FILE.py:NAME, from the current directory, or package.module.NAME.

    Attributes:
        name: of the class or function.
        digest: hash of the text of its file.

    Raises:
        StudyError: there is no such file or module.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        place, _, self.name = path.rpartition(":" if ":" in path else ".")
        if not place:
            raise StudyError(f"model.path={path}: it names no file or module; {WAYS}.")
        self._spec = _spec(path, place)
        self.file = str(self._spec.origin)
        try:
            self._text = Path(self.file).read_bytes()
        except OSError as error:
            raise StudyError(f"model.path={path}: {self.file} cannot be read ({error.strerror}); {WAYS}.") from None
        self.digest = hashlib.sha256(self._text).hexdigest()[:12]

    def load(self) -> Callable[..., Any]:
        """The class or function, from a fresh run of its file.

        Raises:
            StudyError: the file fails, or does not define that name.
        """
        module = importlib.util.module_from_spec(self._spec)
        sys.modules.setdefault(module.__name__, module)  # dataclasses look for their module there
        with self.told():
            exec(compile(self._text, self.file, "exec"), vars(module))
        found = getattr(module, self.name, None)
        if not callable(found):
            choices = [name for name, value in vars(module).items() if _is_defined_in(module.__name__, value)]
            raise StudyError(
                f"model.path={self.path}: {self.file} defines no class or function {self.name}; "
                f"it defines {', '.join(choices) or 'none'}."
            )
        if (inspect.isclass(found) or inspect.isfunction(found)) and not _is_defined_in(module.__name__, found):
            raise StudyError(
                f"model.path={self.path}: {self.name} comes from {found.__module__}, whose code would not count "
                f"as a part of the run; give model.path={found.__module__}.{found.__qualname__}."
            )
        return found

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turns what goes wrong in the user's code into one sentence with the line."""
        try:
            yield
        except StudyError:
            raise
        except Exception as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.file]
            where = f" in line {lines[-1]}" if lines else ""
            reason = f"{type(error).__name__}{where}: {error}".splitlines()[0].rstrip(" .:")
            raise StudyError(f"model.path={self.path}: {self.file} fails ({reason}).") from error


def _spec(path: str, place: str) -> ModuleSpec:
    """Where the module is that a path names."""
    try:
        if ":" in path:
            file = str(Path(place).expanduser().resolve())
            name = "own_" + hashlib.sha256(file.encode()).hexdigest()[:12]
            spec = importlib.util.spec_from_file_location(name, file)
        else:
            spec = importlib.util.find_spec(place)
    except Exception as error:  # finding a module runs the packages that it is in
        raise StudyError(f"model.path={path}: {place} cannot be found ({error}); {WAYS}.") from None
    if spec is None or not str(spec.origin).endswith(".py"):
        raise StudyError(f"model.path={path}: there is no Python module {place}; {WAYS}.")
    return spec


def _is_defined_in(module: str, value: object) -> bool:
    return (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module
