"""Timing that a noisy machine does not fool: the contenders take turns, and medians and ratios are reported."""

import time
from collections.abc import Callable, Mapping

import pandas as pd
import torch


def interleaved(contenders: Mapping[str, Callable[[], object]], repeats: int = 9) -> pd.DataFrame:
    """Seconds of each call, one row a round in which every contender runs once, after one round that is not counted."""
    rounds = []
    for _ in range(repeats + 1):
        row = {}
        for name, run in contenders.items():
            _wait()
            began = time.perf_counter()
            run()
            _wait()
            row[name] = time.perf_counter() - began
        rounds.append(row)
    return pd.DataFrame(rounds[1:])


def summarised(seconds: pd.DataFrame, reference: str, calls: float = 1.0) -> pd.DataFrame:
    """Median, minimum and maximum milliseconds a call, and the median of the ratios to a reference, round by round."""
    table = pd.DataFrame(
        {
            "median_ms": seconds.median() * 1e3 / calls,
            "min_ms": seconds.min() * 1e3 / calls,
            "max_ms": seconds.max() * 1e3 / calls,
            "ratio": seconds.div(seconds[reference], axis=0).median(),
        }
    )
    return table.rename_axis("contender").reset_index()


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
