"""Intervals against exact enumeration, scipy, and simulation."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from activation_study import statistics

NAN, INF = float("nan"), float("inf")
ACCURACIES = [0.912, 0.934, 0.921, 0.957, 0.926]


def exact_bca(values):
    """The interval of Efron & Tibshirani 1993, Section 14.3, with all n^n resamples in place of random ones."""
    values = np.asarray(values)
    n = len(values)
    means = np.sort(np.array(list(product(values, repeat=n))).mean(1))
    below = ((means < values.mean() - 1e-12).mean() + (means <= values.mean() + 1e-12).mean()) / 2
    bias = stats.norm.ppf(below)
    left_out = np.array([np.delete(values, i).mean() for i in range(n)])
    from_mean = left_out.mean() - left_out
    acceleration = (from_mean**3).sum() / (6 * (from_mean**2).sum() ** 1.5)
    z = bias + stats.norm.ppf([0.025, 0.975])
    return np.quantile(means, stats.norm.cdf(bias + z / (1 - acceleration * z)))


@pytest.mark.parametrize(
    "values", [ACCURACIES, [0.1, 0.1, 0.1, 0.1, 0.9], [1, 2, 4, 8, 16], [-3, -2, 0, 2, 3]], ids=str
)
def test_interval_is_the_exact_one_up_to_the_resampling(values):
    low, high = exact_bca(values)
    assert statistics.interval(values) == pytest.approx((low, high), abs=0.08 * (high - low))
    assert low < np.mean(values) < high


def test_interval_of_two_values_reaches_from_one_to_the_other():
    assert statistics.interval([0.4, 0.6]) == pytest.approx((0.4, 0.6))  # each mean of a quarter of the resamples


def test_interval_of_many_values_is_the_normal_one():
    values = np.random.default_rng(0).normal(3, 2, 400)
    half = 1.96 * values.std() / 20
    assert statistics.interval(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.06 * half)


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=40).filter(lambda values: len(set(values)) > 1))
@settings(max_examples=30, deadline=None)
def test_interval_is_scipys_with_the_same_resamples(counts):
    def mean(values, axis):
        return values.mean(axis).round(12)  # as rounding errors decide what scipy counts below the mean of all

    values = (np.sort(counts) - np.mean(counts)) / np.ptp(counts)
    options = {"n_resamples": statistics.RESAMPLES, "method": "BCa", "rng": statistics.SEED}
    assert statistics.interval(values) == pytest.approx(
        stats.bootstrap((values,), mean, **options).confidence_interval, abs=1e-10, nan_ok=True
    )


def test_interval_covers_the_mean_as_often_as_it_says():
    trials, stream = 400, np.random.default_rng(1)
    intervals = np.array([statistics.interval(stream.normal(size=50)) for _ in range(trials)])
    coverage = ((intervals[:, 0] <= 0) & (intervals[:, 1] >= 0)).mean()
    assert abs(coverage - 0.95) < 3 * math.sqrt(0.95 * 0.05 / trials)


def test_interval_follows_shift_and_scale():
    low, high = statistics.interval(ACCURACIES)
    values = 100 * np.array(ACCURACIES) - 7
    assert statistics.interval(values) == pytest.approx((100 * low - 7, 100 * high - 7))


def test_interval_of_a_left_skewed_sample_mirrors_the_right_skewed_one():
    low, high = statistics.interval([1, 2, 4, 8, 16])
    mirrored_low, mirrored_high = statistics.interval([-1, -2, -4, -8, -16])
    assert (mirrored_low, mirrored_high) == pytest.approx((-high, -low), rel=0.05)
    assert high - 6.2 > 6.2 - low  # BCa is wider towards the long tail


@settings(max_examples=15, deadline=None)
@given(values=st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=12), data=st.data())
def test_interval_does_not_depend_on_order_and_holds_within_the_values(values, data):
    low, high = statistics.interval(values)
    assert statistics.interval(data.draw(st.permutations(values))) == (low, high)
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= low <= high <= max(values) + slack


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.7] * 6, (0.7, 0.7)),
        ([0.1, 0.1], (0.1, 0.1)),
        ([0.3, NAN, 0.3], (0.3, 0.3)),
        ([0.5], (NAN, NAN)),
        ([0.5, NAN, INF], (NAN, NAN)),
        ([NAN, NAN], (NAN, NAN)),
        ([], (NAN, NAN)),
    ],
    ids=str,
)
def test_interval_where_there_is_nothing_to_resample(values, expected):
    assert statistics.interval(values) == pytest.approx(expected, nan_ok=True, abs=0)


def test_interval_leaves_diverged_replicas_out():
    assert statistics.interval([NAN, *ACCURACIES, -INF]) == statistics.interval(ACCURACIES)


def test_intervals_of_many_samples_are_those_of_each():
    stream = np.random.default_rng(2)
    samples = [stream.normal(5, 2, n) for n in (7, 3, 7, 1, 7)] + [[NAN, *ACCURACIES], [0.5] * 7, []]
    one_by_one = [statistics.interval(values) for values in samples]
    np.testing.assert_allclose(statistics.intervals(samples), one_by_one, rtol=0, atol=1e-10)


@pytest.mark.parametrize("missing", [[], [(1, 1), (2, 1), (5, 3)]], ids=["complete", "with diverged ones"])
def test_band_is_scipys_percentile_bootstrap_at_every_point(missing):
    curves = np.random.default_rng(0).normal([0, 1, 2, 3], [1, 0.1, 2, 0.5], (12, 4))
    for replica, point in missing:
        curves[replica, point] = NAN
    low, high = statistics.band(curves, resamples=4000)
    for point in range(4):
        known = curves[np.isfinite(curves[:, point]), point]
        expected = stats.bootstrap((known,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
        width = expected.high - expected.low
        # with replicas missing the band draws among all 12, so its resamples vary a little more in size
        assert (low[point], high[point]) == pytest.approx((expected.low, expected.high), abs=0.06 * width)


def test_band_resamples_whole_curves():
    curve = np.array([0.1, 0.5, 0.2, 0.9])
    low, high = statistics.band(np.stack([curve, curve + 1, 2 * curve], 1))
    assert high[1] - low[1] == pytest.approx(high[0] - low[0])
    assert high[2] - low[2] == pytest.approx(2 * (high[0] - low[0]))
    again = statistics.band(np.stack([curve, curve + 1, 2 * curve], 1))
    assert np.array_equal(again, (low, high))


def test_band_of_equal_single_and_missing_curves():
    low, high = statistics.band([[1.0, 2.0, NAN], [1.0, NAN, NAN], [1.0, NAN, NAN]])
    assert low == pytest.approx([1, 2, NAN], nan_ok=True)
    assert high == pytest.approx([1, 2, NAN], nan_ok=True)


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
    assert statistics.geometric_mean(values) == pytest.approx(expected, nan_ok=True)


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


def test_a_diverged_replica_counts_as_zero_in_differences_and_ranks():
    assert statistics.difference([0.9, NAN], [0.9, 0.8])[0] == pytest.approx(-0.4)
    assert statistics.probability_of_improvement([NAN, NAN], [0.1, NAN])[0] == 0.25  # two ties and two defeats
    assert statistics.rank_shares([[NAN, NAN], [0.5, 0.6]]).tolist() == [[0, 1], [1, 0]]


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


def test_the_same_values_give_the_same_verdict():
    values = np.random.default_rng(0).normal(size=(3, 6))
    assert statistics.probability_of_improvement(*values[:2]) == statistics.probability_of_improvement(*values[:2])
    assert np.array_equal(statistics.rank_shares(values), statistics.rank_shares(values))


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
