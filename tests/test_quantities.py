"""The numbers of a replica, on tables whose answers are known."""

import math

import numpy as np
import pandas as pd
import pytest

from activation_study.comparison import quantities
from activation_study.comparison.summary import summary
from activation_study.runs import Tables

NAN = math.nan


def metrics(losses: dict[str, list[float]], accuracies: dict[str, list[float]], activation="relu", seed=0):
    """Rows of one replica; the curves of train and valid start before training, test is there at the end."""
    last = len(losses["train"]) - 1
    rows = [
        {"variant": activation, "depth": 2, "seed": seed, "learning_rate": 0.1, "epoch": last - back, "split": split,
         "loss": loss, "accuracy": accuracy}
        for split in losses
        for back, (loss, accuracy) in enumerate(zip(losses[split][::-1], accuracies[split][::-1], strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows)


LEARNS = metrics(
    {"train": [2.0, 1.0, 0.5], "valid": [2.0, 1.2, 0.8], "test": [0.9]},
    {"train": [0.1, 0.7, 0.95], "valid": [0.1, 0.6, 0.8], "test": [0.75]},
)
DIVERGES = metrics(
    {"train": [2.2, 1.0, NAN], "valid": [2.4, math.inf, NAN], "test": [NAN]},
    {"train": [0.1, 0.7, NAN], "valid": [0.1, NAN, NAN], "test": [NAN]},
    seed=1,
)
BOTH = pd.concat([LEARNS, DIVERGES], ignore_index=True)


def layers(norms: list[float], hidden: list[bool], step: int = 0, seed: int = 0, depth: int = 2, **columns):
    return pd.DataFrame(
        {"variant": "relu", "depth": depth, "seed": seed, "step": step, "layer": range(1, len(norms) + 1),
         "hidden": hidden, "grad_norm": norms, **columns}
    )  # fmt: skip


def test_a_diverged_network_has_learned_nothing():
    counted = quantities.counted(BOTH).set_index(["seed", "split", "epoch"]).sort_index()
    assert counted.loc[(1, "valid"), "accuracy"].tolist() == [0.1, 0, 0]
    assert counted.loc[(1, "valid"), "loss"].tolist() == [2.4, 2.4, 2.4]
    assert counted.loc[(1, "train"), "loss"].tolist() == [2.2, 1.0, 2.2]
    assert math.isnan(counted.loc[(1, "test", 2), "loss"])
    pd.testing.assert_frame_equal(quantities.counted(LEARNS), LEARNS)
    assert quantities.diverged(BOTH).tolist() == [False, True]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (quantities.ACCURACY, [0.75, 0]),
        (quantities.VALIDATION_ACCURACY, [0.8, 0]),
        (quantities.LOSS, [0.9, NAN]),
        (quantities.GAP, [0.2, NAN]),
        (quantities.TRAINING_LOSS, [(1.0 + 0.5) / 2, (1.0 + 2.2) / 2]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_numbers_after_training(quantity, expected):
    found = quantity.per_replica(BOTH)
    assert list(found.index) == [("relu", 2, 0), ("relu", 2, 1)]
    np.testing.assert_allclose(found, expected)


def test_epochs_to_a_target():
    assert quantities.epochs_to(BOTH, 0.6).tolist() == [1, math.inf]
    assert quantities.epochs_to(BOTH, 0.1).tolist() == [0, 0]


def test_the_ratio_is_that_of_the_first_and_the_last_layer_with_an_activation():
    """A projection without activation, as in a residual network, stands between or at the ends; depths differ."""
    plain = layers([1.0, 2.0, 4.0, 50.0], [True, True, True, False], depth=3)
    projected = layers([9.0, 2.0, 30.0, 8.0, 50.0], [False, True, False, True, False], depth=2)
    assert quantities.gradient_ratios(pd.concat([plain, projected])).to_dict() == {
        ("relu", 3, 0): 0.25, ("relu", 2, 0): 0.25,
    }  # fmt: skip
    for lost in ([NAN, 1.0, 1.0], [0.0, 1.0, 1.0], [1.0, math.inf, 1.0], [1.0, 0.0, 1.0]):
        assert quantities.gradient_ratios(layers(lost, [True, True, False])).isna().all()


def test_layers_are_averaged_over_those_with_an_activation_at_the_right_moment():
    start = layers([1.0] * 3, [True, True, False], saturated=[0.2, 0.4, NAN], mean=[-0.3, 0.1, 5.0])
    end = layers([1.0] * 3, [True, True, False], step=9, saturated=[0.6, 0.8, NAN], mean=[-0.5, 0.1, 5.0])
    both = pd.concat([start, end])
    assert quantities.SATURATED_BEFORE.per_replica(both).item() == pytest.approx(0.3)
    assert quantities.SATURATED.per_replica(both).item() == pytest.approx(0.7)
    assert quantities.MEAN.per_replica(both).item() == pytest.approx(0.3)
    assert quantities.GRADIENT_RATIO.per_replica(both).item() == 1


def test_means_and_differences_stay_where_the_quantity_can_be():
    assert quantities.ACCURACY.mean([0, 1, 1]).low == 0
    assert quantities.ACCURACY.difference([1, 1, 0], [0, 0, 1]).high == 1
    assert quantities.GAP.mean([-0.9, 0.9]).low == -1
    ratio = quantities.TRAINING_LOSS.difference([1.0, 2.0], [2.0, 4.0])
    assert ratio == pytest.approx((0.5, 0.5, 0.5))


def test_a_summary_is_made_of_them():
    inside = pd.concat(
        [layers([1.0, 2.0, 5.0], [True, True, False], seed=seed, saturated=0.3, dead=0.1, activation="relu")
         for seed in (0, 1)]
    )  # fmt: skip
    row = summary(Tables(BOTH, inside, [])).iloc[0]
    assert (row["accuracy"], row["n"], row["diverged"]) == (0.375, 2, 1)
    assert (row["loss"], row["gap"], row["saturated"]) == pytest.approx((0.9, 0.2, 0.3))
    assert row["gradient_ratio"] == pytest.approx(0.5)
    assert row["training_loss"] == pytest.approx(math.sqrt(0.75 * 1.6))  # of the two means above


@pytest.mark.parametrize(("activation", "share"), [("relu", 0.1), ("elu(alpha=0.5)", 0.1), ("sigmoid", NAN)])
def test_what_learns_on_both_sides_of_zero_has_no_dead_units(activation, share):
    inside = layers([1.0, 1.0, 1.0], [True, True, False], dead=0.1, activation=activation)
    assert quantities.DEAD.per_replica(inside).to_list() == pytest.approx([share], nan_ok=True)
