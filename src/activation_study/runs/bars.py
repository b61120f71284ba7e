"""Gradient norms by layer as a few lines of text, a bar a layer: what a terminal shows of a run."""

import sys
from typing import TextIO

import numpy as np
import pandas as pd

from activation_study.runs.folder import Run

WIDTH = 40  # letters of the longest bar
FULL, PARTS = "█", " ▏▎▍▌▋▊▉"  # parts are eighths of a letter
PLAIN = "#"  # where the terminal knows no more


def picture_of(run: Run, stream: TextIO | None = None) -> str:
    """A finished run's gradient norms at its last measurement, in letters that the stream, by default stdout, knows."""
    return gradient_bars(run.table("layers"), knows_blocks(stream or sys.stdout))


def gradient_bars(layers: pd.DataFrame, blocks: bool) -> str:
    """Gradient norms at the last step measured, as text; nothing where none was measured.

    Args:
        layers: the table of that name of one run; each of its learning rates has bars of its own.
        blocks: whether bars are of block letters, which are finer, or of plain ASCII.
    """
    if layers.empty:
        return ""
    last = layers[layers["step"] == layers["step"].max()]
    return "\n".join(_bars(rows, rate, blocks) for rate, rows in last.groupby("learning_rate"))


def knows_blocks(stream: TextIO) -> bool:
    """Whether a stream can show block letters."""
    try:
        (FULL + PARTS).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _bars(rows: pd.DataFrame, rate: float, blocks: bool) -> str:
    """The bars of one learning rate: geometric means over the networks whose norms have a logarithm."""
    rows = rows.assign(log=np.log10(rows["grad_norm"].where(rows["grad_norm"] > 0)).replace(np.inf, np.nan))
    logs = rows.groupby("layer")["log"].mean()
    hidden = rows.groupby("layer")["hidden"].first()
    n = int(rows.groupby("layer")["log"].count().min())
    networks = f"{n} network{'' if n == 1 else 's'}"
    head = f"gradient norm by layer, step {rows['step'].iloc[0]}, learning rate {rate:g}, geometric mean of {networks}"
    if not logs.notna().any():
        return f"{head}: none is above 0 and finite"
    low = int(np.floor(logs.min()))
    high = max(int(np.ceil(logs.max())), low + 1)
    lines = [f"{head}; bars are logarithmic, from 1e{low} to 1e{high}"]
    for layer, log in logs.items():
        name = str(layer) if hidden[layer] else "out"
        if log != log:
            lines.append(f"{name:>4}        -")
        else:
            lines.append(f"{name:>4}  {10**log:7.1e}  {_bar((log - low) / (high - low), blocks)}".rstrip())
    return "\n".join(lines)


def _bar(share: float, blocks: bool) -> str:
    """A bar of a share of WIDTH; none is so short that it is not seen."""
    if not blocks:
        return PLAIN * max(1, round(share * WIDTH))
    whole, eighths = divmod(max(1, round(share * WIDTH * len(PARTS))), len(PARTS))
    return FULL * whole + PARTS[eighths].strip()
