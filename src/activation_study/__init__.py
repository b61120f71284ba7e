"""A study of rectified activations: train them side by side, measure them layer by layer, compare them fairly."""

from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"  # what Hydra composes, and every option with its default
