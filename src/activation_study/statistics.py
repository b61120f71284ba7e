"""How sure a number is: bootstrap over the replicas (Efron & Tibshirani 1993), Student's t for paired differences."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, rankdata
from scipy.stats import t as student_t

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


def difference(ours: ArrayLike, theirs: ArrayLike, comparisons: int = 1) -> tuple[float, float, float]:
    """The mean difference of two activations' accuracies with a 95 % interval, paired by seed.

    Student's t interval of the differences: with five or ten seeds it covers as often as it says, where a bootstrap
    interval is too short.

    Args:
        ours: one accuracy a seed, shape (seeds,); NaN, a diverged replica, counts as 0.
        theirs: those of the same seeds in the same order.
        comparisons: how many differences are looked at together; the intervals then hold jointly (Bonferroni).

    Returns:
        Mean difference, lower and upper end; NaN where there is no seed, and the ends also where there is only one.
    """
    differences = _counted(ours) - _counted(theirs)
    mean = float(differences.mean()) if len(differences) else float("nan")
    if len(differences) < 2:
        return mean, float("nan"), float("nan")
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    half = error * float(student_t.ppf(1 - (1 - CONFIDENCE) / comparisons / 2, len(differences) - 1))
    return mean, mean - half, mean + half


def probability_of_improvement(ours: ArrayLike, theirs: ArrayLike) -> tuple[float, float, float]:
    """How likely a network with our activation beats one with theirs (Agarwal et al. 2021), with a 95 % interval.

    The share of all pairs of replicas in which ours is better, ties counting half; percentile bootstrap over the seeds.

    Args:
        ours: one accuracy a seed, shape (seeds,); NaN, a diverged replica, counts as 0.
        theirs: likewise.
    """
    ours, theirs = _counted(ours), _counted(theirs)
    if not len(ours) or not len(theirs):
        return float("nan"), float("nan"), float("nan")
    wins = (np.sign(ours[:, None] - theirs[None, :]) + 1) / 2
    stream = np.random.default_rng(SEED)
    drawn = [_times_drawn(stream, len(values)) for values in (ours, theirs)]
    shares = ((drawn[0] @ wins) * drawn[1]).sum(1) / wins.size
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(wins.mean()), float(low), float(high)


def rank_shares(accuracies: ArrayLike) -> NDArray[np.float64]:
    """How often each activation takes each rank by its mean accuracy when the seeds are drawn anew.

    Args:
        accuracies: shape (activations, seeds), paired by seed; NaN, a diverged replica, counts as 0.

    Returns:
        Shares of the bootstrap resamples, shape (activations, ranks), the best rank first; those who tie share it. NaN
        where there is no seed.
    """
    values = _counted(accuracies)
    if not values.shape[1]:
        return np.full((len(values), len(values)), np.nan)
    means = _times_drawn(np.random.default_rng(SEED), values.shape[1]) @ values.T
    first = rankdata(-means.round(12), method="min", axis=1).astype(int) - 1
    last = rankdata(-means.round(12), method="max", axis=1).astype(int) - 1
    shares = np.zeros((len(values), len(values)))
    for rank in range(len(values)):
        shares[:, rank] = (((first <= rank) & (rank <= last)) / (last - first + 1)).mean(0)
    return shares


def _counted(accuracies: ArrayLike) -> NDArray[np.float64]:
    """Accuracies in which a diverged replica, which classifies nothing, has 0."""
    values = np.asarray(accuracies, dtype=float)
    return np.where(np.isfinite(values), values, 0.0)


def _times_drawn(stream: np.random.Generator, seeds: int) -> NDArray[np.float64]:
    """How often each seed is drawn in each resample, shape (RESAMPLES, seeds)."""
    return stream.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES).astype(float)
