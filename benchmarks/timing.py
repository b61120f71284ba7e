"""Timing that a noisy machine does not fool: the contenders take turns, and ratios are taken within a round."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
from torch import nn


class NotMeasured(Exception):
    """A contender cannot run here; the message says why."""


@dataclass(frozen=True)
class Contender:
    """One way of doing the work.

    Attributes:
        run: does some of it.
        steps: what the time of a call is divided by: its steps, or its steps times its networks.
        note: what the table says beside the time.
    """

    run: Callable[[], object]
    steps: int = 1
    note: str = ""


def turns(measures: Mapping[str, Callable[[], float]], rounds: int) -> pd.DataFrame:
    """What each of them measures, one row per round in which each has its turn, after one that is not counted.

    Every other round goes the other way round, so that none gains by its place.
    """
    rows = []
    for turn in range(rounds + 1):
        rows.append({name: measures[name]() for name in list(measures)[:: -1 if turn % 2 else 1]})
    return pd.DataFrame(rows[1:], columns=list(measures))


def interleaved(contenders: Mapping[str, Contender], rounds: int) -> pd.DataFrame:
    """Milliseconds a step of contenders that take turns."""
    return turns({name: partial(_milliseconds, contender) for name, contender in contenders.items()}, rounds)


def _milliseconds(contender: Contender) -> float:
    _wait()
    began = time.perf_counter()
    contender.run()
    _wait()
    return (time.perf_counter() - began) * 1e3 / contender.steps


def summary(times: pd.DataFrame) -> pd.DataFrame:
    """One row per contender: contender, median_ms, min_ms, max_ms, rounds."""
    measured = {"median_ms": times.median(), "min_ms": times.min(), "max_ms": times.max(), "rounds": times.count()}
    return pd.DataFrame(measured).rename_axis("contender").reset_index()


def compare(builders: Mapping[str, Callable[[], Contender]], rounds: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Builds the contenders and lets them take turns.

    Args:
        builders: make the contenders, by name; one that cannot run here raises `NotMeasured`.
        rounds: how many are counted.

    Returns:
        The times of `interleaved`, and the rows of `summary` with a note.
    """
    contenders, notes = {}, {}
    for name, build in builders.items():
        try:
            contenders[name] = build()
            notes[name] = contenders[name].note
        except NotMeasured as reason:
            notes[name] = f"not measured: {reason}"
    times = interleaved(contenders, rounds).reindex(columns=list(builders))
    return times, summary(times).assign(note=list(notes.values()))


def compiled_network(network: nn.Module, quick: bool) -> nn.Module:
    """A network through torch.compile for one shape of batch; a quick run compiles nothing."""
    if quick:
        raise NotMeasured("a quick run compiles nothing")
    torch.compiler.reset()
    return torch.compile(network, dynamic=False)  # type: ignore[return-value]


def compile_now(run: Callable[[], object]) -> str:
    """Runs what is compiled at its first call, and tells how long that took."""
    began = time.perf_counter()
    try:
        run()
    except Exception as error:  # whatever the compiler beneath has to say
        raise NotMeasured(f"torch.compile fails: {type(error).__name__}: {str(error).splitlines()[0]}") from None
    return f"compiled in {time.perf_counter() - began:.0f} s"


def ratios(times: pd.DataFrame, references: str | Mapping[str, str]) -> list[float]:
    """How many times a reference each contender takes: the median over the rounds.

    Args:
        times: those of `interleaved`.
        references: a contender, or for each contender the one it is held against.
    """
    if isinstance(references, str):
        references = dict.fromkeys(times, references)
    return [(times[name] / times[references[name]]).median() for name in times]


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
