"""How sure a number is: bootstrap over the replicas (Efron & Tibshirani 1993), Student's t for paired differences."""

import functools
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit  # scipy.stats has them too, and takes half a second to import

CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 0


def interval(values: ArrayLike) -> tuple[float, float]:
    """A 95 % interval of the mean: bias-corrected and accelerated bootstrap, the same for the same values.

    To the last digits that of `scipy.stats.bootstrap` (BCa) with the same resamples, which draws them anew for every
    call: of a mean it is enough to know how often each replica was drawn (Efron & Tibshirani 1993, section 14.3).

    Args:
        values: one number a replica, shape (replicas,); NaN, a diverged replica, is left out.

    Returns:
        Lower and upper end; both are the value itself where all are equal, and NaN where there is none or only one.
    """
    return intervals([values])[0]


def intervals(samples: Iterable[ArrayLike]) -> list[tuple[float, float]]:
    """The `interval` of each sample; samples of one size are resampled together, in a fraction of the time.

    Args:
        samples: one number a replica each, shape (replicas,).
    """
    found = [np.asarray(values, dtype=float).ravel() for values in samples]
    found = [np.sort(values[np.isfinite(values)]) for values in found]  # the order of the replicas must not matter
    ends = [(values[0], values[0]) if len(values) > 1 else (np.nan, np.nan) for values in found]
    by_size: dict[int, list[int]] = defaultdict(list)
    for index, values in enumerate(found):
        if len(values) > 1 and np.ptp(values) > 0:
            by_size[len(values)].append(index)
    for size, indices in by_size.items():
        together = np.stack([found[index] for index in indices], axis=1)
        centres, spreads = together.mean(0), np.ptp(together, axis=0)
        scaled = (together - centres) / spreads
        for index, values, sums, centre, spread in zip(
            indices, scaled.T, _sums(scaled).T, centres, spreads, strict=True
        ):
            low, high = _corrected(values, sums / size)
            ends[index] = centre + spread * low, centre + spread * high
    return [(float(low), float(high)) for low, high in ends]


def _corrected(values: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bias-corrected and accelerated interval of the mean of values, from the means of their resamples."""
    # Without rounding errors: those below the mean of all are counted, and with few replicas many lie on it.
    means, mean = means.round(12), values.mean().round(12)
    bias = ndtri(((means < mean).mean() + (means <= mean).mean()) / 2)
    influence = values - mean  # a mean without one replica differs from the mean of all by -influence / (n - 1)
    acceleration = (influence**3).sum() / (influence**2).sum() ** 1.5 / 6
    z = bias + ndtri([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return np.quantile(means, ndtr(bias + z / (1 - acceleration * z)))


def band(values: ArrayLike, resamples: int = 1000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pointwise 95 % intervals of a mean curve: percentile bootstrap over the replicas, all points at once.

    Args:
        values: one curve a replica, shape (replicas, points); NaN is left out.
        resamples: bootstrap resamples.

    Returns:
        Lower and upper ends, each of shape (points,); NaN where no replica is left.
    """
    curves = np.asarray(values, dtype=float)
    known = np.isfinite(curves)
    filled = np.where(known, curves, 0.0)
    weights = _sums(known.astype(float), resamples)
    means = np.divide(_sums(filled, resamples), weights, out=np.full_like(weights, np.nan), where=weights > 0)
    missing = ~known.any(0)
    means[:, missing] = 0.0
    quantile = np.nanquantile if np.isnan(means).any() else np.quantile  # it takes ten times as long
    low, high = quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
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
    half = error * float(stdtrit(len(differences) - 1, 1 - (1 - CONFIDENCE) / comparisons / 2))  # Student's t
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
    # The seeds of the two are drawn apart, so each resample of ours meets another one of theirs.
    shares = (_sums(wins)[:-1] * _times_drawn(len(theirs))[1:]).sum(1) / wins.size
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
    means = _sums(values.T).round(12)
    first = (means[:, None] > means[:, :, None]).sum(2)
    last = (means[:, None] >= means[:, :, None]).sum(2) - 1
    shares = np.zeros((len(values), len(values)))
    for rank in range(len(values)):
        shares[:, rank] = (((first <= rank) & (rank <= last)) / (last - first + 1)).mean(0)
    return shares


def _counted(accuracies: ArrayLike) -> NDArray[np.float64]:
    """Accuracies in which a diverged replica, which classifies nothing, has 0."""
    values = np.asarray(accuracies, dtype=float)
    return np.where(np.isfinite(values), values, 0.0)


def _sums(values: NDArray[np.float64], resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Sums over the replicas of each resample; values of shape (replicas, ...) give shape (resamples, ...)."""
    counts = _times_drawn(len(values), resamples)
    return np.concatenate([counts[rows] @ values for rows in _portions(resamples)])


@functools.lru_cache(maxsize=2)  # most groups have as many replicas as the one before
def _times_drawn(replicas: int, resamples: int = RESAMPLES) -> NDArray[np.uint16]:
    """How often each replica is drawn in each resample, shape (resamples, replicas)."""
    stream, counts = np.random.default_rng(SEED), np.empty((resamples, replicas), np.uint16)
    for rows in _portions(resamples):
        drawn = stream.integers(0, replicas, counts[rows].shape)
        places = drawn + replicas * np.arange(len(drawn))[:, None]
        counts[rows] = np.bincount(places.ravel(), minlength=places.size).reshape(places.shape)
    return counts


def _portions(resamples: int) -> list[slice]:
    """Some resamples at a time: numbers of eight bytes for all would be the largest thing in memory, and slow."""
    return [slice(begin, begin + 100) for begin in range(0, resamples, 100)]
