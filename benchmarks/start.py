"""How long it takes until something is to be seen."""

import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from setting import Setting
from timing import Contender, compare

ROOT = Path(__file__).resolve().parents[1]
ABOUT = """
Seconds from the start of a fresh process to its end. The demo is the way to the study's first picture: eight
activations at three depths on handwritten digits, five seeds each, trained from nothing, compared and drawn; it runs
once.
"""
DEMO = ["experiments/compare.py", "+experiment=demo"]
SMALL = ["activations=[relu,elu]", "depths=[2]", "train.epochs=1", "seeds=2"]
WAYS = {
    "import activation_study": ["-c", "import activation_study"],
    "import activation_study.training.trainer": ["-c", "import activation_study.training.trainer"],
    "python experiments/train.py --help": ["experiments/train.py", "--help"],
}


def python(*arguments: str) -> None:
    """Runs a fresh interpreter with these arguments to its end."""
    ended = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} fails:\n{ended.stderr}")


def measure(setting: Setting) -> pd.DataFrame:
    """Seconds of the demo, of `--help` and of the imports."""
    rounds = setting.choose(5, 1)
    times, _ = compare({name: partial(Contender, partial(python, *way)) for name, way in WAYS.items()}, rounds)
    seconds = times / 1e3
    with tempfile.TemporaryDirectory() as folder:
        options = [f"runs_dir={folder}/runs", f"out={folder}/out", f"device={setting.device}",
                   f"threads={torch.get_num_threads()}", *setting.choose([], SMALL)]  # fmt: skip
        began = time.perf_counter()
        python(*DEMO, *options)
        seconds[" ".join(["python", *DEMO])] = [time.perf_counter() - began, *[float("nan")] * (rounds - 1)]
    table = {"median_s": seconds.median(), "min_s": seconds.min(), "max_s": seconds.max(), "rounds": seconds.count()}
    return pd.DataFrame(table).rename_axis("what").reset_index()
