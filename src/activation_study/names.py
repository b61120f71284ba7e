"""Names that the user has given, as a line of text can show them and as a file system takes them."""

import hashlib
import os
import re
import unicodedata

LONGEST = 120  # bytes: with two hashes behind it a folder's name stays below 143, the least that file systems take


def printable(name: str) -> str:
    r"""A name that every text can hold, in one line: bytes that are not UTF-8, line breaks and the like are escaped.

    Python reads the Latin-1 file name `café` as a string that no file of text takes; here it becomes `caf\xe9`.
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair, as Windows allows
        raw = name.encode("utf-8", "surrogatepass")
    text = raw.decode("utf-8", "backslashreplace")
    breaking = ("Cc", "Zl", "Zp")  # control characters, line and paragraph separators
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in breaking else letter
        for letter in text
    )


def shortened(text: str, most: int = LONGEST) -> str:
    """A text of at most `most` bytes: where it is longer, its beginning and a hash that tells it from others."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    return f"{raw[: most - 9].decode(errors='ignore')}~{hashlib.sha256(raw).hexdigest()[:8]}"


def path_part(text: str) -> str:
    """A text as the name of one file or folder, not a hidden one; the same on disk whatever the locale."""
    return os.fsdecode(shortened(re.sub(r"^\.|[/\\]", "_", printable(text))).encode())
