"""What a comparison concludes, from tables whose answer is known."""

import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as with_values
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats

from activation_study.comparison import statistics, text
from activation_study.comparison.differences import accuracies, differences
from activation_study.comparison.sentences import conclusions
from activation_study.comparison.summary import summary
from activation_study.runs import Run, Tables, files
from activation_study.runs.overview import duration

NAN = float("nan")


CONFIG = {"config": {"model": {"name": "mlp", "depth": 2, "width": 8}, "train": {"epochs": 1, "batch_size": 4},
                     "dataset": {"name": "digits", "train_limit": None}, "optimizer": {"name": "sgd"},
                     "init": {"name": "he"}, "activation": {"name": "relu"}},
          "replicas": [[0, 0.1], [1, 0.1]]}  # fmt: skip


def tables(tmp_path, accuracies: dict[str, list[float]], depths: tuple[int, ...] = (2,)) -> Tables:
    files.write_yaml(tmp_path / "one" / "config.yaml", CONFIG)
    files.write_json(tmp_path / "one" / "environment.json", {"device": "a processor"})
    rows = []
    for depth, (activation, values) in itertools.product(depths, accuracies.items()):
        for (seed, value), epoch in itertools.product(enumerate(values), range(3)):
            for split in ["train", "valid", *(["test"] if epoch == 2 else [])]:
                known = 0.6 if value != value else value  # what diverges does so in the last epoch
                accuracy = known if split == "test" else known * (epoch + 1) / 3 + 0.05 * (split == "train")
                diverged = epoch == 2 and value != value
                rows.append({"run": "one", "activation": activation, "variant": activation, "dataset": "digits",
                             "model": "mlp", "depth": depth, "seed": seed, "learning_rate": 0.1, "scale": "desk",
                             "epoch": epoch, "step": epoch, "split": split, "loss": NAN if diverged else 1 - accuracy,
                             "accuracy": NAN if diverged else accuracy, "seconds": 4.0 * epoch})  # fmt: skip
    return Tables(pd.DataFrame(rows), pd.DataFrame(), [Run(tmp_path / "one")])


ELU_WINS = {"relu": [0.80, 0.81, 0.82, 0.80], "elu": [0.90, 0.91, 0.92, 0.90], "prelu": [0.80, 0.82, 0.81, 0.80],
            "sigmoid": [0.1, 0.11, 0.1, 0.1]}  # fmt: skip


def test_differences_are_paired_and_joint(tmp_path) -> None:
    table = differences(tables(tmp_path, ELU_WINS).metrics, "relu").set_index("variant")
    assert table["difference"].drop("relu").tolist() == pytest.approx([0.1, 0.0, -0.705])
    assert set(table["comparisons"].dropna()) == {3}
    assert table.loc["elu", ["low", "high"]].tolist() == pytest.approx([0.1, 0.1])
    assert table.loc["prelu", "low"] < 0 < table.loc["prelu", "high"]
    assert table.loc["elu", "improvement"] == 1
    assert table["first"].tolist() == [0, 1, 0, 0]


def test_a_seed_that_one_activation_lacks_is_left_out_of_the_pairs(tmp_path) -> None:
    rows = tables(tmp_path, ELU_WINS).metrics
    rows = rows[~((rows["variant"] == "elu") & (rows["seed"] == 3))]
    assert set(differences(rows, "relu")["n"]) == {3}
    assert list(accuracies(rows).index) == [0, 1, 2]


def sentences(given: Tables, reference: str = "relu", grid: Tables | None = None) -> list[str]:
    return conclusions(differences(given.metrics, reference), given, grid)


def test_the_sentences_say_what_the_tables_hold(tmp_path) -> None:
    leader, others, few, length, rates = sentences(tables(tmp_path, ELU_WINS))
    assert leader.startswith("At depth 2, elu has the highest mean test accuracy, 90.75 %")
    assert "its lead over relu, the next, is 10.00 points [10.00, 10.00], and it is ahead of every other" in leader
    assert leader.endswith("which settles that it is the best of them.")
    assert others == (
        "Compared with relu, elu is better by 10.00 points; sigmoid is worse by 70.50 points; prelu cannot be told "
        "from it (joint 95 % intervals of 3 differences, n = 4)."
    )
    assert few.startswith("Warning: n = 4. Below 5 seeds ")
    assert few.endswith("does not mean equal; give seeds=5 or more.")
    assert "1 epoch, scale desk" in length
    assert "other learning rates: none was tuned" in rates


def test_limits_are_said_once_for_all_depths(tmp_path) -> None:
    five = {name: [*values, 0.5] for name, values in ELU_WINS.items()}
    said = sentences(tables(tmp_path, five, depths=(2, 3, 4)))
    assert len([one for one in said if one.startswith("At depth ")]) == 3
    assert len([one for one in said if one.startswith("Nothing is said of longer training")]) == 1
    assert not any("Warning" in one for one in said)


def test_a_lead_within_the_noise_settles_nothing(tmp_path) -> None:
    leader, others, *_ = sentences(tables(tmp_path, {"relu": [0.8, 0.9, 0.7], "elu": [0.9, 0.8, 0.73]}))
    assert leader.endswith("and it is not settled that it is better than relu.")
    assert others.startswith("Compared with relu, elu cannot be told from it")


def test_a_third_one_can_leave_the_best_unsettled(tmp_path) -> None:
    """The runner-up is beaten in every seed, and another, whose one bad seed takes it to the end, may be better."""
    accuracies = {"relu": [0.98] * 5, "elu": [0.97] * 5, "prelu": [*[0.999] * 4, 0.84]}
    leader, others, *_ = sentences(tables(tmp_path, accuracies))
    assert "relu has the highest mean test accuracy" in leader
    assert leader.endswith("and it is not settled that it is better than prelu.")
    assert "prelu cannot be told from it" in others


def test_one_rule_for_a_diverged_network_everywhere(tmp_path) -> None:
    """Three of four networks of lrelu are the best there are; the one that diverged makes it the last."""
    given = tables(tmp_path, {"relu": [0.9, 0.91, 0.9, 0.92], "lrelu": [0.99, 0.99, 0.99, NAN], "elu": [0.8] * 4})
    leader, _, lost, *_ = sentences(given)
    assert lost == "Networks that diverged, each of which counts with accuracy 0: lrelu 1 of 4."
    assert "relu has the highest mean test accuracy, 90.75 %" in leader
    assert "its lead over elu, the next, is 10.75 points" in leader
    assert "better than lrelu" in leader
    row = summary(given).set_index("variant").loc["lrelu"]
    assert row[["accuracy", "diverged"]].tolist() == pytest.approx([0.7425, 1])
    assert row[["accuracy_low", "accuracy_high"]].isna().all()
    table = differences(given.metrics, "relu").set_index("variant")
    assert table.loc["lrelu", "difference"] == pytest.approx(row["accuracy"] - 0.9075)
    assert table[["diverged", "reference_diverged"]].loc[["lrelu", "elu"]].to_numpy().tolist() == [[1, 0], [0, 0]]
    shown = text.of_differences(differences(given.metrics, "lrelu")).set_index("activation")
    assert list(shown["95 % interval, joint"]) == ["-", "-"]
    assert "to" in text.of_differences(table.reset_index()).set_index("activation")["95 % interval, joint"]["elu"]
    diverged_leads = sentences(tables(tmp_path, {"relu": [0.2, 0.2, 0.2], "lrelu": [0.99, 0.99, NAN]}))
    assert (
        "lrelu has the highest mean test accuracy, 66.00 % [0.00, 100.00] over 3 seeds (1 diverged)"
        in (diverged_leads[0])
    )


def test_how_many_seeds_would_tell_them_apart_is_said(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.8, 0.9, 0.7], "elu": [0.9, 0.8, 0.73]})
    told = lambda margin: conclusions(differences(given.metrics, "relu"), given, None, margin)[2]  # noqa: E731
    seeds = statistics.seeds_to_tell(float(np.std([0.1, -0.1, 0.03], ddof=1)), 0.05)
    given.runs[0].write_status("done", seconds=30.0)
    assert told(5) == (
        f"To tell elu from relu by 5 points takes about {seeds:.0f} seeds; there are 3, and the others would "
        f"train for {duration((seeds - 3) * 2 * 15)}."  # 15 s a network of the run, two networks a seed
    )
    assert told(90) == "To tell elu from relu by 90 points takes about 3 seeds, no more than the 3 that there are."
    assert told(0.0001).endswith("takes more than 100,000 seeds; there are 3.")
    assert told(None).startswith("Warning: n = 3.")
    lost = tables(tmp_path, {"relu": [0.8, 0.9, 0.7], "elu": [0.9, 0.8, NAN]})
    assert not any("To tell" in one for one in conclusions(differences(lost.metrics, "relu"), lost, None, 5))
    apart = tables(tmp_path, ELU_WINS | {"prelu": [0.9, 0.91, 0.92, 0.89]})
    assert not any("To tell" in one for one in conclusions(differences(apart.metrics, "relu"), apart, None, 5))


@pytest.mark.parametrize(
    ("accuracies", "leader", "others"),
    [
        ({"relu": [0.8], "elu": [0.9]}, "elu has the highest mean test accuracy, 90.00 % over 1 seed.",
         "With one seed nothing can be said about differences."),
        ({"relu": [0.8, 0.9]}, "relu has the highest mean test accuracy, 85.00 % [21.47, 100.00] over 2 seeds.",
         "There is nothing to compare relu with."),
        ({"relu": [NAN, NAN], "elu": [NAN, NAN]}, "every network diverged.",
         "Compared with relu, elu cannot be told from it (95 % interval, n = 2)."),
        ({"relu": [0.8, 0.9], "elu": [0.9, 0.8]},
         "relu and elu share the highest mean test accuracy, 85.00 % over 2 seeds.",
         "Compared with relu, elu cannot be told from it (95 % interval, n = 2)."),
    ],
)  # fmt: skip
def test_little_to_go_by_is_said(tmp_path, accuracies, leader, others) -> None:
    told = sentences(tables(tmp_path, accuracies))
    assert told[0] == f"At depth 2, {leader}"
    assert told[1] == others


ACCURACY = st.one_of(st.just(NAN), st.sampled_from([0.5, 0.9, 0.97]), st.floats(0, 1, width=32))
NAMES = ["relu", "elu", "prelu", "sigmoid"]


@settings(max_examples=50, deadline=None)
@with_values(data=st.data(), count=st.integers(2, 4), seeds=st.integers(1, 6))
def test_no_sentence_claims_more_than_the_intervals(tmp_path_factory, data, count, seeds) -> None:
    """Ties, divergence, one seed, two activations: what the sentences say is held to t intervals computed here."""
    values = {name: data.draw(st.lists(ACCURACY, min_size=seeds, max_size=seeds)) for name in NAMES[:count]}
    given = tables(tmp_path_factory.getbasetemp(), values)
    reference = data.draw(st.sampled_from(NAMES[:count]))
    leader, others, *_ = sentences(given, reference)
    counted = {name: np.nan_to_num(value) for name, value in values.items()}
    means = {name: value.mean() for name, value in counted.items()}

    def interval(ours: str, theirs: str) -> tuple[float, float]:
        differences = counted[ours] - counted[theirs]
        if np.ptp(differences) == 0 or seeds < 2:
            return (differences[0], differences[0]) if seeds > 1 else (NAN, NAN)
        return stats.t.interval(1 - 0.05 / (count - 1), seeds - 1, differences.mean(), stats.sem(differences))

    def named(text: str, pattern: str) -> set[str]:
        found = re.search(pattern, text)
        return set(re.findall(r"\w*elu|sigmoid", found[1])) if found else set()

    tolerance = 1e-9
    words = r"((?:\w+, )*\w+(?: and \w+)?)"
    if all(math.isnan(value) for series in values.values() for value in series):
        assert "every network diverged" in leader
    else:
        first = named(leader, rf"At depth 2, {words} (?:has|share) the highest")
        assert all(means[name] >= max(means.values()) - tolerance for name in first)
        rivals = set(values) - first
        lows = {name: interval(next(iter(first)), name)[0] for name in rivals}
        if "settles that it is the best" in leader:
            assert len(first) == 1
            assert all(low > -tolerance for low in lows.values())
        else:
            unsettled = named(leader, rf"better than {words}\.")
            assert all(low > -tolerance for name, low in lows.items() if name not in unsettled and len(first) == 1
                       and seeds > 1)  # fmt: skip
            assert all(not lows[name] > tolerance for name in unsettled)
    if seeds == 1:
        assert others == "With one seed nothing can be said about differences."
        return
    others = others.removeprefix(f"Compared with {reference}, ")
    better, worse, alike = (
        named(others, pattern)
        for pattern in (rf"{words} (?:is|are) better", rf"{words} (?:is|are) worse", rf"{words} cannot be told")
    )
    assert better | worse | alike == set(values) - {reference}
    assert all(interval(name, reference)[0] > -tolerance for name in better)
    assert all(interval(name, reference)[1] < tolerance for name in worse)


def test_the_edge_of_the_grid_is_confessed(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.8, 0.9], "elu": [0.8, 0.9]})
    grid = pd.concat(
        given.metrics.assign(learning_rate=rate, accuracy=given.metrics["accuracy"] * share)
        for rate, share in [(0.01, 0.5), (0.03, 0.6), (0.1, 0.7)]
    )
    said = sentences(given, grid=given._replace(metrics=grid))
    assert said[-1] == "The best rate of relu and elu lies at the edge of the grid, so it may do better still."


def test_summary_counts_epochs_to_the_target(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.9, 0.9], "elu": [0.3, 0.3]})
    table = summary(given, target=0.6).set_index("variant")
    assert table.loc["relu", ["epochs_to_target", "reached"]].tolist() == [1, 1]
    assert np.isinf(table.loc["elu", "epochs_to_target"])
    assert table.loc["elu", "reached"] == 0
    assert table.loc["relu", "gap"] == pytest.approx(0.05)
    assert summary(given)["target"].tolist() == pytest.approx([0.99 * 0.9] * 2)
    shown = text.of_summary(summary(given, target=0.6))
    assert shown["epochs to target"].tolist() == ["1", "never"]
    assert (summary(given, target=0)["epochs_to_target"] == 0).all()


def test_speed_is_the_mean_training_loss_after_each_epoch_at_the_rates_for_speed(tmp_path) -> None:
    given = tables(tmp_path, {"relu": [0.9, 0.6]})
    fast = given._replace(metrics=given.metrics.assign(loss=given.metrics["loss"] / 2, learning_rate=0.3))
    table = summary(given, fast=fast)
    losses = [[(1 - value * (epoch + 1) / 3 - 0.05) / 2 for epoch in range(3)] for value in (0.9, 0.6)]
    means = [(one[1] + one[2]) / 2 for one in losses]
    assert table["training_loss"].item() == pytest.approx(math.sqrt(math.prod(means)))
    assert table["fast_rate"].item() == 0.3
