"""Wide random networks against the theory, and how deep networks train, on tables that are known."""

import numpy as np
import pandas as pd
import pytest
from helpers import in_process

from activation_study.claims.ledger import CONTRADICTED, SUPPORTED
from activation_study.papers import page, results, schoenholz2017
from activation_study.papers.results import Result
from activation_study.papers.schoenholz2017 import depth_scales, maps, trainable_depth


@pytest.mark.parametrize("activation", ["tanh", "elu", "relu"])
def test_networks_do_as_theory_says(activation):
    measured = depth_scales.simulated(activation, [0, 1, 2, 3, 4, 5], width=600, layers=50).mean(0)
    theory = maps.on_the_edge(activation).correlations(50)
    for layer in (10, 50):
        assert float(measured[layer - 1]) == pytest.approx(theory[layer - 1], abs=0.02)


@pytest.mark.parametrize(
    ("activation", "rule", "layers"),
    [("tanh", "glorot_standard", 6 * 0.9102), ("sigmoid", "he", 6 * 0.4361), ("relu", "xavier", 6 * 1.4427),
     ("relu", "he", np.inf), ("tanh", "edge_of_chaos", np.inf), ("elu", "xavier", np.inf), ("tanh", "he", 6 * 21.724)],
)  # fmt: skip
def test_how_deep_networks_should_train(activation, rule, layers):
    assert trainable_depth.trainable_depth(activation, rule) == pytest.approx(layers, rel=1e-3)


def verdicts(item, table):
    result = Result(table, "desk", 3, ["a processor"], 1.0)
    return {outcome.claim.id: outcome.verdict for outcome in page.outcomes(schoenholz2017.PAPER, item, result)}


@pytest.mark.parametrize(("as_theory", "verdict"), [(True, SUPPORTED), (False, CONTRADICTED)])
def test_trainable_depths_are_judged(as_theory, verdict):
    rows = []
    for name in trainable_depth.TRAINED:
        for rule in trainable_depth.RULES:
            predicted = trainable_depth.trainable_depth(name, rule)
            for depth in (2, 8, 64):
                for seed in range(3):
                    learns = (depth < predicted) == as_theory
                    rows.append((name, rule, depth, seed, 0.01, 0.1 + 0.8 * learns + 0.001 * seed * learns, predicted))
    columns = ["activation", "rule", "depth", "seed", "learning_rate", "accuracy", "predicted"]
    found = verdicts(schoenholz2017.TRAINABLE_DEPTH, pd.DataFrame(rows, columns=columns))
    assert found == {"schoenholz-edge-trains": verdict, "schoenholz-depth-scale": verdict}


@pytest.mark.parametrize(
    ("power", "rates", "deeper"), [((1, 2), SUPPORTED, SUPPORTED), ((2, 1), CONTRADICTED, CONTRADICTED)]
)
def test_rates_are_judged(power, rates, deeper):
    rows = []
    for names, each in ((depth_scales.SMOOTH, power[0]), (depth_scales.KINKED, power[1])):
        rows += [(name, seed, layer, min(1.0, 5 / layer) ** each * (1 + 0.001 * max(seed, 0)))
                 for name in names for seed in range(-1, 3) for layer in (10, 50, 200, 400)]  # fmt: skip
    found = verdicts(
        schoenholz2017.DEPTH_SCALES, pd.DataFrame(rows, columns=["activation", "seed", "layer", "distance"])
    )
    assert found == {"hayou-rates": rates, "hayou-smooth-deeper": deeper, "mean-field-holds": SUPPORTED}


def test_the_edge_of_tanh_is_the_published_one():
    table = pd.DataFrame(columns=["activation", "kind", "x", "y"])
    assert verdicts(schoenholz2017.MAPS, table) == {"schoenholz-edge": SUPPORTED}


def test_the_items_are_made_at_smoke(tmp_path, monkeypatch):
    monkeypatch.setattr(trainable_depth, "TRAINED", ("tanh",))
    monkeypatch.setattr(trainable_depth, "RULES", {"he": "He", "edge_of_chaos": "edge of chaos"})
    monkeypatch.setattr(maps, "PAPERS_OWN", ("tanh", "relu"))
    monkeypatch.setattr(maps, "ADDED", ())
    monkeypatch.setattr(depth_scales, "SMOOTH", ("tanh", "elu"))
    monkeypatch.setattr(depth_scales, "KINKED", ("relu",))
    monkeypatch.setattr(page, "outcomes", lambda paper, item, result: [])  # of fewer activations than claims are about
    arguments = ("item=all", "scale=smoke", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", "paper=schoenholz2017", *arguments) is None
    tables = {
        item.name: results.read(tmp_path / "out", schoenholz2017.PAPER, item).table
        for item in schoenholz2017.PAPER.items
    }
    curves = tables["maps"].set_index(["activation", "kind"])
    assert curves.loc[("relu", "map")].sort_values("x").y.iloc[0] == pytest.approx(1 / np.pi, abs=1e-6)
    edge = curves.loc[[("relu", "edge")]]
    assert edge[["x", "y"]].to_numpy().tolist() == [pytest.approx([np.sqrt(2), 0], abs=1e-6)]
    assert set(tables["trainable_depth"].columns) >= {"accuracy", "predicted"}
    assert len(tables["trainable_depth"]) == 2 * 2 * 2  # rules, depths, seeds, at the chosen rate
