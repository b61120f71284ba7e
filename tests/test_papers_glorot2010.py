"""Glorot & Bengio 2010: what theory gives, and what the findings say of tables that are made up."""

import functools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import in_process
from hydra import initialize_config_dir
from matplotlib.figure import Figure

from activation_study import CONF, activations
from activation_study.claims.ledger import CONTRADICTED, SUPPORTED
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.papers import page, results
from activation_study.papers.glorot2010 import PAPER, errors, factors, networks, passes, saturation, start, training
from activation_study.papers.glorot2010.drawing import error_curves
from activation_study.seeds import generator

# Width 1000, depth 20: factor per layer of the root mean squares of activations (layers 10 to 20) and errors (20 to 1),
# at n Var[w] = 1/3, 1 and 2. Measured once, with other code.
PUBLISHED = {
    "sigmoid": [(1.00, 0.141), (1.00, 0.235), (1.00, 0.315)],
    "tanh": [(0.578, 0.569), (0.965, 0.918), (1.000, 1.029)],
    "relu": [(0.405, 0.408), (0.713, 0.711), (0.989, 1.000)],
    "lrelu": [(0.406, 0.408), (0.715, 0.707), (0.984, 1.000)],
    "vlrelu": [(0.417, 0.415), (0.721, 0.719), (1.018, 1.017)],
    "prelu": [(0.417, 0.422), (0.735, 0.728), (1.026, 1.029)],
    "rrelu": [(0.416, 0.417), (0.723, 0.723), (1.027, 1.023)],
    "elu": [(0.577, 0.566), (0.938, 0.904), (1.037, 1.079)],
}
CHI = {"glorot_standard": 0.1414, "xavier": 0.2361, "he": 0.3178}  # square roots, sigmoid, closed form
DEPTH, WIDTH = 20, 1000


@functools.cache
def deep(activation, rule, seed=0):
    """Factors, and the root mean square of the activations, of a deep network."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        layers = passes.forward_and_back(activation, rule, DEPTH, WIDTH, seed, examples=30)
    return factors.factors(layers), [passes.root_mean_square(layer.output) for layer in layers]


def geometric_mean(values):
    return math.exp(np.log(values).mean())


@pytest.mark.parametrize("activation", PUBLISHED)
def test_the_factor_per_layer_is_that_of_theory(activation):
    for rule, (forward, backward) in zip(passes.RULES, PUBLISHED[activation], strict=True):
        found, sizes = deep(activation, rule)
        measured, predicted = geometric_mean(found.measured), geometric_mean(found.predicted)
        assert measured == pytest.approx(predicted, rel=0.02)
        # The study's rule of He has n Var[w] = 2 / (1 + a^2), and the factor is proportional to the weights.
        to_two = math.sqrt(2) / activations.build(activation).he_gain if rule == "he" else 1
        assert predicted * to_two == pytest.approx(backward, rel=0.02)
        assert (sizes[19] / sizes[9]) ** 0.1 * to_two == pytest.approx(forward, rel=0.03)


@pytest.mark.parametrize("rule", CHI)
def test_errors_vanish_in_sigmoids_as_mean_field_theory_says(rule):
    found, _ = deep("sigmoid", rule)
    assert found.predicted[5:].to_numpy() == pytest.approx(np.full(DEPTH - 6, CHI[rule]), rel=0.01)
    assert geometric_mean(found.measured[5:]) == pytest.approx(CHI[rule], rel=0.02)


@pytest.mark.parametrize("activation", ["tanh", "prelu", "elu"])
def test_a_pass_is_that_of_autograd(activation, compose_settings):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        layers = passes.forward_and_back(activation, "xavier", 4, 20, 3, examples=12, signal=0.7)
    stack = Stack([3], lambda: activations.build(activation),
                  Initialization.checked(compose_settings("init=xavier")["init"]))  # fmt: skip
    network = models.mlp(stack, (1, 1, 20), passes.CLASSES, 4, 20)
    x = 0.7 * torch.randn(1, 12, 20, generator=generator(3, "inputs"))
    labels = torch.randint(passes.CLASSES, (12,), generator=generator(3, "labels"))
    before, outputs = [], []
    for module in list(network)[1:]:
        if isinstance(module, activations.Activation):
            before.append(x)
        x = module(x)
        outputs.append(x)
    loss = torch.nn.functional.cross_entropy(x[0], labels, reduction="sum")
    weights = [network[1 + 2 * number].weight for number in range(4)]
    found = torch.autograd.grad(loss, [*before, *weights])
    for number, layer in enumerate(layers):
        torch.testing.assert_close(layer.error * layer.size, found[number][0], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(layer.gradient * layer.size, found[4 + number][0] / 12, rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(layer.output, outputs[1 + 2 * number][0].detach(), rtol=1e-5, atol=1e-6)
        assert passes.root_mean_square(layer.error) == pytest.approx(1, rel=1e-5)


def test_errors_are_followed_beyond_float32():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        layers = passes.forward_and_back("sigmoid", "glorot_standard", 60, 50, 0, examples=5)
    assert 0 < layers[0].size < 1e-46


def test_the_mean_singular_value_is_that_of_the_quarter_circle_law():
    weight = 0.3 * torch.randn(400, 400, generator=torch.Generator().manual_seed(0)) / 20
    layer = passes.Layer(weight, weight, weight, torch.ones(1, 400), weight, 1.0)
    assert factors.mean_singular_value(layer, layer) == pytest.approx(0.3 * 8 / (3 * math.pi), rel=0.01)


def verdicts(item, table):
    found = {}
    for finding in item.findings:
        parts = {part.verdict for part in finding.parts(table, "here")}
        found[finding.id] = SUPPORTED if parts == {SUPPORTED} else CONTRADICTED if CONTRADICTED in parts else "open"
    return found


def near(value, seed):
    """The value with a little noise, the same for a seed."""
    return value * (1 + 0.01 * math.sin(7 * seed + 3 * value))


SEEDS = range(4)


def start_table(per_layer):
    return pd.DataFrame(
        {"init": rule, "activation": "tanh", "seed": seed, "layer": layer, "value": math.nan, "density": math.nan,
         "log_std": math.log10(near(factor**layer, seed))}
        for rule, factor in per_layer.items() for seed in SEEDS for layer in range(1, 6)
    )  # fmt: skip


def test_what_is_said_of_the_start():
    shrinking = start_table({"glorot_standard": 0.58, "xavier": 0.97, "he": 1.0})
    steady = start_table({"glorot_standard": 1.0, "xavier": 0.7, "he": 1.0})
    assert set(verdicts(start.FIGURE6, shrinking).values()) == {SUPPORTED}
    assert set(verdicts(start.FIGURE6, steady).values()) == {CONTRADICTED}
    growing = start_table({"glorot_standard": 1 / 0.58, "xavier": 1 / 0.97, "he": 1.0})  # towards the output
    assert set(verdicts(start.FIGURE7, growing).values()) == {SUPPORTED}
    assert set(verdicts(start.FIGURE7, shrinking).values()) == {CONTRADICTED, SUPPORTED}
    assert verdicts(start.FIGURE8, shrinking) == {"glorot-gradients-alike": CONTRADICTED}


@pytest.mark.parametrize(("off", "factor", "verdict"), [(1.0, 0.3, SUPPORTED), (1.1, 0.9, CONTRADICTED)])
def test_what_is_said_of_the_factors(off, factor, verdict):
    table = pd.DataFrame(
        {"init": rule, "activation": activation, "seed": seed, "layer": layer, "predicted": factor,
         "measured": factor * off * (1 + 0.0001 * seed)}
        for rule in passes.RULES for activation in passes.ACTIVATIONS for seed in SEEDS for layer in (1, 2)
    )  # fmt: skip
    assert set(verdicts(factors.FACTORS, table).values()) == {verdict}


def figure2_table(lowest, recovers):
    rows = []
    for depth, end in zip((4, 5), recovers, strict=True):
        for seed in SEEDS:
            for step in range(20):
                top = 0.5 if step < 2 else lowest if step < 12 else end
                means = [0.5 + 0.1 * layer for layer in range(depth - 1)] + [top]
                rows += [{"depth": depth, "seed": seed, "step": step, "layer": layer, "std": 0.1,
                          "mean": near(mean, seed)} for layer, mean in enumerate(means, 1)]  # fmt: skip
    return pd.DataFrame(rows)


def test_what_is_said_of_sigmoids():
    as_in_paper = figure2_table(0.02, (0.4, 0.02))
    assert set(verdicts(saturation.FIGURE2, as_in_paper).values()) == {SUPPORTED}
    paper, ours = zip(*((cell.paper, cell.ours.value) for cell in saturation.FIGURE2.cells(as_in_paper)), strict=True)
    assert paper == (0.5, 0.6, 0.8, 0.0)
    assert ours == pytest.approx((0.5, 0.6, 0.7, 0.02), rel=0.02)
    not_so = verdicts(saturation.FIGURE2, figure2_table(0.4, (0.41, 0.8)))
    assert not_so == {"glorot-sigmoid-collapse": CONTRADICTED, "glorot-sigmoid-order": SUPPORTED,
                      "glorot-sigmoid-escape": CONTRADICTED}  # fmt: skip


def test_the_density_comes_from_the_percentiles_and_keeps_what_lies_at_the_bounds():
    class Made:
        def table(self, name):
            values = np.concatenate([np.full(31, -1.0), np.linspace(-1, 1, 39), np.full(31, 1.0)])
            return pd.DataFrame({"label": "tanh", "seed": 0, "layer": 1, "step": 5, "level": range(101),
                                 "activation": values})  # fmt: skip

    table = saturation.FIGURE4.table(Made(), None)
    assert table.density.sum() * (saturation.EDGES[1] - saturation.EDGES[0]) == pytest.approx(1)
    assert saturation.share(table, 0.95, 1.0)["tanh", 0, 1] == pytest.approx(0.62 + 0.38 * 0.05, abs=0.02)


def figure3_table(by_kind):
    return pd.DataFrame(
        {"kind": kind, "seed": seed, "step": step, "layer": layer, "std": 0.3,
         "percentile": near(by_kind[kind][layer - 1], seed)}
        for kind in by_kind for seed in SEEDS for step in (0, 5, 10) for layer in (1, 2, 3)
    )  # fmt: skip


def test_what_is_said_of_tanh_and_softsign():
    as_in_paper = figure3_table({"tanh": (0.9, 0.7, 0.5), "softsign": (0.41, 0.4, 0.39)})
    assert set(verdicts(saturation.FIGURE3, as_in_paper).values()) == {SUPPORTED}
    not_so = figure3_table({"tanh": (0.3, 0.31, 0.32), "softsign": (0.9, 0.7, 0.5)})
    assert set(verdicts(saturation.FIGURE3, not_so).values()) == {CONTRADICTED}


def figure9_table(by_kind):
    return pd.DataFrame(
        {"kind": kind, "seed": seed, "step": step, "layer": layer, "gradient": near(by_kind[kind] ** (5 - layer), seed)}
        for kind in by_kind for seed in SEEDS for step in (0, 6, 10) for layer in range(1, 6)
    )  # fmt: skip


def test_what_is_said_of_gradients_in_training():
    assert set(verdicts(training.FIGURE9, figure9_table({"tanh": 2.0, "tanh N": 1.1})).values()) == {SUPPORTED}
    assert set(verdicts(training.FIGURE9, figure9_table({"tanh": 0.9, "tanh N": 2.0})).values()) == {CONTRADICTED}


def figure11_table(at_the_end):
    """Errors at five records: tanh learns at once, four layers of sigmoids after two records."""
    curves = {"tanh": [90, 5, 4, 3, 2], networks.SHALLOW: [90, 90, 90, 20, at_the_end], "sigmoid": [90] * 4 + [80]}
    return pd.DataFrame(
        {"kind": kind, "seed": seed, "step": step, "error": near(error, seed)}
        for kind, curve in curves.items() for seed in SEEDS for step, error in enumerate(curve)
    )  # fmt: skip


def test_what_is_said_of_the_plateau():
    assert set(verdicts(training.FIGURE11, figure11_table(5)).values()) == {SUPPORTED}
    assert verdicts(training.FIGURE11, figure11_table(89))["glorot-sigmoid-depth"] == CONTRADICTED


def test_a_network_that_diverges_ends_in_a_cross_and_is_counted():
    table = figure11_table(5)
    gone = (table.kind == "tanh") & (table.seed == 0) & (table.step >= 3)
    ax = Figure().add_subplot()
    error_curves(ax, table.assign(error=table.error.where(~gone, 100.0)))
    (cross,) = [line for line in ax.lines if line.get_marker() == "X"]
    last = table[(table.kind == "tanh") & (table.seed == 0) & (table.step == 2)]
    assert cross.get_xydata().tolist() == [[0.03, last.error.item()]]
    assert [text.get_text() for text in ax.texts] == [f"diverged:\ntanh 1 of {len(SEEDS)}"]
    assert max(line.get_ydata().max() for line in ax.lines) < 95  # no mean with 100 % for what has diverged


def table1(sigmoid, normalised):
    test = {"sigmoid": sigmoid, "tanh": 5.0, "tanh N": normalised, "softsign": 5.1, "softsign N": normalised,
            **dict.fromkeys(networks.ADDED, 4.0)}  # fmt: skip
    return pd.DataFrame(
        {"dataset": data, "kind": kind, "seed": seed, "learning_rate": 0.1, "at_edge": False, "width": 1000,
         "step": step, "split": split, "error": near(error, seed)}
        for data in errors.DATA for kind, error in test.items() for seed in SEEDS
        for step, split in ((0, "valid"), (10, "valid"), (10, "test"))
    )  # fmt: skip


def test_what_is_said_of_the_errors():
    as_in_paper = table1(9.0, 3.0)
    for item in (errors.TABLE_1, errors.FIGURE12):
        assert set(verdicts(item, as_in_paper).values()) == {SUPPORTED}
        assert set(verdicts(item, table1(2.0, 7.0)).values()) == {CONTRADICTED}
    cells = errors.TABLE_1.cells(as_in_paper)
    assert all(cell.alike for cell in cells)
    assert not any(cell.alike for cell in errors.TABLE_1.cells(as_in_paper.assign(width=200)))
    (mnist,) = (cell for cell in cells if cell.what == "test error, mnist, sigmoid")
    assert (mnist.paper, mnist.ours.value) == (2.21, pytest.approx(9, rel=0.01))


def test_every_item_is_made_within_seconds(tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert in_process(monkeypatch, "reproduce", "paper=glorot2010", "item=all", "scale=smoke", f"out={out}",
                      f"runs_dir={tmp_path / 'runs'}", "threads=1", "device=cpu") is None  # fmt: skip
    for item in PAPER.items:
        table = results.read(out, PAPER, item).table
        assert len(table)
        assert (out / "glorot2010" / f"{item.name}.png").exists()
        assert (out / "glorot2010" / f"{item.name}.parquet").stat().st_size < 300_000
        assert all(part.verdict for finding in item.findings for part in finding.parts(table, item.name))
    text = page.paper_page(PAPER, out)
    assert "Not made yet" not in text
    table = results.read(out, PAPER, errors.TABLE_1).table
    chosen = table.groupby(["dataset", "kind"])["learning_rate"].unique()
    assert all(len(rates) == 1 for rates in chosen)
    assert table[table.split == "test"].groupby(["dataset", "kind"]).seed.nunique().eq(2).all()
