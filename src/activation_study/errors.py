"""The one exception that a user's mistake raises, and how its sentence is put."""

import difflib
from collections.abc import Iterable, Mapping
from typing import NoReturn

LONGEST = 120  # characters of a value that are shown


class StudyError(Exception):
    """A mistake the user can mend; its text is one sentence that names key, value and choices, with a full stop."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence if sentence.endswith(".") else f"{sentence}.")


def refuse(key: str, value: object, reason: str) -> NoReturn:
    """Ends with the sentence about a value: its key, itself, and what is wrong or what to give."""
    raise StudyError(f"{key}={shown(value)}: {reason}.")


def shown(value: object) -> str:
    """A value as the command line has it, on one line."""
    text = _text(value)
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{_text(child)}' for key, child in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    return str(value)


def missing(key: str, whose: str = "") -> NoReturn:
    """Ends with the sentence about a value that is not there, or that an option of the user's own code needs."""
    wanted = (
        f"{whose} needs a value; give one as +{key}=VALUE" if whose else f"a value is missing; give one as {key}=VALUE"
    )
    raise StudyError(f"{key}: {wanted}.")


def nearest(key: str, known: Iterable[str]) -> str:
    """Which of the known keys somebody may have meant: alike in full, in its last part, or by its initials."""

    def likeness(candidate: str) -> float:
        short, last = key.rpartition(".")[2], candidate.rpartition(".")[2]
        if short == "".join(word[:1] for word in last.split("_")) and len(short) > 1:
            return 1.0
        return max(difflib.SequenceMatcher(None, *pair).ratio() for pair in ((key, candidate), (short, last)))

    # Of those that are as near, what belongs to training is asked for most.
    ranked = sorted(known, key=lambda candidate: (-likeness(candidate), not candidate.startswith("train.")))
    near = [candidate for candidate in ranked[:3] if likeness(candidate) >= 0.6]
    group = key.rpartition(".")[0]
    near = near or [candidate for candidate in ranked if group and candidate.startswith(f"{group}.")]
    return f"the nearest are {', '.join(near)}" if near else "`--help` lists the keys"
