"""How many threads train a network: as many as the user says, or else one or all, whichever is the faster here.

On idle cores a second thread shortens a step; where others use them it is waited for. Which it is shows only when steps
are made, so the first ones of a training are made with one thread and with all in turn, and timed.

Where a sum is cut into other parts its last bits are others, those of convolutions above all. The choice is therefore
made once a training, which keeps it when it is resumed, and anew by the next one.
"""

import os
from statistics import median
from typing import Any

import torch

DEFAULT = torch.get_num_threads()  # what torch takes by itself: OMP_NUM_THREADS, or as many as there are cores
FIRST, TIMED = 2, 16  # steps that set up what the others use; steps after them that are timed
WORTH = 0.95  # all threads are taken where they need at most so much of the time of one


class Threads:
    """The number of threads for each step of a training, set while it is entered as a context.

    Args:
        wanted: the user's number, which is taken. So are OMP_NUM_THREADS and what a program has told torch.
        may_choose: whether times may decide where the user has said nothing.

    Attributes:
        settled: the first step with the number that is kept to the end.
    """

    def __init__(self, wanted: int | None = None, may_choose: bool = True) -> None:
        self._outside = torch.get_num_threads()
        self._most = wanted or self._outside
        is_given = wanted is not None or "OMP_NUM_THREADS" in os.environ or self._outside != DEFAULT
        self._is_free = may_choose and not is_given and self._most > 1
        self.settled = FIRST + TIMED if self._is_free else FIRST
        self._chosen: int | None = None
        self._seconds: dict[int, list[float]] = {1: [], self._most: []}

    def __enter__(self) -> None:
        """Nothing is set before the first step."""

    def __exit__(self, *_: Any) -> None:
        """Gives torch back the number that it had."""
        torch.set_num_threads(self._outside)

    @property
    def number(self) -> int:
        """The number from `settled` on, as far as it is known."""
        return self._chosen or self._most

    def at(self, step: int) -> int:
        """The number for a step; it depends on nothing but the step and the choice, wherever a training is resumed."""
        if not self._is_free or step >= self.settled:
            return self.number
        # The order of Thue and Morse: what comes at every so many steps, such as probes, burdens both alike.
        return 1 if step >= FIRST and (step - FIRST).bit_count() % 2 else self._most

    def use(self, step: int) -> None:
        """Sets the number for a step."""
        torch.set_num_threads(self.at(step))

    def took(self, step: int, seconds: float) -> None:
        """Notes how long a step took; the last one that is timed makes the choice."""
        if self._is_free and FIRST <= step < self.settled:
            self._seconds[self.at(step)].append(seconds)
            if step == self.settled - 1 and self._chosen is None:
                self._choose()

    def _choose(self) -> None:
        one, all_ = self._seconds[1], self._seconds[self._most]
        loses = one and all_ and median(all_) > WORTH * median(one)
        self._chosen = 1 if loses else self._most

    def state(self) -> int | None:
        """What a resumed training has to be told: the number that was settled on, if it was."""
        return self._chosen if self._is_free else self._most

    def load_state(self, number: int | None) -> None:
        """Keeps the number of a training that is resumed, unless another is wanted or this machine lacks it."""
        if self._is_free and number in (1, self._most):
            self._chosen = number
