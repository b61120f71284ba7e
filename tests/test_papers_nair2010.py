"""Nair & Hinton 2010: what can be computed, and the way from machines to classifiers."""

import numpy as np
import pandas as pd
import pytest
from helpers import in_process

from activation_study.papers import nair2010, results
from activation_study.papers.nair2010 import figure1, machines, tables


def test_the_stepped_sum_is_the_expectation_of_its_copies():
    x = np.array([-2.0, 0.5, 6.0])
    stream = np.random.default_rng(0)
    copies = stream.random((100_000, 3, 40)) < 1 / (1 + np.exp(-(x[:, None] - np.arange(40) - 0.5)))
    assert copies.sum(2).mean(0) == pytest.approx(figure1.stepped(x), abs=0.02)
    assert figure1.stepped(x) == pytest.approx(figure1.softplus(x), abs=0.011)


def test_the_noisy_rectifier_is_the_expectation_of_its_draws():
    x = np.array([-1.0, 0.0, 3.0])
    noise = np.random.default_rng(0).normal(size=(400_000, 3)) * np.sqrt(1 / (1 + np.exp(-x)))
    assert np.maximum(0, x + noise).mean(0) == pytest.approx(figure1.noisy_rectifier(x), abs=0.005)


def test_intensity_equivariance_is_exact():
    assert figure1.equivariance(seed=3, scale=7.0) < 1e-12


def errors(first: float) -> pd.DataFrame:
    """Errors of NReLU with the first layer pre-trained, of which all others are 10 % or more."""
    rows = [{"data": "mnist", "unit": unit, "depth": depth, "pretrained": kind, "seed": seed,
             "error": (first if (unit, kind) == ("NReLU", "first") else 10 + depth) + 0.1 * seed * (unit == "binary")}
            for unit in machines.UNITS for depth, kinds in tables.PRETRAINED.items() for kind in kinds
            for seed in range(3)]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("first", "verdict"), [(5.0, "contradicted"), (15.0, "supported")])
def test_the_second_layer_is_judged_by_the_errors(first, verdict):
    finding = next(one for one in nair2010.TABLES.findings if one.id == "nair-second-layer")
    for part in finding.parts(errors(first), "here"):  # binary units gain nothing there
        assert part.verdict == verdict
        assert part.value == pytest.approx(12 - first)


def test_every_item_is_made_and_machines_are_trained_once(tmp_path, monkeypatch, capsys):
    arguments = ("paper=nair2010", "scale=smoke", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", *arguments) is None
    for item in nair2010.PAPER.items:
        result = results.read(tmp_path / "out", nair2010.PAPER, item)
        assert len(result.table)
        assert (tmp_path / "out" / "nair2010" / f"{item.name}.png").stat().st_size < 300_000
    assert sum("rbm" in path.name for path in (tmp_path / "runs").iterdir()) == 4
    shares = results.read(tmp_path / "out", nair2010.PAPER, nair2010.FIGURE5).table.groupby("seed").share.sum()
    assert shares.to_list() == pytest.approx([1, 1])
