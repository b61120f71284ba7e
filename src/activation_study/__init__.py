"""A study of rectified activations: train them side by side, measure them layer by layer, compare them fairly."""

import os
from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"  # what Hydra composes, and every option with its default

# Threads of OpenMP that wait for one another keep their cores busy for milliseconds, which makes two trainings on the
# same cores a hundred times slower. Ten thousand turns, 0.1 to 0.5 ms by processor, bridge the gap between two
# operations, and then the core is let go. The runtime of torch's wheels reads this once, when torch is imported.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
