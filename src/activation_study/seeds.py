"""Stateless randomness: what is drawn depends on a replica's seed, the purpose and a counter, and on nothing else.

So nothing has to be saved to resume, and a replica draws the same alone as in company.
"""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def stateless_seed(seed: int, purpose: str, *counters: int) -> int:
    """A seed for one purpose ("weights", "order", ...) at one count (layer, epoch, step, ...), from 0 to 2^32 - 1.

    No more, because torch's generator on a CPU keeps no more bits of a seed. So of n streams about n^2 / 2^33 pairs are
    the same by chance: one pair of the weights of 90,000 layers, a dozen of the noise of 300,000 steps. Each such pair
    is of two unrelated purposes, seeds or counts.
    """
    text = f"{seed}/{purpose}/{'/'.join(map(str, counters))}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1 & 0xFFFFFFFF


def generator(seed: int, purpose: str, *counters: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh torch generator for one purpose at one count."""
    return torch.Generator(device).manual_seed(stateless_seed(seed, purpose, *counters))


class Noise:
    """The random streams of a stack, one per replica, set back to a known place at every step.

    Within a step the layers draw from their replica's stream one after the other.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.seeds = list(seeds)
        self.generators = [torch.Generator(device) for _ in self.seeds]
        self._step, self._is_set = 0, False

    def at(self, step: int) -> None:
        """Moves every stream to the beginning of a step; costs nothing until something is drawn."""
        self._step, self._is_set = step, False

    def draw(self, like: Tensor, low: float, high: float) -> Tensor:
        """Uniform noise in [low, high) of the shape of `like`, (replicas, ...)."""
        return self._filled(like, lambda one, stream: one.uniform_(low, high, generator=stream))

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal noise of the shape of `like`, (replicas, ...)."""
        return self._filled(like, lambda one, stream: one.normal_(generator=stream))

    def _filled(self, like: Tensor, fill: Callable[[Tensor, torch.Generator], Tensor]) -> Tensor:
        if not self._is_set:
            for stream, seed in zip(self.generators, self.seeds, strict=True):
                stream.manual_seed(stateless_seed(seed, "noise", self._step))
            self._is_set = True
        noise = torch.empty(like.shape, device=like.device)  # float32, whatever `like` is: the same noise for both
        for one, stream in zip(noise, self.generators, strict=True):
            fill(one, stream)
        return torch.empty_like(like, requires_grad=False).copy_(noise)  # drawn in order, kept in the order of `like`
