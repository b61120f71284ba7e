"""Intervals that say how sure a number is, by bootstrap over the replicas (Efron & Tibshirani 1993)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap

CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 0


def interval(values: ArrayLike) -> tuple[float, float]:
    """A 95 % interval of the mean: bias-corrected and accelerated bootstrap, the same for the same values.

    Args:
        values: one number a replica, shape (replicas,); NaN, a diverged replica, is left out.

    Returns:
        Lower and upper end; both are the value itself where all are equal, and NaN where there is none or only one.
    """
    known = np.asarray(values, dtype=float).ravel()
    known = np.sort(known[np.isfinite(known)])  # the order of the replicas must not matter
    if len(known) < 2:
        return float("nan"), float("nan")
    if np.ptp(known) == 0:
        return float(known[0]), float(known[0])
    centre, spread = known.mean(), np.ptp(known)
    scaled = (known - centre) / spread
    result = bootstrap((scaled,), _mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES, rng=SEED)
    low, high = result.confidence_interval
    return float(centre + spread * low), float(centre + spread * high)


def _mean(values: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Means without rounding errors: BCa counts those below the mean of all, and with few values many lie on it."""
    means: NDArray[np.float64] = values.mean(axis).round(12)
    return means


def band(values: ArrayLike, resamples: int = 1000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pointwise 95 % intervals of a mean curve: percentile bootstrap over the replicas, all points at once.

    Args:
        values: one curve a replica, shape (replicas, points); NaN is left out.
        resamples: bootstrap resamples.

    Returns:
        Lower and upper ends, each of shape (points,); NaN where no replica is left.
    """
    curves = np.asarray(values, dtype=float)
    drawn = np.random.default_rng(SEED).integers(len(curves), size=(resamples, len(curves)))
    known = np.isfinite(curves)
    filled = np.where(known, curves, 0.0)
    counts = np.zeros((resamples, len(curves)))
    np.add.at(counts, (np.arange(resamples)[:, None], drawn), 1.0)  # how often each replica was drawn
    weights = counts @ known
    means = np.divide(counts @ filled, weights, out=np.full_like(weights, np.nan), where=weights > 0)
    missing = ~known.any(0)
    means[:, missing] = 0.0
    low, high = np.nanquantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    low[missing] = high[missing] = np.nan
    return low, high


def geometric_mean(values: ArrayLike) -> float:
    """The geometric mean of what is positive and finite, for norms and their ratios, which range over decades."""
    known = np.asarray(values, dtype=float).ravel()
    known = known[np.isfinite(known) & (known > 0)]
    return float(np.exp(np.log(known).mean())) if len(known) else float("nan")
