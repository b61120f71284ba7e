"""Intervals against scipy, simulation and exact enumeration."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from activation_study.comparison import statistics

NAN, INF = float("nan"), float("inf")
ACCURACIES = [0.912, 0.934, 0.921, 0.957, 0.926]


SAMPLES = {
    "normal": (lambda stream, size: stream.normal(size=size), 0.0, 0.95),
    # Accuracies near their ceiling: most seeds do well and a few do not. A t interval falls short here, by little.
    "left-skewed": (lambda stream, size: -stream.lognormal(0, 0.5, size=size), -math.exp(0.125), 0.92),
}


@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize("name", SAMPLES)
def test_an_interval_covers_the_mean_as_often_as_it_says(n, name):
    draw, truth, expected = SAMPLES[name]
    trials = 4000
    _, low, high = statistics.means(draw(np.random.default_rng(n), (n, trials)))
    coverage = ((low <= truth) & (truth <= high)).mean()
    assert coverage > expected - 0.015  # a BCa interval has 0.85 at n = 5
    assert coverage < 0.965


def test_joint_intervals_hold_together():
    _, low, high = statistics.means(np.random.default_rng(0).normal(size=(10, 7 * 2000)), comparisons=7)
    held = ((low <= 0) & (high >= 0)).reshape(2000, 7).all(1).mean()
    assert abs(held - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 2000)


@pytest.mark.parametrize("comparisons", [1, 8])
@given(values=st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=12), data=st.data())
@settings(max_examples=40, deadline=None)
def test_mean_is_scipys_t_interval_whatever_the_order(comparisons, values, data):
    value, low, high = statistics.mean(values, comparisons)
    assert statistics.mean(data.draw(st.permutations(values)), comparisons) == (value, low, high)
    spread = np.std(values, ddof=1)
    slack = 1e-9 * max(1, *map(abs, values))
    if spread > slack:
        error = spread / len(values) ** 0.5
        expected = stats.t.interval(1 - 0.05 / comparisons, len(values) - 1, np.mean(values), error)
        assert (low, high) == pytest.approx(expected, abs=slack, rel=1e-6)
    assert value == pytest.approx(np.mean(values), abs=slack)
    assert low <= value <= high


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.7] * 6, (0.7, 0.7, 0.7)),
        ([0.1] * 3, (0.1, 0.1, 0.1)),
        ([0.3, NAN, 0.3], (0.3, 0.3, 0.3)),
        ([0.5], (0.5, NAN, NAN)),
        ([0.5, NAN, INF], (0.5, NAN, NAN)),
        ([NAN, NAN], (NAN, NAN, NAN)),
        ([], (NAN, NAN, NAN)),
    ],
    ids=str,
)
def test_means_of_equal_and_of_few_values(values, expected):
    assert statistics.mean(values) == pytest.approx(expected, nan_ok=True, abs=0)


def test_what_is_not_finite_is_left_out():
    assert statistics.mean([NAN, *ACCURACIES, -INF]) == statistics.mean(ACCURACIES)


def test_a_share_is_never_above_1_nor_below_0():
    value, low, high = statistics.mean([0, 1, 1, 1], within=(0, 1))
    assert (value, low, high) == (0.75, 0, 1)
    assert statistics.mean([0, 1, 1, 1]).high > 1


def test_many_means_are_those_of_each():
    curves = np.random.default_rng(0).normal([0, 1, 2, 3], [1, 0.1, 2, 0.5], (12, 4))
    curves[[1, 2, 5], [1, 1, 3]] = NAN
    together = np.array(statistics.means(curves, 3, (-1, 2.5))).T
    np.testing.assert_array_equal(together, [statistics.mean(curve, 3, (-1, 2.5)) for curve in curves.T])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 100], 10),
        ([2, 8, 4], 4),
        ([1e-300, 1e300], 1),
        ([5], 5),
        ([4, 9, 0, -3, NAN, INF], 6),
        ([0, -1, NAN], NAN),
        ([], NAN),
    ],
    ids=str,
)
def test_geometric_mean(values, expected):
    assert statistics.geometric_mean(values).value == pytest.approx(expected, nan_ok=True)


def test_the_interval_of_a_geometric_mean_is_that_of_the_logarithms():
    value, low, high = statistics.geometric_mean([1, 10, 100], comparisons=2)
    assert (math.log10(value), math.log10(low), math.log10(high)) == pytest.approx(statistics.mean([0, 1, 2], 2))


@pytest.mark.parametrize("comparisons", [1, 7])
def test_difference_is_the_paired_t_interval(comparisons):
    ours, theirs = np.array(ACCURACIES), np.array(ACCURACIES)[::-1] - 0.01
    expected = stats.ttest_rel(ours, theirs).confidence_interval(1 - 0.05 / comparisons)
    mean, low, high = statistics.difference(ours, theirs, comparisons)
    assert mean == pytest.approx(0.01)
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_differences_hold_jointly_as_often_as_they_say():
    """Seven differences of activations that are all alike: all seven intervals hold zero in at least 95 % of trials."""
    trials, stream = 1000, np.random.default_rng(2)
    held = 0
    for _ in range(trials):
        reference, *others = stream.normal(size=(8, 10)) + stream.normal(size=10)  # what a seed brings, all share
        intervals = [statistics.difference(other, reference, comparisons=7) for other in others]
        held += all(low <= 0 <= high for _, low, high in intervals)
    assert held / trials > 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials)


def test_what_seeds_share_cancels_in_a_paired_difference():
    seeds = np.array([0.1, 0.5, 0.9, 0.3])
    assert statistics.difference(seeds + 0.01, seeds) == pytest.approx((0.01, 0.01, 0.01))


def test_one_seed_has_a_difference_without_an_interval():
    mean, low, high = statistics.difference([0.9], [0.8])
    assert mean == pytest.approx(0.1)
    assert math.isnan(low)
    assert math.isnan(high)


def test_a_pair_with_something_missing_is_left_out():
    assert statistics.difference([0.9, NAN, 0.7], [0.8, 0.8, NAN])[0] == pytest.approx(0.1)


def test_a_difference_of_shares_is_never_beyond_1():
    assert statistics.difference([0.9, 0.9, 0], [0, 0, 0.9], within=(-1, 1))[1:] == (-1, 1)


def test_ties_and_defeats_count_half_and_nothing():
    assert statistics.probability_of_improvement([0, 0], [0.1, 0])[0] == 0.25  # two ties and two defeats
    assert statistics.rank_shares([[0, 0], [0.5, 0.6]]).tolist() == [[0, 1], [1, 0]]


def test_probability_of_improvement_is_the_mann_whitney_statistic():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 12)).round(1)
    probability, low, high = statistics.probability_of_improvement(ours, theirs)
    assert probability == pytest.approx(stats.mannwhitneyu(ours, theirs).statistic / 144)
    assert low < probability < high


def test_probability_of_improvement_is_certain_only_where_all_beat_all():
    assert statistics.probability_of_improvement([3, 4], [1, 2]) == (1, 1, 1)
    assert statistics.probability_of_improvement([1, 2], [1, 2])[0] == 0.5
    assert statistics.probability_of_improvement([5, 5], [5, 5]) == (0.5, 0.5, 0.5)


def test_probability_of_improvement_covers_as_often_as_it_says():
    trials, stream, held = 300, np.random.default_rng(3), 0
    truth = stats.norm.cdf(0.5 / math.sqrt(2))
    for _ in range(trials):
        _, low, high = statistics.probability_of_improvement(stream.normal(0.5, size=40), stream.normal(size=40))
        held += low <= truth <= high
    assert (
        abs(held / trials - 0.95) < 3 * math.sqrt(0.95 * 0.05 / trials) + 0.01
    )  # a percentile interval is a bit short


def test_the_same_values_give_the_same_verdict_in_another_process():
    values = np.random.default_rng(0).normal(size=(3, 6))
    improvement, shares = statistics.probability_of_improvement(*values[:2]), statistics.rank_shares(values)
    statistics._times_drawn.cache_clear()  # of what was drawn in this one
    assert statistics.probability_of_improvement(*values[:2]) == improvement
    assert np.array_equal(statistics.rank_shares(values), shares)


def test_rank_shares_are_those_of_every_resample():
    values = np.array([[0.9, 0.5], [0.6, 0.7], [0.1, 0.1]])
    means = np.array([values[:, list(drawn)].mean(1) for drawn in product(range(2), repeat=2)])
    expected = (means[:, 0] > means[:, 1]).mean()
    shares = statistics.rank_shares(values)
    assert shares.sum(0) == pytest.approx(np.ones(3))
    assert shares.sum(1) == pytest.approx(np.ones(3))
    assert shares[0, 0] == pytest.approx(expected, abs=0.02)
    assert shares[2].tolist() == [0, 0, 1]


def test_those_who_tie_share_their_ranks():
    assert statistics.rank_shares([[0.5, 0.5], [0.5, 0.5]]).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_without_seeds_there_is_no_verdict():
    assert all(map(math.isnan, statistics.difference([], [])))
    assert all(map(math.isnan, statistics.probability_of_improvement([], [])))
    assert np.isnan(statistics.rank_shares(np.zeros((2, 0)))).all()
