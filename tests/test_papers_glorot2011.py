"""Glorot, Bordes & Bengio 2011: zeros and errors by network, the parabola, and why signs may be left out."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import in_process
from matplotlib.figure import Figure

from activation_study.papers import glorot2011, page, results
from activation_study.papers.glorot2011 import FIGURE3, PAPER, TABLE1
from activation_study.papers.item import Made
from activation_study.papers.results import Result
from activation_study.training.execute import execute
from activation_study.training.trainer import Replica, Trainer


def verdicts(item, table):
    judged = page.outcomes(PAPER, item, Result(table, "desk", 5, ["a processor"], 1.0))
    return {outcome.claim.id: outcome.verdict for outcome in judged}


def errors(relu, tanh, zeros, as_published=False):
    rows = [
        {"dataset": dataset, "activation": name, "seed": seed, "learning_rate": 0.1, "as_published": as_published,
         "error": error + noise, "zeros": zeros + noise if name == "relu" else np.nan}
        for dataset in ("mnist", "cifar10")
        for name, error in {"relu": relu, "tanh": tanh, "softplus": tanh + 0.2}.items()
        for seed, noise in enumerate((-0.01, 0.0, 0.01) if name == "relu" else (0.0, 0.0, 0.0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("relu", "tanh", "zeros", "verdict"), [(1.4, 1.6, 83.4, "supported"), (1.8, 1.2, 20, "contradicted")]
)
def test_the_claims_of_the_table_are_decided_by_it(relu, tanh, zeros, verdict):
    table = errors(relu, tanh, zeros)
    assert verdicts(TABLE1, table) == dict.fromkeys(("glorot2011-rectifier", "glorot2011-sparse"), verdict)


@pytest.mark.parametrize("as_published", [True, False])
def test_only_what_is_not_cut_counts_as_alike(as_published):
    cells = {cell.what: cell for cell in TABLE1.cells(errors(1.43, 1.57, 83.4, as_published))}
    assert len(cells) == 8
    assert {cell.alike for cell in cells.values()} == {as_published}
    cell = cells["relu, mnist, test error"]
    assert (cell.paper, cell.ours.value) == pytest.approx((1.43, 1.43))
    assert cell.is_inside
    assert not cells["relu, cifar10, exact zeros"].is_inside  # 83.4, where the paper has 72.0


def parabola(lowest, at, bend, strengths=glorot2011.STRENGTHS):
    """Networks on error = lowest + bend (zeros - at)^2, from 70 % zeros to 97, the same for each seed but for noise."""
    zeros = np.linspace(70, 97, len(strengths))
    return pd.DataFrame(
        {"l1": strength, "seed": seed, "learning_rate": 0.1, "as_published": False, "zeros": share,
         "error": lowest + bend * (share - at) ** 2 + noise}
        for strength, share in zip(strengths, zeros, strict=True)
        for seed, noise in enumerate((-0.002, 0.0, 0.002))
    )  # fmt: skip


def test_the_lowest_point_of_the_parabola_is_found():
    error, zeros = FIGURE3.cells(parabola(1.35, 79, 0.002))
    assert error.ours.value == pytest.approx(1.35, abs=1e-3)
    assert zeros.ours.value == pytest.approx(79, abs=0.1)
    assert (error.paper, zeros.paper) == (1.35, 79)


def test_a_network_that_has_not_learned_bends_no_parabola():
    table = parabola(1.35, 79, 0.002)
    dead = table[table.l1 == table.l1.max()].assign(l1=0.01, zeros=100.0, error=88.65)
    error, zeros = FIGURE3.cells(pd.concat([table, dead]))
    assert (error.ours.value, zeros.ours.value) == pytest.approx((1.35, 79), abs=0.1)
    figure = FIGURE3.figure(pd.concat([table, dead]), "as made for a test")
    assert "3 networks with an error above 20 % are left out" in " ".join(figure.get_supxlabel().split())


@pytest.mark.parametrize(
    ("at", "bend", "free", "too_sparse"),
    [(79, 0.002, "supported", "supported"), (60, 0.002, "contradicted", "supported"),
     (97, 0.002, "supported", "contradicted")],
)  # fmt: skip
def test_the_claims_on_sparsity_are_decided_by_the_networks(at, bend, free, too_sparse):
    found = verdicts(FIGURE3, parabola(1.35, at, bend))
    assert found == {"glorot2011-sparsity-is-free": free, "glorot2011-too-sparse": too_sparse}


def test_where_no_penalty_leaves_few_zeros_their_price_is_not_judged():
    table = parabola(1.35, 79, 0.002)
    found = verdicts(FIGURE3, table.assign(zeros=table.zeros.where(table.l1 == 0, 90 + table.zeros / 10)))
    assert "glorot2011-sparsity-is-free" not in found


def test_zeros_and_errors_are_those_of_the_runs(tiny_settings):
    settings = tiny_settings("dataset=digits", "activation=relu", "probes.also=units", "learning_rate=[0.001,0.1]",
                             "train.epochs=3", "seeds=2")  # fmt: skip
    runs = execute(settings)
    made = Made({"digits relu": runs}, range(2), {"digits relu": settings["learning_rate"]})
    table = TABLE1.table(made, TABLE1.scales["smoke"]).set_index("seed")
    metrics = runs[0].table("metrics")
    last = metrics[metrics.epoch == 3].pivot(index=["learning_rate", "seed"], columns="split", values="accuracy")
    best = last.valid.groupby("learning_rate").mean().idxmax()
    assert table.learning_rate.unique().tolist() == [best]
    assert table.error.to_list() == pytest.approx((100 * (1 - last.test.loc[best])).to_list())
    units = runs[0].table("units").query("step > 0 and learning_rate == @best")
    inactive = 100 * (1 - units.groupby("seed").active.mean())
    assert table.zeros.to_list() == pytest.approx(inactive.to_list(), abs=1e-3)
    assert not table.as_published.any()


def test_signs_of_outputs_change_nothing_once_outgoing_weights_have_them(tiny_settings, blobs):
    """The reason why the outputs of half of the rectifiers are not multiplied by -1."""
    settings = tiny_settings("activation=relu", "objective.l1=0.01", "optimizer.momentum=0", "probes.every=0")
    plain, signed = (Trainer(settings, [Replica(0, 0.1)], blobs) for _ in range(2))
    signs = torch.tensor([1.0, -1.0]).repeat(4)  # of 8 units
    for layer, after in zip(signed.probe.layers, signed.probe.layers[1:], strict=False):
        layer.activation.register_forward_hook(lambda module, inputs, output: output * signs)
        after.affine.weight.data *= signs[None, :, None]
    for epochs in zip(plain.records(), signed.records(), strict=True):
        ours, theirs = (record.metrics.loss.to_list() for record in epochs)
        assert ours == pytest.approx(theirs, rel=1e-5)
    assert not torch.equal(plain.probe.layers[-1].affine.weight, signed.probe.layers[-1].affine.weight)


def test_all_items_are_made_in_seconds(tmp_path, monkeypatch):
    arguments = ("paper=glorot2011", "scale=smoke", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", *arguments, "device=cpu", "threads=1") is None
    made = {item.name: results.read(tmp_path / "out", PAPER, item).table for item in PAPER.items}
    assert len(made["table1"]) == 2 * 9
    assert made["table1"].zeros.notna().sum() == 2
    by_strength = made["figure3"].groupby("l1").zeros.mean()
    assert by_strength.iloc[-1] > by_strength.iloc[0] + 5  # a penalty on activations makes zeros
    for item in PAPER.items:
        assert isinstance(item.figure(made[item.name], "smoke"), Figure)
        assert (tmp_path / "out" / "glorot2011" / f"{item.name}.png").stat().st_size > 10_000
