"""The choice of the learning rate: by validation data of its own seeds, and of nothing else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation_study.commands.compare import tune
from activation_study.comparison import selection
from activation_study.runs import Tables

RATES = [0.001, 0.01, 0.1]


def metrics(accuracies: dict[float, list[float]], activation: str = "relu", first_seed: int = 1000) -> pd.DataFrame:
    """Rows of replicas whose validation accuracy after training is given by rate; test rows say the opposite."""
    rows = []
    for rate, values in accuracies.items():
        for seed, value in enumerate(values, first_seed):
            replica = {"run": f"{activation}-{rate}", "variant": activation, "depth": 2, "seed": seed,
                       "learning_rate": rate}  # fmt: skip
            for epoch, split, accuracy in [(0, "valid", 0.1), (1, "valid", value), (1, "test", 1 - value)]:
                rows.append(replica | {"epoch": epoch, "split": split, "accuracy": accuracy, "loss": 1 - accuracy})
    return pd.DataFrame(rows)


def test_the_rate_with_the_best_mean_validation_accuracy_is_chosen() -> None:
    table = selection.scores(metrics({0.001: [0.5, 0.6], 0.01: [0.9, 0.7], 0.1: [0.79, 0.79]}))
    assert table["accuracy"].tolist() == pytest.approx([0.55, 0.8, 0.79])
    assert selection.best(table) == 0.01


def test_scrambled_test_labels_change_nothing() -> None:
    """The choice is the same whatever the test split says."""
    rows = metrics({0.001: [0.5, 0.6], 0.01: [0.9, 0.7], 0.1: [0.79, 0.79]})
    scrambled = rows.copy()
    test = scrambled["split"] == "test"
    scrambled.loc[test, ["accuracy", "loss"]] = np.random.default_rng(0).uniform(size=(test.sum(), 2))
    pd.testing.assert_frame_equal(selection.scores(rows), selection.scores(scrambled))


def test_a_diverged_replica_counts_as_zero() -> None:
    table = selection.scores(metrics({0.001: [0.5, 0.5], 0.01: [0.9, float("nan")]}))
    assert table["accuracy"].tolist() == [0.5, 0.45]
    assert table["diverged"].tolist() == [0, 1]
    assert selection.best(table) == 0.001


def test_of_equal_accuracies_the_lower_loss_wins_and_then_the_lower_rate() -> None:
    table = pd.DataFrame({"learning_rate": RATES, "accuracy": [0.9, 0.9, 0.9], "loss": [0.4, 0.3, 0.3]})
    assert selection.best(table) == 0.01
    assert selection.best(table.assign(loss=float("nan"))) == 0.001


@pytest.mark.parametrize(
    ("rates", "chosen", "expected"),
    [
        ([0.01, 0.03, 0.1], 0.1, 0.3),
        ([0.01, 0.03, 0.1], 0.01, 0.003),
        ([0.01, 0.03, 0.1], 0.03, None),
        ([0.01, 0.1], 0.1, 1.0),
        ([0.01], 0.01, None),
    ],
)
def test_the_grid_goes_on_in_its_own_steps(rates, chosen, expected) -> None:
    assert selection.beyond(rates, chosen) == expected


@given(st.floats(1e-5, 1e-1), st.floats(1.5, 10), st.integers(2, 6), st.booleans())
def test_a_geometric_grid_stays_geometric(first, ratio, count, upwards) -> None:
    rates = [first * ratio**k for k in range(count)]
    edge = rates[-1] if upwards else rates[0]
    expected = edge * ratio if upwards else edge / ratio
    assert selection.beyond(rates, edge) == pytest.approx(expected, rel=1e-4)


def test_sensitivity_is_the_loss_at_the_worse_neighbour() -> None:
    table = pd.DataFrame({"learning_rate": RATES, "accuracy": [0.7, 0.9, 0.85], "loss": 1.0})
    assert selection.sensitivity(table) == pytest.approx(0.2)
    assert selection.sensitivity(table.iloc[1:]) == pytest.approx(0.05)
    assert np.isnan(selection.sensitivity(table.iloc[:1]))


def test_measured_are_the_fresh_seeds_at_the_chosen_rate() -> None:
    tuning = metrics({0.001: [0.5, 0.5], 0.01: [0.9, 0.9], 0.1: [0.2, 0.2]})
    fresh = metrics({0.01: [0.8, 0.8, 0.8], 0.1: [0.99, 0.99, 0.99]}, first_seed=0)
    other = metrics({0.1: [0.6, 0.7]}, activation="elu", first_seed=0)
    rows = pd.concat([tuning, fresh, other], ignore_index=True)
    kept = selection.chosen(Tables(rows, rows.assign(layer=1), []), [1000, 1001])
    for table in (kept.metrics, kept.layers):
        found = table.groupby("variant")[["learning_rate", "seed"]].agg(["unique"])
        assert found.loc["relu"].map(list).tolist() == [[0.01], [0, 1, 2]]
        assert found.loc["elu"].map(list).tolist() == [[0.1], [0, 1]]


def test_a_tuned_run_widens_its_grid_and_trains_nothing_twice(tiny_settings, capsys) -> None:
    settings = tiny_settings("activation=relu", "train.epochs=1")
    tables = tune(settings, [1000], [1e-5, 2e-5], widenings=2)
    rates = sorted(tables.metrics["learning_rate"].unique())
    assert len(rates) == 4
    assert {1e-5, 2e-5} < set(rates)
    again = tune(settings, [1000], [1e-5, 2e-5], widenings=2)
    assert "trained already" in capsys.readouterr().out
    pd.testing.assert_frame_equal(
        *(t.metrics.sort_values(["learning_rate", "epoch", "split"], ignore_index=True) for t in (tables, again))
    )
