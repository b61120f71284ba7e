"""Networks that are born dead against the formula and known values; four kinds of units that are of no use."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import in_process

from activation_study.claims.ledger import CONTRADICTED, SUPPORTED
from activation_study.papers import lu2020, page, results
from activation_study.papers.item import Made, Scale
from activation_study.papers.results import Result


@pytest.mark.parametrize(("width", "depth", "exact"), [(2, 10, 0.9437), (4, 20, 0.7249), (8, 50, 0.1777)])
def test_one_input_dies_as_the_formula_says(width, depth, exact):
    assert lu2020.probability_dead(width, depth) == pytest.approx(exact, abs=5.1e-5)
    dead = lu2020.born_dead(width, depth, 5000, torch.randn(1, 10, generator=torch.Generator().manual_seed(0)), seed=0)
    assert float(dead[-1]) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 5000))
    assert bool((dead.diff() >= 0).all())  # what is dead stays so


@pytest.mark.parametrize(("width", "depth", "known"), [(2, 10, 0.887), (4, 20, 0.577)])
def test_a_data_set_dies_less_often(width, depth, known):
    data = torch.randn(200, 10, generator=torch.Generator().manual_seed(0))
    dead = float(lu2020.born_dead(width, depth, 800, data, seed=0)[-1])
    assert dead == pytest.approx(known, abs=0.06)
    assert dead < lu2020.probability_dead(width, depth)


def verdicts(item, table, tmp_path):
    result = Result(table, "desk", 3, ["a processor"], 1.0)
    results.write(tmp_path, lu2020.PAPER, item, result)
    return {outcome.claim.id: outcome.verdict for outcome in page.outcomes(lu2020.PAPER, item, result)}


@pytest.mark.parametrize(("off", "verdict"), [(0.0, SUPPORTED), (0.2, CONTRADICTED)])
def test_the_formula_is_judged_by_the_networks(off, verdict, tmp_path):
    rows = [
        (kind, width, depth, seed, abs(lu2020.probability_dead(width, depth) - off - 0.001 * seed - below))
        for kind, below in (("one input", 0), ("data set", 0.1)) for width in lu2020.WIDTHS for depth in lu2020.POINTS
        for seed in range(3)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["kind", "width", "depth", "seed", "dead"])
    table["formula"] = [lu2020.probability_dead(*pair) for pair in zip(table.width, table.depth, strict=True)]
    found = verdicts(lu2020.BORN_DEAD, table, tmp_path)
    assert found["lu-formula"] == verdict
    assert found["lu-bound"] == SUPPORTED


class OneRun:
    """A run of two layers whose units are known one by one."""

    def table(self, name):
        size = {1: [0.0, 0.05, 1.0, 2.95], 2: [0.0, 0.0, 0.0, 0.0]}
        rows = [
            {"seed": 0, "learning_rate": 0.1, "epoch": epoch, "step": epoch, "layer": layer, "unit": unit, "size": each,
             "active": float(each > 0), "free": 0.25, "dead_band": 0.5}
            for epoch in (0, 1, 3) for layer, sizes in size.items() for unit, each in enumerate(sizes)
        ]  # fmt: skip
        return pd.DataFrame(rows)


def test_the_kinds_are_counted_by_their_definitions():
    made = Made({"relu": [OneRun()]}, [0], {"relu": [0.1]})
    table = lu2020.FOUR_KINDS.table(made, Scale(1, 1)).set_index(["epoch", "layer"])
    assert sorted(set(table.index.get_level_values("epoch"))) == [0, 3]
    assert table.loc[(3, 1), list(lu2020.QUANTITIES)].to_list() == [0.25, 0.25, 0.5, 0.75, 0.5]
    assert table.loc[(3, 2), list(lu2020.QUANTITIES)].to_list() == [1, 1, 1, 0.75, 0.5]  # where the whole layer is dead


@pytest.mark.parametrize(("dormant", "verdict"), [(0.02, SUPPORTED), (0.5, CONTRADICTED)])
def test_few_dormant_units_are_few(dormant, verdict, tmp_path):
    rows = [
        {"activation": name, "seed": seed, "epoch": epoch, "layer": 1, "dead": 0.1, "dormant_0": 0.0,
         "dormant_10": dormant + 0.001 * seed, "saturated": 0.6, "dead_band": 0.5 + 0.001 * seed}
        for name in lu2020.KINDS for seed in range(3) for epoch in (0, 3)
    ]  # fmt: skip
    found = verdicts(lu2020.FOUR_KINDS, pd.DataFrame(rows), tmp_path)
    assert found["sokar-few-dormant"] == verdict
    assert found["four-kinds-differ"] == SUPPORTED


def test_the_items_are_made_at_smoke(tmp_path, monkeypatch):
    monkeypatch.setattr(lu2020, "KINDS", ("relu", "elu"))
    arguments = ("paper=lu2020", "item=all", "scale=smoke", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", *arguments) is None
    assert {path.name for path in (tmp_path / "out" / "lu2020").glob("*.png")} == {"born_dead.png", "four_kinds.png"}
    table = results.read(tmp_path / "out", lu2020.PAPER, lu2020.FOUR_KINDS).table
    relu = table[table.activation == "relu"]
    assert relu.dead.to_list() == relu.dormant_0.to_list()  # of ReLU both are the same
    assert relu.saturated.to_list() == pytest.approx(relu.dead_band.to_list(), abs=1e-6)
