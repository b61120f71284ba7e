"""How many seeds decide a claim: against simulation and closed forms, and as the command says it."""

import math

import numpy as np
import pandas as pd
import pytest
from helpers import in_process
from test_claims import made_up, tables

from activation_study.claims import Claim, judge
from activation_study.claims.planning import MATTERS, plan
from activation_study.claims.testing import BELOW_ZERO, FACTOR, equivalent, on, paired
from activation_study.comparison import quantities as quantity
from activation_study.comparison import statistics


@pytest.mark.parametrize(("effect", "comparisons"), [(0.5, 1), (0.5, 6), (1.5, 1)])
def test_as_many_seeds_decide_four_times_in_five(effect, comparisons):
    seeds = int(statistics.seeds_to_tell(1.0, effect, comparisons))
    draws = np.random.default_rng(1).normal(effect, 1, (seeds, 4000))
    _, low, _ = statistics.means(draws, comparisons)
    assert 0.78 < (low > 0).mean() < 0.9  # above 0.8 where few seeds come in large steps


def test_as_many_seeds_show_an_equivalence_four_times_in_five():
    seeds = int(statistics.seeds_to_tell(1.0, 0.4, statistics.TWO_ONE_SIDED, is_equivalence=True))
    draws = np.random.default_rng(1).normal(0, 1, (seeds, 4000))
    _, low, high = statistics.means(draws, statistics.TWO_ONE_SIDED)
    assert 0.78 < ((low > -0.4) & (high < 0.4)).mean() < 0.84


def test_seeds_grow_with_the_square_of_the_spread_and_with_comparisons():
    seeds = [statistics.seeds_to_tell(spread, 0.1) for spread in (0.5, 1.0)]
    assert seeds[1] / seeds[0] == pytest.approx(4, rel=0.03)
    assert statistics.seeds_to_tell(1, 0.1, comparisons=10) > seeds[1]
    assert statistics.seeds_to_tell(0.0, 0.1) == 2
    assert math.isinf(statistics.seeds_to_tell(1.0, 1e-6))


def test_two_one_sided_tests_err_in_5_percent_at_the_margin():
    draws = np.random.default_rng(2).normal(0.4, 1, (20, 4000))  # the truth lies on the margin
    _, low, high = statistics.means(draws, statistics.TWO_ONE_SIDED)
    assert ((low > -0.4) & (high < 0.4)).mean() < 0.06


BELOW = paired(quantity.ACCURACY, [("elu", "relu")], BELOW_ZERO)


def outcome_of(test, accuracy, spread):
    found = {"mnist": made_up("mnist", tables(accuracy, spread=spread))}
    claim = Claim("mine", "here", "It is so.", "A number.", on(test, "mnist"))
    return judge(claim, found), found


def test_what_is_undecided_is_planned_at_the_margin_of_the_data():
    outcome, found = outcome_of(
        paired(quantity.ACCURACY, [("elu", "relu")], BELOW_ZERO), {"relu": 0.9, "elu": 0.9}, 0.01
    )
    (part,) = outcome.parts
    (row,) = plan([outcome], found).to_dict("records")
    elu, relu = (found["mnist"].values(quantity.ACCURACY, name, 2) for name in ("elu", "relu"))
    assert row["spread"] == pytest.approx(100 * np.std(elu - relu, ddof=1))
    assert (row["effect"], row["n"], row["undecided"]) == (found["mnist"].evidence.margin, len(elu), 1)
    assert row["seeds"] == statistics.seeds_to_tell(part.spread, row["effect"])
    assert math.isnan(row["minutes"])  # no run was timed
    decided, found = outcome_of(BELOW, {"relu": 0.99, "elu": 0.5}, 1e-3)
    assert plan([decided], found).empty


def test_equivalence_is_judged_by_two_one_sided_tests():
    outcome, _ = outcome_of(paired(quantity.ACCURACY, [("elu", "relu")], equivalent), {"relu": 0.9, "elu": 0.9}, 0.01)
    (part,) = outcome.parts
    assert "two one-sided tests" in part.statistic
    one_sided = part.spread / 2 * 2.353363  # 95 % quantile of Student's t with three degrees of freedom, of 4 seeds
    assert (part.high - part.low) / 2 == pytest.approx(one_sided, rel=1e-5)


def test_every_quantity_of_the_claims_has_an_effect_that_matters():
    used = {one.name for one in vars(quantity).values() if isinstance(one, quantity.Quantity)} | {FACTOR}
    unused = {
        quantity.VALIDATION_ACCURACY.name,
        quantity.LOSS.name,
        quantity.LEARNED_SLOPE.name,
        quantity.GRADIENT_RATIO.name,
    }
    assert set(MATTERS) == used - unused
    assert all(matter.reason for matter in MATTERS.values())


def test_the_command_writes_the_plan_and_no_verdict(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    command = ("plan=true", f"runs_dir={tmp_path / 'runs'}", f"out={out}", "claim=elu-natural-gradient", "scale=smoke")
    assert in_process(monkeypatch, "claims", *command) is None
    assert [str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()] == ["claims/plan.csv"]
    planned = pd.read_csv(out / "claims" / "plan.csv").iloc[0]
    assert (planned["claim"], planned["n"]) == ("elu-natural-gradient", 2)
    assert planned["seeds"] > 2
    assert "plan.csv" in capsys.readouterr().out
