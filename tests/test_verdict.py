"""What a comparison concludes, from tables whose answer is known."""

import itertools

import numpy as np
import pandas as pd
import pytest

from activation_study import comparison, verdict
from activation_study.runs import Run, Tables, files

NAN = float("nan")


CONFIG = {"config": {"model": {"name": "mlp", "depth": 2, "width": 8}, "train": {"epochs": 1, "batch_size": 4},
                     "dataset": {"name": "digits", "train_limit": None}, "optimizer": {"name": "sgd"},
                     "init": {"name": "he"}}, "replicas": [[0, 0.1], [1, 0.1]]}  # fmt: skip


def tables(tmp_path, accuracies: dict[str, list[float]], depths: tuple[int, ...] = (2,)) -> Tables:
    files.write_yaml(tmp_path / "one" / "config.yaml", CONFIG)
    files.write_json(tmp_path / "one" / "environment.json", {"device": "a processor"})
    rows = []
    for depth, (activation, values) in itertools.product(depths, accuracies.items()):
        for (seed, value), epoch in itertools.product(enumerate(values), range(3)):
            for split in ["train", "valid", *(["test"] if epoch == 2 else [])]:
                accuracy = value if split == "test" else value * (epoch + 1) / 3 + 0.05 * (split == "train")
                rows.append({"run": "one", "activation": activation, "dataset": "digits", "model": "mlp",
                             "depth": depth, "seed": seed, "learning_rate": 0.1, "scale": "desk", "epoch": epoch,
                             "step": epoch, "split": split, "loss": 1 - accuracy, "accuracy": accuracy,
                             "seconds": 4.0 * epoch})  # fmt: skip
    return Tables(pd.DataFrame(rows), pd.DataFrame(), [Run(tmp_path / "one")])


ELU_WINS = {"relu": [0.80, 0.81, 0.82, 0.80], "elu": [0.90, 0.91, 0.92, 0.90], "prelu": [0.80, 0.82, 0.81, 0.80],
            "sigmoid": [0.1, 0.11, 0.1, 0.1]}  # fmt: skip


def test_differences_are_paired_and_joint(tmp_path) -> None:
    table = verdict.differences(tables(tmp_path, ELU_WINS).metrics, "relu").set_index("activation")
    assert table["difference"].drop("relu").tolist() == pytest.approx([0.1, 0.0, -0.705])
    assert set(table["comparisons"].dropna()) == {3}
    assert table.loc["elu", ["low", "high"]].tolist() == pytest.approx([0.1, 0.1])
    assert table.loc["prelu", "low"] < 0 < table.loc["prelu", "high"]
    assert table.loc["elu", "improvement"] == 1
    assert table["first"].tolist() == [0, 1, 0, 0]


def test_a_seed_that_one_activation_lacks_is_left_out_of_the_pairs(tmp_path) -> None:
    rows = tables(tmp_path, ELU_WINS).metrics
    rows = rows[~((rows["activation"] == "elu") & (rows["seed"] == 3))]
    assert set(verdict.differences(rows, "relu")["n"]) == {3}
    assert list(verdict.accuracies(rows).index) == [0, 1, 2]


def test_the_sentences_say_what_the_tables_hold(tmp_path) -> None:
    given = tables(tmp_path, ELU_WINS)
    summary = comparison.summary(given)
    leader, others, limits = verdict.conclusions(summary, verdict.differences(given.metrics, "relu"), given, None)
    assert leader.startswith("At depth 2, elu has the highest mean test accuracy, 90.75 %")
    assert "its lead over relu, the next, is 10.00 points [10.00, 10.00], which settles" in leader
    assert others == (
        "Compared with relu, elu is better by 10.00 points; sigmoid is worse by 70.50 points; prelu cannot be told "
        "from it (joint 95 % intervals of 3 differences)."
    )
    assert "other learning rates: none was tuned" in limits
    assert "1 epochs, scale desk" in limits


def test_a_lead_within_the_noise_settles_nothing(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.8, 0.9, 0.7], "elu": [0.9, 0.8, 0.73]})
    leader, others, _ = verdict.conclusions(
        comparison.summary(given), verdict.differences(given.metrics, "relu"), given, None
    )
    assert "which does not settle that it is the best" in leader
    assert others.startswith("Compared with relu, elu cannot be told from it")


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ({"relu": [0.8], "elu": [0.9]}, "With one seed nothing can be said about differences."),
        ({"relu": [0.8, 0.9]}, "There is nothing to compare relu with."),
        ({"relu": [NAN, NAN], "elu": [NAN, NAN]}, "Compared with relu, elu cannot be told from it (95 % interval)."),
    ],
)
def test_little_to_go_by_is_said(tmp_path, accuracies, expected) -> None:
    given = tables(tmp_path, accuracies)
    sentences = verdict.conclusions(comparison.summary(given), verdict.differences(given.metrics, "relu"), given, None)
    assert sentences[1] == expected


def test_the_edge_of_the_grid_is_confessed(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.8, 0.9], "elu": [0.8, 0.9]})
    grid = pd.concat(
        given.metrics.assign(learning_rate=rate, accuracy=given.metrics["accuracy"] * share)
        for rate, share in [(0.01, 0.5), (0.03, 0.6), (0.1, 0.7)]
    )
    sentences = verdict.conclusions(
        comparison.summary(given), verdict.differences(given.metrics, "relu"), given, given._replace(metrics=grid)
    )
    assert "the best rate of relu and elu lies at the edge of the grid" in sentences[2]


def test_summary_counts_epochs_and_seconds_to_the_target(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.9, 0.9], "elu": [0.3, 0.3]})
    table = comparison.summary(given, target=0.6).set_index("activation")
    assert table.loc["relu", ["epochs_to_target", "seconds_to_target", "reached"]].tolist() == [1, 2, 1]
    assert np.isinf(table.loc["elu", "epochs_to_target"])
    assert table.loc["elu", "reached"] == 0
    assert table.loc["relu", "gap"] == pytest.approx(0.05)
    assert comparison.summary(given)["target"].tolist() == pytest.approx([0.99 * 0.9] * 2)
    shown = comparison.as_text(comparison.summary(given, target=0.6))
    assert shown["epochs to target"].tolist() == ["1", "never"]


def test_latex_has_a_line_a_row_and_escapes() -> None:
    text = comparison.latex(pd.DataFrame({"a_b": ["x"], "share %": ["1"]}))
    assert r"a\_b & share \% \\" in text
    assert text.count(r"\\") == 2
