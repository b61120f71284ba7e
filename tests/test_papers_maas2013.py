"""Maas et al. 2013: the sorted curves against what the definitions give, and the claims on made tables."""

import numpy as np
import pandas as pd
import pytest
from helpers import in_process
from matplotlib.figure import Figure

from activation_study.papers import page, results
from activation_study.papers.maas2013 import PAPER, figure1, figure2, table1
from activation_study.papers.results import Result


def verdicts(item, table):
    judged = page.outcomes(PAPER, item, Result(table, "desk", 5, ["a processor"], 1.0))
    return {outcome.claim.id: outcome.verdict for outcome in judged}


@pytest.mark.parametrize(
    ("probabilities", "mean", "dispersion"),
    [([1, 0, 0, 0], 0.25, 0.1875**0.5), ([0.25] * 4, 0.25, 0.0)],  # the paper's own example
)
def test_equal_sparsity_may_be_shared_evenly_or_not(probabilities, mean, dispersion):
    curve = figure2.sorted_curve(pd.Series(probabilities, dtype=float))
    assert curve["mean"].unique() == pytest.approx(mean)
    assert curve["dispersion"].unique() == pytest.approx(dispersion)


def test_the_curve_is_that_of_the_units_in_falling_order():
    units = np.random.default_rng(0).permutation(np.linspace(0.2, 0.8, 101))
    curve = figure2.sorted_curve(pd.Series(units))
    assert curve.probability.to_numpy() == pytest.approx(np.sort(units)[::-1])
    assert curve.share.to_numpy() == pytest.approx(np.linspace(0, 1, 101))


def test_the_curves_that_were_read_off_have_the_means_that_were_read_off():
    for curve in figure2.READ_OFF.values():
        shares = np.array([0, *figure2.SHARES, 1])
        between = np.interp(np.linspace(0, 1, 1001), shares, [curve.probabilities[0], *curve.probabilities,
                                                              curve.probabilities[-1]])  # fmt: skip
        assert between.mean() == pytest.approx(curve.mean, abs=0.01)
        assert between.std() == pytest.approx(curve.dispersion, abs=0.02)


def test_the_functions_are_the_papers():
    table = figure1.FIGURE1.table(None, None).set_index(["activation", "x"]).h
    assert table["lrelu"].loc[[-3, 0, 3]].to_list() == pytest.approx([-0.03, 0, 3])  # 0.01 x below zero
    assert table["relu"].loc[[-3, 0, 3]].to_list() == [0, 0, 3]
    assert table["tanh"].loc[[-3, 3]].to_list() == pytest.approx([-np.tanh(3), np.tanh(3)])


def curves(relu, tanh):
    """Five networks of each kind whose units' probabilities spread evenly over a range."""
    kinds = {("relu", "active"): relu, ("tanh", "above"): tanh, ("tanh", "free"): tanh, ("lrelu", "active"): relu}
    return pd.concat(
        figure2.sorted_curve(pd.Series(np.linspace(low, high, 50) + 0.001 * seed * (1 + len(name)))).assign(
            dataset=dataset, activation=name, active=active, seed=seed
        )
        for dataset in ("mnist", "cifar10")
        for (name, active), (low, high) in kinds.items()
        for seed in range(5)
    )


@pytest.mark.parametrize(
    ("relu", "tanh", "verdict"),
    [((0.05, 0.2), (0.4, 0.9), "supported"), ((0.4, 0.9), (0.05, 0.2), "contradicted")],
)
def test_the_claims_on_units_are_decided_by_the_curves(relu, tanh, verdict):
    table = curves(relu, tanh)
    assert verdicts(figure2.FIGURE2, table) == dict.fromkeys(("maas-sparse", "maas-even", "maas-flat-curve"), verdict)
    of_relu = {cell.what: cell for cell in figure2.FIGURE2.cells(table)}["relu, z > 0, mean activation probability, "
                                                                         "mnist"]  # fmt: skip
    assert of_relu.ours.value == pytest.approx(np.mean(relu) + 0.001 * 2 * 5)
    assert of_relu.paper == 0.115
    assert not of_relu.alike


def errors(gain_of_relu=1.0, lead=2.0, leak=0.05, speed=0.98):
    """Errors by depth; tanh begins at 10 and gains 0.5 in two layers more, ReLU leads by so much there."""
    rows = []
    for dataset in ("mnist", "cifar10"):
        for seed, noise in enumerate((-0.01, 0.0, 0.01, 0.004, -0.004)):
            for depth in table1.DEPTHS:
                relu = 10 - lead - gain_of_relu * (depth - 2) / 2 + noise
                tanh = 10 - 0.5 * (depth - 2) / 2
                found = {"relu": (relu, 0.3), "lrelu": (relu + leak + noise, 0.3 * speed + noise / 10),
                         "tanh": (tanh, 0.4), "sigmoid": (tanh + 1, 0.5)}  # fmt: skip
                rows += [{"dataset": dataset, "depth": depth, "activation": name, "seed": seed, "learning_rate": 0.1,
                          "error": error, "loss": error / 10, "training_loss": training}
                         for name, (error, training) in found.items()]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("claim", "supporting", "contradicting"),
    [
        ("maas-rectifiers-win", {}, {"lead": -3.0}),
        ("maas-leak-hardly-matters", {}, {"leak": 1.0}),
        ("maas-leak-is-faster", {}, {"speed": 1.1}),
        ("maas-depth", {}, {"gain_of_relu": 0.1}),
    ],
)
def test_the_claims_on_errors_are_decided_by_the_table(claim, supporting, contradicting):
    assert verdicts(table1.TABLE1, errors(**supporting))[claim] == "supported"
    assert verdicts(table1.TABLE1, errors(**contradicting))[claim] == "contradicted"


def test_errors_are_compared_as_ratios():
    cells = {cell.what: cell for cell in table1.TABLE1.cells(errors())}
    cell = cells["error, tanh 4 layers over tanh 2 layers, mnist"]
    assert (cell.paper, cell.ours.value) == pytest.approx((50.2 / 52.0, 9.5 / 10))
    assert not any(cell.alike for cell in cells.values())


def test_the_depth_gain_stands_in_the_figure():
    figure = table1.TABLE1.figure(errors(), "as made for a test")
    assert "mnist: tanh +0.50, relu +1.00" in " ".join(figure.get_supxlabel().split())


def test_all_items_are_made_in_seconds(tmp_path, monkeypatch):
    arguments = ("paper=maas2013", "scale=smoke", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", *arguments, "device=cpu", "threads=1") is None
    made = {item.name: results.read(tmp_path / "out", PAPER, item).table for item in PAPER.items}
    assert set(made["figure2"].dataset) == {"digits"}  # the scale's own, in place of MNIST and CIFAR-10
    assert made["figure2"].groupby(["activation", "active", "seed"]).size().unique().tolist() == [101]
    assert len(made["table1"]) == 2 * (4 * 3 + 4)
    assert made["table1"].query("activation != 'sigmoid'").error.between(0, 60).all()
    for item in PAPER.items:
        assert isinstance(item.figure(made[item.name], "smoke"), Figure)
        assert (tmp_path / "out" / "maas2013" / f"{item.name}.png").stat().st_size > 10_000
