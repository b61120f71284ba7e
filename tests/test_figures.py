"""Every figure drawn from small made-up tables; the numbers are plausible, not results."""

import itertools
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

import activation_study
from activation_study import figures
from activation_study.errors import StudyError
from activation_study.figures.style import ARTICLE, OTHERS, looks

# Slope with which the made-up gradients fade from layer to layer, and the best accuracy.
FADES = {"sigmoid": 0.22, "tanh": 0.8, "relu": 0.95, "lrelu": 0.96, "vlrelu": 0.98, "prelu": 1.0, "rrelu": 0.97, "elu": 1.02}
BEST = {"sigmoid": 0.93, "tanh": 0.972, "relu": 0.979, "lrelu": 0.98, "vlrelu": 0.981, "prelu": 0.978, "rrelu": 0.983,
        "elu": 0.982}  # fmt: skip
SATURATED = {"sigmoid": 0.3, "tanh": 0.25, "relu": 0.5, "elu": 0.2}
Tables = tuple[pd.DataFrame, pd.DataFrame]


def tables(activations: list[str], depths: list[int], seeds: int = 2, epochs: int = 2, diverged: int = 0) -> Tables:
    """Metrics and layers of a small study; the last `diverged` seeds of relu at the greatest depth diverge half-way."""
    draws = np.random.default_rng(0)
    metrics, layers = [], []
    for activation, depth, seed in itertools.product(activations, depths, range(seeds)):
        replica = {"run": f"{activation}-{depth}", "activation": activation, "dataset": "mnist", "model": "mlp",
                   "depth": depth, "seed": seed, "learning_rate": 0.01, "scale": "desk"}  # fmt: skip
        lost = activation == "relu" and depth == max(depths) and seed >= seeds - diverged
        fade = FADES.get(activation, 0.9)
        best = BEST.get(activation, 0.97) + 0.002 * draws.normal()
        best = 0.1135 if fade**depth < 1e-6 else best - 0.001 * depth
        for epoch in range(epochs + 1):
            learned = 1 - np.exp(-3 * epoch / epochs)
            gone = lost and epoch > epochs / 2
            for split in ["train", "valid"] + ["test"] * (epoch == epochs):
                gap = 0.0 if split == "train" else 0.008 * learned
                accuracy = 0.1 + (best - gap - 0.1) * learned + 0.003 * draws.normal()
                loss = 2.4 * (1 - accuracy) ** 1.2
                metrics.append(replica | {"epoch": epoch, "step": 100 * epoch, "split": split,
                                          "loss": np.nan if gone else loss, "accuracy": np.nan if gone else accuracy,
                                          "seconds": 1.0 * epoch})  # fmt: skip
            for step in [0] if epoch == 0 else [100 * epoch - 50, 100 * epoch]:
                layer = np.arange(1, depth + 2)
                norm = (1 + 4 * learned) * fade ** (depth + 1 - layer) * np.exp(0.3 * draws.normal(size=depth + 1))
                hidden = np.where(layer <= depth, 1.0, np.nan)
                share = SATURATED.get(activation, 0.0) * (1 + 0.5 * learned * layer / depth) * hidden
                dead = share / 5 if activation == "relu" else 0 * hidden
                mean = (0.5 if activation == "sigmoid" else 0.3 - 0.3 * (activation in ("elu", "tanh"))) * hidden
                layers.append(pd.DataFrame(replica | {
                    "epoch": epoch, "step": step, "layer": layer, "grad_norm": np.nan if gone else norm,
                    "error_rms": norm / 10, "mean": mean + 0.1 * learned * layer / depth, "std": hidden,
                    "slope_mean": fade * hidden, "saturated": share, "inactive": 0.5 * hidden,
                    "dead": dead if step == 100 * epoch else np.nan, "sparsity": share, "learned_slope": np.nan,
                }))  # fmt: skip
    return pd.DataFrame(metrics), pd.concat(layers, ignore_index=True)


def band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    deviation = 2 * np.nanstd(values, axis=0) / np.sqrt(len(values))
    return np.nanmean(values, axis=0) - deviation, np.nanmean(values, axis=0) + deviation


def interval(values: np.ndarray) -> tuple[float, float]:
    low, high = band(values[:, None])
    return float(low[0]), float(high[0])
