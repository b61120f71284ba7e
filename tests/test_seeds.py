"""The random streams of a stack: stateless, and each replica's own."""

from itertools import product

import pytest
import torch

from activation_study.seeds import Noise, generator, stateless_seed


def test_no_two_purposes_or_counts_share_a_seed():
    purposes = ("weights", "order", "noise", "augment")
    counts = [(), *product(range(25)), *product(range(25), range(5))]
    every = list(product((*range(20), 121, 1212), purposes, counts))
    seeds = {stateless_seed(seed, purpose, *count) for seed, purpose, count in every}
    assert len(seeds) == len(every)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_seeds_use_all_that_torchs_generator_keeps_and_no_more():
    """The generator on a CPU keeps 32 bits; the seeds fill them evenly, so they meet as often as chance has it."""
    low, high = (torch.Generator().manual_seed(seed) for seed in (5, 5 + 2**32))
    assert torch.equal(torch.rand(3, generator=low), torch.rand(3, generator=high))
    every = [stateless_seed(seed, "noise", step) for seed in range(10) for step in range(30_000)]
    n = len(every)
    bits = [sum(seed >> bit & 1 for seed in every) / n for bit in range(32)]
    assert bits == pytest.approx([0.5] * 32, abs=4 * 0.5 / n**0.5)
    assert n - len(set(every)) == pytest.approx(n**2 / 2**33, abs=4 * (n**2 / 2**33) ** 0.5)
    assert stateless_seed(5, "noise", 0) != stateless_seed(5 + 2**32, "noise", 0)


def test_stateless_seeds_never_change():
    """Finished runs rest on these numbers: a change of them is a change of every result."""
    assert stateless_seed(0, "weights", 1) == 1868570456


def test_a_generator_starts_at_its_seed():
    one, same, other = generator(3, "order", 7), generator(3, "order", 7), generator(3, "order", 8)
    first = torch.rand(4, generator=one)
    assert torch.equal(first, torch.rand(4, generator=same))
    assert not torch.equal(first, torch.rand(4, generator=other))


LIKE = torch.empty(3, 4, 5)


def test_noise_is_the_same_for_the_same_seed_and_step():
    noise, later = Noise([0, 1, 2]), Noise([0, 1, 2])
    noise.at(7)
    first, second = noise.draw(LIKE, 0, 1), noise.draw(LIKE, 0, 1)
    later.at(3)
    at_3 = later.draw(LIKE, 0, 1)
    later.at(7)
    assert torch.equal(later.draw(LIKE, 0, 1), first)  # wherever it has been before
    assert torch.equal(later.draw(LIKE, 0, 1), second)
    everything = torch.cat([first, second, at_3]).flatten()
    assert len(everything.unique()) == everything.numel()  # steps, layers and replicas differ


def test_a_replica_hears_the_same_noise_in_any_company():
    together, alone = Noise([8, 2, 8, 5]), Noise([2])
    for step in (0, 1):
        together.at(step)
        alone.at(step)
        for shape in ((3, 2), (7,)):
            ours, lone = together.draw(torch.empty(4, *shape), 3, 8), alone.draw(torch.empty(1, *shape), 3, 8)
            assert torch.equal(ours[1:2], lone)
            assert torch.equal(ours[0], ours[2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_is_uniform_between_its_bounds(dtype):
    noise = Noise([0, 1]).draw(torch.empty(2, 5000, dtype=dtype), 3, 8)
    assert noise.dtype == dtype
    assert noise.min() >= 3
    assert noise.max() <= 8
    assert noise.mean(1).tolist() == pytest.approx([5.5, 5.5], abs=4 * (25 / 12 / 5000) ** 0.5)
