"""Test scores as text."""

import math

import pandas as pd

from activation_study.commands.train import outcome
from activation_study.runs.bars import picture_of
from activation_study.runs.scores import by_seed, scores_of
from activation_study.training.execute import execute


def metrics(**columns: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {"epoch": 2, "split": "test", "seed": [0, 1], "learning_rate": 0.1, "accuracy": [0.5, 0.12345]}
    )
    return table.assign(**columns)


def test_every_seed_has_its_score_and_every_learning_rate_its_line() -> None:
    valid, before = metrics(split="valid", accuracy=0.9), metrics(epoch=1, accuracy=0.9)
    table = pd.concat([metrics(), valid, before, metrics(learning_rate=0.01, accuracy=[1, math.nan])])
    assert by_seed(table).splitlines() == [
        "test accuracy, learning rate 0.01: seed 0 100.00 %, seed 1 diverged",
        "test accuracy, learning rate 0.1: seed 0 50.00 %, seed 1 12.35 %",
    ]
    explained = metrics().rename(columns={"accuracy": "explained"})
    assert by_seed(explained).startswith("test explained, learning rate 0.1: seed 0 50.00 %")


def test_a_training_ends_with_its_scores_its_gradients_and_its_folder(tiny_settings) -> None:
    (run,) = execute(tiny_settings())
    assert outcome(run) == f"{scores_of(run)}\n{picture_of(run)}\nfolder: {run.folder}"
    (unwatched,) = execute(tiny_settings("probes.every=0"))
    assert outcome(unwatched) == f"{scores_of(unwatched)}\nfolder: {unwatched.folder}"
