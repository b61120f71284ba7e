"""The slope below zero that suits a network's depth (Zhang, Botev & Martens 2022).

With a leaky rectifier of slope a and He's weights, n Var[w] = 2 / (1 + a^2), the variance of wide layers stays as it
is, and the correlation c of two inputs becomes C(c) from layer to layer. It tends to 1: deep networks can tell no two
inputs apart. The tailored slope is the one with which orthogonal inputs have a given correlation at the end.
"""

import math
from collections.abc import Callable

from scipy.optimize import brentq

TARGET = 0.9  # correlation at the end; the authors' default

Map = Callable[[float], float]


def correlation_map(slope: float) -> Map:
    """C(c), from the correlation in one layer to that in the next.

    Args:
        slope: a, from 0 (ReLU) to 1 (linear).
    """
    square = slope * slope

    def correlation(c: float) -> float:
        c = min(max(c, -1.0), 1.0)
        bend = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi
        return ((1 - slope) ** 2 * bend + 2 * slope * c) / (1 + square)

    return correlation


def in_sequence(layers: int) -> Callable[[Map, float], float]:
    """The correlation after so many layers, one after the other."""

    def network(layer: Map, c: float) -> float:
        for _ in range(layers):
            c = layer(c)
        return c

    return network


def tailored_slope(network: int | Callable[[Map, float], float], target: float = TARGET) -> float:
    """The slope below zero with which orthogonal inputs come out with a given correlation.

    Args:
        network: layers that end in an activation, or a function of a layer's map and a correlation to the correlation
            that the network gives.
        target: that correlation, between 0 and 1.

    Returns:
        From 0 to 1; 0 where with ReLU itself the inputs are no more alike than that.
    """
    passes = in_sequence(network) if isinstance(network, int) else network
    excess = lambda slope: passes(correlation_map(slope), 0.0) - target  # noqa: E731
    return float(brentq(excess, 0.0, 1.0, xtol=1e-14)) if excess(0.0) > 0 else 0.0
