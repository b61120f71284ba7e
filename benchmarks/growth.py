"""How the cost grows: a step with the networks, their depth and width, analysis with the runs."""

from functools import partial

import pandas as pd
from mnist import DEPTH, WIDTH, load_mnist, study_loop
from setting import Setting
from timing import Contender, compare

ABOUT = """
The study's step on the network of *throughput*, probes off, in milliseconds of all networks together; one of the three
numbers is varied, the others are 5 networks, 8 layers, 128 units. *Runs* is what *analysis* measures, for more and more
runs on disk, each once. In the figure the straight lines have slope 1: cost proportional to size.
"""
REPLICAS, STEPS = 5, 20
AXES = {
    "replicas": (1, 2, 5, 10, 20, 50, 100),
    "depth": (2, 4, 8, 16, 32),
    "width": (32, 64, 128, 256, 512),
}
RUNS: tuple[int, ...] = (100, 1000, 10_000)


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds along each axis: axis, size, what, median_ms, min_ms, max_ms, rounds."""
    data, steps = load_mnist(setting), setting.choose(STEPS, 2)
    points = [(axis, size) for axis, sizes in AXES.items() for size in setting.choose(sizes, sizes[:2])]

    def build(axis: str, size: int) -> Contender:
        sizes = {"replicas": REPLICAS, "depth": DEPTH, "width": WIDTH, axis: size}
        options = "probes.every=0", f"model.depth={sizes['depth']}", f"model.width={sizes['width']}"
        return Contender(study_loop(data, sizes["replicas"], steps, *options), steps)

    builders = {f"{axis} {size}": partial(build, axis, size) for axis, size in points}
    _, table = compare(builders, setting.choose(7, 1))
    axes = pd.DataFrame(points, columns=["axis", "size"]).assign(what="step")
    steps_taken = axes.join(table[["median_ms", "min_ms", "max_ms", "rounds"]])
    return pd.concat([steps_taken, *(reading(runs) for runs in setting.choose(RUNS, ()))], ignore_index=True)


def reading(runs: int) -> pd.DataFrame:
    """What the analysis of so many runs takes, in the columns of `measure`; without what does not grow."""
    import analysis

    measured = analysis.measure(runs).query("what != 'imports'")
    times = {column: measured["seconds"] * 1e3 for column in ("median_ms", "min_ms", "max_ms")}
    return pd.DataFrame({"axis": "runs", "size": runs, "what": measured["what"], **times, "rounds": 1})
