"""How the cost of a step grows with the networks, their depth and their width."""

from functools import partial

import pandas as pd
from mnist import DEPTH, WIDTH, load_mnist, study_loop
from setting import Setting
from timing import Contender, compare

ABOUT = """
The study's step on the network of *throughput*, probes off, in milliseconds of all networks together; one of the three
numbers is varied, the others are 5 networks, 8 layers, 128 units. In the figure the straight lines have slope 1: cost
proportional to size, which it can only be once a step is more than its overhead. Weights, and so a step, grow with the
square of the width. *Analysis* shows growth with the number of runs.
"""
REPLICAS, STEPS = 5, 20
AXES = {
    "replicas": (1, 2, 5, 10, 20, 50, 100),
    "depth": (2, 4, 8, 16, 32),
    "width": (32, 64, 128, 256, 512),
}


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds along each axis: axis, size, median_ms, min_ms, max_ms, rounds."""
    data, steps = load_mnist(setting), setting.choose(STEPS, 2)
    points = [(axis, size) for axis, sizes in AXES.items() for size in setting.choose(sizes, sizes[:2])]

    def build(axis: str, size: int) -> Contender:
        sizes = {"replicas": REPLICAS, "depth": DEPTH, "width": WIDTH, axis: size}
        options = "probes.every=0", f"model.depth={sizes['depth']}", f"model.width={sizes['width']}"
        return Contender(study_loop(data, sizes["replicas"], steps, *options), steps)

    builders = {f"{axis} {size}": partial(build, axis, size) for axis, size in points}
    _, table = compare(builders, setting.choose(7, 1))
    return pd.DataFrame(points, columns=["axis", "size"]).join(table[["median_ms", "min_ms", "max_ms", "rounds"]])
