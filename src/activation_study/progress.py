"""How far a piece of work has come: a bar on a terminal, and a line now and then where stderr goes anywhere else."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

EVERY = 30.0  # seconds from one line to the next
LINE = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class Lines(tqdm):
    """What tqdm has to say as whole lines, without carriage returns."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Writes a line; the empty text is tqdm's way to clear a bar."""
        if msg is None:
            self.fp.write(f"{self}\n")
            self.fp.flush()

    def close(self) -> None:
        """Writes the last line, unless all was over before the first one."""
        if not self.disable and self.last_print_t >= self.start_t + (self.delay or 0):
            self.display()
        super().close()


def progress(iterable: Iterable[Any] | None = None, *, may_be_silent: bool = False, **options: Any) -> tqdm:
    """A progress bar where stderr is a terminal; elsewhere a line at first, one every half minute, and the last.

    Args:
        iterable: what is gone through, if it is one.
        may_be_silent: whether a log needs no line of work that is over within half a minute.
        **options: tqdm's.
    """
    if sys.stderr.isatty():
        return tqdm(iterable, **options)
    delay = EVERY if may_be_silent else 0.0
    return Lines(iterable, bar_format=LINE, mininterval=EVERY, miniters=1, leave=False, delay=delay, **options)
