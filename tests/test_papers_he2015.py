"""He et al. 2015: the worked example, the factor of the slope, and what the findings say of tables that are made up."""

import math
from itertools import pairwise

import pandas as pd
import pytest
from helpers import in_process
from hydra import initialize_config_dir

from activation_study import CONF
from activation_study.claims.ledger import CONTRADICTED, SUPPORTED
from activation_study.networks.initialization import Initialization
from activation_study.papers import page, results
from activation_study.papers.he2015 import PAPER, convergence, factor, setup, slopes, start, worked_example
from activation_study.papers.item import Scale
from activation_study.papers.results import Result


def verdicts(item, table):
    judged = page.outcomes(PAPER, item, Result(table, "desk", 3, ["a processor"], 1.0))
    return {outcome.claim.id: outcome.verdict for outcome in judged}


def test_the_worked_example_is_one_in_17022():
    assert [round(worked_example.deviation(filters), 3) for filters in (64, 128, 256, 512)] == [
        0.059, 0.042, 0.029, 0.021,
    ]  # fmt: skip
    assert worked_example.short(digits=1) == pytest.approx(17_022, abs=1)
    assert worked_example.short() == pytest.approx(16_729, abs=1)


def test_the_network_of_the_worked_example_falls_short_by_as_much():
    fixed, he = Initialization("normal", std=worked_example.FIXED), Initialization("he", "fan_out")
    lost, kept = (worked_example.errors(rule, 0) for rule in (fixed, he))
    for layer in (2, 6, 10):
        short = (kept[layer - 2] / kept[9]) / (lost[layer - 2] / lost[9])
        assert short == pytest.approx(worked_example.short(layer), rel=1e-3)


@pytest.mark.parametrize(("slope", "rule"), [(0.0, 2.0), (0.25, 2 / 1.0625), (0.5, 2.0), (1.0, 1.0)])
def test_the_factor_per_layer_is_the_predicted_one(slope, rule):
    found = factor.measured(slope, rule, 400, 0)
    assert found == pytest.approx([factor.predicted(slope, rule)] * 2, rel=0.02)


def test_the_rule_of_the_paper_keeps_any_leaky_signal():
    assert [factor.predicted(a, factor.RULES["2 / (1 + a^2)"](a)) for a in factor.SLOPES] == pytest.approx([1.0] * 7)
    assert factor.predicted(0.5, 2.0) == pytest.approx(math.sqrt(1.25))


def test_the_dense_layers_begin_as_in_the_paper_and_wider_where_they_are_narrower():
    assert setup.begin(setup.THIRTY, setup.HE, 64)[-1] == "init.by_layer={28:0.01,29:0.01,30:0.064}"
    assert setup.begin(setup.TWENTY_TWO, setup.HE, 24)[-1] == "init.by_layer={20:0.02,21:0.02,22:0.128}"


def test_relus_errors_halve_with_xavier_at_the_start():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        he, xavier = (start.forward_and_back(setup.THIRTY, "activation=relu", rule, 8, 0)
                      for rule in (setup.HE, setup.XAVIER))  # fmt: skip
    assert len(he) == 29
    apart = [ours[0] / theirs[0] for ours, theirs in zip(xavier, he, strict=True)]
    factors = [lower / upper for lower, upper in pairwise(apart[:27])]
    assert factors == pytest.approx([math.sqrt(0.5)] * 26, rel=1e-3)


def learning(he, xavier, tailored=80.0):
    """Errors at two records and two rates, and a profile, for three networks of each kind."""
    ends = {convergence.RELU: he, convergence.RELU_XAVIER: xavier, convergence.TAILORED: tailored}
    rows = []
    for kind, end in ends.items():
        for seed in range(3):
            for rate in (0.01, 0.03):
                known = {"kind": kind, "seed": seed, "learning_rate": rate, "best": rate == 0.01}
                rows += [{**known, "epoch": epoch, "error": (90.0 if epoch == 0 else end) + 0.01 * seed * len(kind)}
                         for epoch in (0, 1)]  # fmt: skip
                rows += [{**known, "epoch": epoch, "layer": 1, "grad_norm": 1.0} for epoch in (0, 1)]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("item", "claim", "supporting", "contradicting"),
    [
        (convergence.FIGURE2, "he-22-layers", (60, 70), (89, 89)),
        (convergence.FIGURE3, "he-30-layers", (60, 89.9), (89.9, 89.9)),
        (convergence.FIGURE3, "zhang-tailored", (85, 90, 60), (60, 90, 85)),
    ],
)
def test_claims_on_learning_are_decided_by_the_curves(item, claim, supporting, contradicting):
    assert verdicts(item, learning(*supporting))[claim] == SUPPORTED
    assert verdicts(item, learning(*contradicting))[claim] == CONTRADICTED


def learned(first, later, decayed):
    rows = []
    for kind in slopes.KINDS:
        for seed in range(3):
            for layer in range(1, 14):
                slope = first if layer == 1 else later - 0.001 * layer
                slope = slope * (decayed if "decayed" in kind else 1) + 1e-4 * seed * layer
                rows.append({"kind": kind, "seed": seed, "layer": layer, "slope": slope})
    return pd.DataFrame(rows).query(f"kind != '{slopes.RELU}'")


def test_claims_on_slopes_are_decided_by_the_table():
    as_claimed = verdicts(slopes.TABLE1, learned(0.6, 0.2, 0.1))
    assert as_claimed == dict.fromkeys(as_claimed, SUPPORTED)
    otherwise = verdicts(slopes.TABLE1, learned(0.1, 1.5, 1.5))
    assert {otherwise[claim] for claim in ("he-first-slope", "he-slopes-below-one", "he-slope-decay")} == {CONTRADICTED}


def test_the_tailored_slope_is_that_of_the_depth():
    plan = convergence.FIGURE3.plan(Scale(1, 1))
    (chosen,) = (choice for choice in plan[convergence.TAILORED] if choice.startswith("activation.slope="))
    assert float(chosen.rpartition("=")[2]) == pytest.approx(0.2947, abs=0.003)  # 29 layers end in an activation


def test_all_items_are_made_in_seconds(tmp_path, monkeypatch):
    arguments = ("paper=he2015", "scale=smoke", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", *arguments, "device=cpu", "threads=1") is None
    made = {item.name: results.read(tmp_path / "out", PAPER, item).table for item in PAPER.items}
    assert set(made["table1"].layer) == set(range(1, 14))
    assert len(made["table2"]) == 2 * len(slopes.KINDS)
    assert made["figure3"].query("layer.notna()").layer.max() == 30
    for item in PAPER.items:
        assert (tmp_path / "out" / "he2015" / f"{item.name}.png").stat().st_size > 10_000
