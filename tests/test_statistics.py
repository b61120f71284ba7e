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


def test_interval_covers_the_mean_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 999)
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
