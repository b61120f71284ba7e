"""The test scores of a run's networks as text, a line a learning rate."""

import pandas as pd

from activation_study.runs.folder import Run
from activation_study.runs.tables import score_of


def scores_of(run: Run) -> str:
    """The test score of every seed of a finished run, after the last epoch."""
    return by_seed(run.table("metrics"))


def by_seed(metrics: pd.DataFrame) -> str:
    """The test score of every seed, in per cent, a line a learning rate.

    Args:
        metrics: the table of that name of one run.
    """
    score = score_of(metrics)
    last = metrics[(metrics["split"] == "test") & (metrics["epoch"] == metrics["epoch"].max())]
    return "\n".join(
        f"test {score}, learning rate {rate:g}: "
        + ", ".join(f"seed {seed} {_told(value)}" for seed, value in zip(rows["seed"], rows[score], strict=True))
        for rate, rows in last.groupby("learning_rate")
    )


def _told(share: float) -> str:
    return f"{share:.2%}".replace("%", " %") if share == share else "diverged"
