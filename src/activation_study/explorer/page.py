"""The page: HTML, styles, code and data of this folder joined into one file that needs nothing else.

The code is plain JavaScript in small files, without a library and without a build step. Five charts of 500 runs were
tried with it and with three libraries: it was drawn in 175 ms where they took 318 to 905, was the only one whose charts
take the focus of a keyboard, runs under a policy that forbids eval, and adds some 50 kB where they add 490 to 1,500. So
nothing of others is in the file, and the policy in its head lets it run these scripts and styles, which it names by
their hashes, and nothing else: it can load nothing and send nothing.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits

from activation_study.activations import build
from activation_study.comparison.quantities import RULE
from activation_study.explorer.colors import palette
from activation_study.explorer.data import study, t_quantiles
from activation_study.explorer.packing import Packed
from activation_study.papers import PAPERS, page, results
from activation_study.runs import Run

CODE = (
    "state", "data", "statistics", "verdict", "scales", "table", "axes", "lines", "maps", "functions", "network",
    "selection", "charts", "training", "main",
)  # fmt: skip
WORKER = ("functions", "network", "worker")  # what trains, in a thread of its own
TRAINABLE = ("sigmoid", "tanh", "softsign", "relu", "lrelu", "elu", "softplus", "silu")  # those of functions.js
HELD_OUT = 360  # of the 1797 digits


def html(runs: Sequence[Run], tuning_seeds: Sequence[int], papers: Path) -> str:
    """The page of some runs and of the papers' items in a folder."""
    packed = Packed()
    groups = study(runs, tuning_seeds, packed)
    labels = {label for group in groups for label in group["variants"]} | set(TRAINABLE)
    data = {
        "groups": groups,
        "digits": _digits(packed),
        "quantiles": t_quantiles(),
        "palette": palette(labels),
        "gains": {name: _gains(name) for name in TRAINABLE},
        "papers": _items(papers),
        "rule": RULE,
        "worker": "\n".join(map(_script, WORKER)),
    }
    code = "\n".join(['"use strict";', *map(_script, CODE)])
    styles = _part("page.css")
    policy = (
        f"default-src 'none'; script-src {_hash(code)}; style-src {_hash(styles)}; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {"POLICY": policy, "STYLES": styles, "DATA": in_script(data), "NUMBERS": packed.text(), "CODE": code}
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda place: parts[place[1]], _part("page.html"))


def in_script(value: Any) -> str:
    """JSON that can stand inside an element of HTML, whatever labels hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _gains(name: str) -> dict[str, float]:
    activation = build(name)
    return {"backward": activation.backward_gain, "forward": activation.forward_gain}


def _digits(packed: Packed) -> dict[str, int]:
    """The handwritten digits of scikit-learn, 8 x 8 pixels of 0 to 16, and their labels, as bytes."""
    images, labels = load_digits(return_X_y=True)
    begin = packed.add_bytes(images.astype("uint8").tobytes())
    return {"offset": begin, "labels": packed.add_bytes(labels.astype("uint8").tobytes()), "count": len(labels),
            "pixels": images.shape[1], "held_out": HELD_OUT}  # fmt: skip


def _items(out: Path) -> list[dict[str, Any]]:
    """Every item of the papers, whether it has been made, and what has become of its claims."""
    found = []
    for paper in PAPERS.values():
        for item in paper.items:
            result = results.read(out, paper, item)
            judged = [] if result is None else page.outcomes(paper, item, result)
            found.append({
                "paper": paper.name, "item": item.name, "shows": item.shows,
                "scale": None if result is None else page.note(item, result),
                "verdicts": [[outcome.verdict, outcome.claim.statement] for outcome in judged],
                "command": page.command(paper, item, result),
            })  # fmt: skip
    return found


def _script(name: str) -> str:
    return _part(f"{name}.js")


def _part(name: str) -> str:
    return (files("activation_study.explorer") / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
