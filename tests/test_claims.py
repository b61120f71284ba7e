"""The ledger of claims on made-up tables, its small experiments against closed forms, and its command."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn

from activation_study import activations
from activation_study.claims import (
    CLAIMS,
    EVIDENCE,
    VERDICTS,
    Claim,
    Found,
    Range,
    evidence,
    find,
    functions,
    judge,
    small_networks,
)
from activation_study.claims.article import RECTIFIERS
from activation_study.claims.causes import MEAN_SLOPE
from activation_study.claims.ledger import Outcome, Part, across, together
from activation_study.claims.page import ORDER, page, table
from activation_study.claims.pictures import everywhere
from activation_study.claims.strips import MARKS, intervals
from activation_study.claims.testing import ABOVE_ZERO, BELOW_ZERO, all_of, each, equivalent, level, on, paired
from activation_study.commands.claims import _refuse_to_forget, claims
from activation_study.comparison import quantities as quantity
from activation_study.comparison import statistics
from activation_study.config import settings
from activation_study.errors import StudyError
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.networks.models import mlp
from activation_study.runs import Tables, comparable_hash
from activation_study.runs.identity import label, scientific

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["sigmoid", "tanh", *RECTIFIERS]
SEEDS = 4


def tables(
    accuracy: dict[str, float], depths=(2,), seeds=range(SEEDS), rate=0.01, spread=0.001, run="made up"
) -> Tables:
    """Replicas whose test accuracy scatters around what is given; their other numbers are plausible at best."""
    draws = np.random.default_rng(0)
    metrics, layers = [], []
    for name in accuracy:
        for depth in depths:
            for seed in seeds:
                replica = {"run": run, "variant": name, "activation": name, "dataset": "mnist", "model": "mlp",
                           "depth": depth, "scale": "desk", "seed": seed, "learning_rate": rate}  # fmt: skip
                reached = accuracy[name] + spread * draws.normal()
                for epoch, split in ((0, "train"), (2, "train"), (2, "valid"), (2, "test")):
                    metrics.append(replica | {
                        "epoch": epoch, "split": split, "accuracy": reached, "loss": 2.0 - reached * (epoch > 0),
                        "noise": 1 - reached, "angle": 80.0 - seed, "unit_angle": 70.0, "shift": 0.5,
                    })  # fmt: skip
                for step in (0, 100):
                    layer = np.arange(1, depth + 2)
                    layers.append(pd.DataFrame(replica | {
                        "step": step, "layer": layer, "hidden": layer <= depth,
                        "grad_norm": 0.5 ** (depth - layer) * (1 + 0.1 * draws.random()),
                        "mean": 0.1 * layer, "saturated": 0.2, "sparsity": 0.6, "dead": 0.01 * seed,
                        "learned_slope": 0.2,
                    }))  # fmt: skip
    return Tables(pd.DataFrame(metrics), pd.concat(layers, ignore_index=True), [])


def made_up(name: str, data: Tables | None = None, depths=(2,), seeds=range(SEEDS)) -> Found:
    """Evidence that is a table; without one, nothing has been run."""
    load = lambda purpose: evidence.NOTHING if data is None else data  # noqa: E731
    return Found(EVIDENCE[name], "desk", f"make {name}", "made up", list(seeds), list(depths), load)


def everything() -> dict[str, Found]:
    data = tables(dict.fromkeys(NAMES, 0.9), depths=(2, 4))
    found = {name: made_up(name, data) for name in ("digits", "mnist", "cifar10")}
    tried = ("relu", "surrogate_relu", "offset_relu", "elu", "centred_elu", "rrelu", MEAN_SLOPE)
    found["causes"] = made_up("causes", tables(dict.fromkeys(tried, 0.9)))
    found["functions"] = Found(EVIDENCE["functions"], "desk", "make functions")
    return found | {"vanishing": made_up("vanishing", data, depths=(2, 4))}


def verdict_of(test, accuracy: dict[str, float], **options) -> str:
    claim = Claim("mine", "here", "It is so.", "A number.", on(test, "mnist"))
    return judge(claim, {"mnist": made_up("mnist", tables(accuracy, **options))}).verdict


def test_every_claim_is_whole_and_has_a_picture():
    found = everything()
    for key, claim in CLAIMS.items():
        assert claim.id == key
        for text in (claim.source, claim.statement, claim.measured):
            assert text.strip()
        assert claim.statement.endswith(".")
        assert claim.tests
        assert set(claim.tests) <= set(EVIDENCE)
        outcome = judge(claim, found)
        assert outcome.parts
        assert all(part.statistic and part.quantity and part.n != 0 for part in outcome.parts)
        figure = (claim.picture or intervals)(outcome)
        assert outcome.verdict in figure.get_suptitle()
        assert claim.statement in figure.get_suptitle().replace("\n", " ")
        assert "scale desk" in figure.get_supxlabel().replace("\n", " ")
        figure.set_layout_engine("none")
        figure.draw_without_rendering()


def strip(place: str, low: float, high: float, note: str = "") -> Part:
    evidence, at = place.split(", ")
    return Part(evidence, at, "elu - relu", "points", Range(low=0.3), 5, (low + high) / 2, low, high, note=note)


def test_strips_of_one_data_set_share_an_axis_with_a_tick_at_the_bound():
    parts = [strip("mnist, depth 2", -0.5, 0.5), strip("mnist, depth 8", 0.4, 0.9),
             strip("cifar10, depth 6", -90, 150, "elu: 1 of 5 diverged"), strip("cifar10, depth 9", -2, 8)]  # fmt: skip
    claim = Claim("mine", "here", "ELU does better.", "Points.", {})
    figure = intervals(Outcome(claim, parts, {"mnist": made_up("mnist")}))
    assert figure.get_suptitle() == "ELU does better.\nsupported (1 of 4 supported, 3 undecided)"
    mnist, other, far, cifar10 = figure.axes
    assert mnist.get_xlim() == other.get_xlim() != cifar10.get_xlim() == far.get_xlim()
    for ax in figure.axes:
        assert 0.3 in ax.get_xticks()
    low, high = far.get_xlim()
    assert -10 < low < -2 < 8 < high < 35  # the value 30 is shown, its interval goes on beyond
    ends = {line.get_marker(): float(line.get_xdata()[0]) for line in far.lines if line.get_marker() in ("<", ">")}
    assert ends == {"<": low, ">": high}
    assert [text.get_text() for text in far.texts] == ["elu: 1 of 5 diverged"]


def test_the_picture_of_prelu_shows_the_accuracy_that_is_tested_and_the_slopes():
    claim = CLAIMS["prelu-at-least-relu"]
    figure = claim.picture(judge(claim, everything()))
    above, below = figure.subfigs
    assert any("test accuracy" in ax.get_xlabel() for ax in above.axes)
    assert any("slope" in ax.get_ylabel() for ax in below.axes)


def test_a_verdict_is_where_the_interval_lies():
    assert Range(low=0).verdict(0.1, 0.3) == "supported"
    assert Range(low=0).verdict(-0.3, -0.1) == "contradicted"
    assert Range(low=0).verdict(-0.1, 0.1) == "undecided"
    assert Range(low=0).verdict(0, 0) == "undecided"  # on the edge
    assert Range(low=0).verdict(math.nan, math.nan) == "undecided"
    assert Range(-0.3, 0.3).verdict(-0.2, 0.2) == "supported"
    assert Range(-0.3, 0.3).verdict(0.4, 0.9) == "contradicted"
    assert [str(r) for r in (Range(low=0), Range(high=1), Range(-0.3, 0.3))] == ["above 0", "below 1", "-0.3 to 0.3"]


def test_verdicts_are_joined_within_a_place_and_over_places():
    assert together(["supported", "supported"]) == "supported"
    assert together(["supported", "contradicted", "not run"]) == "contradicted"
    assert together(["supported", "not run"]) == "not run"
    assert together(["supported", "undecided"]) == "undecided"
    assert across(["not run", "not run"]) == "not run"
    assert across(["supported", "undecided", "not run"]) == "supported"
    assert across(["supported", "contradicted"]) == "depends"
    assert across(["undecided", "contradicted"]) == "contradicted"


def test_runs_support_contradict_or_leave_undecided():
    better = paired(quantity.ACCURACY, [("elu", "relu")], ABOVE_ZERO)
    assert verdict_of(better, {"relu": 0.90, "elu": 0.95}) == "supported"
    assert verdict_of(better, {"relu": 0.95, "elu": 0.90}) == "contradicted"
    assert verdict_of(better, {"relu": 0.95, "elu": 0.9501}) == "undecided"
    assert verdict_of(better, {"relu": 0.95}) == "not run"
    assert verdict_of(better, {"relu": 0.90, "elu": 0.95}, seeds=range(SEEDS - 1)) == "not run"  # a seed is missing
    same = paired(quantity.ACCURACY, [("elu", "relu")], equivalent)
    assert verdict_of(same, {"relu": 0.9, "elu": 0.9}, spread=1e-4) == "supported"
    assert verdict_of(same, {"relu": 0.9, "elu": 0.96}, spread=1e-4) == "contradicted"
    assert verdict_of(level(quantity.SPARSITY, ["relu"], Range(low=50)), {"relu": 0.9}) == "supported"


def test_cases_are_places_or_single_numbers():
    test = paired(quantity.ACCURACY, each(["elu", "lrelu"], "relu"), ABOVE_ZERO)
    found = {"mnist": made_up("mnist", tables({"relu": 0.90, "elu": 0.95, "lrelu": 0.85}))}
    jointly, singly = (
        judge(Claim("mine", "here", "It is so.", "A number.", on(test, "mnist"), one_by_one=one_by_one), found)
        for one_by_one in (False, True)
    )
    assert jointly.cases == {"mnist, depth 2": "contradicted"}
    assert singly.cases == {"mnist, depth 2: elu - relu": "supported", "mnist, depth 2: lrelu - relu": "contradicted"}
    assert (jointly.verdict, singly.verdict) == ("contradicted", "depends")
    assert singly.where("supported") == ["mnist, depth 2: elu - relu"]


def test_a_number_says_what_it_is():
    data = tables({"relu": 0.90, "elu": 0.95, "lrelu": 0.96})
    test = paired(quantity.ACCURACY, each(["elu", "lrelu"], "relu"), ABOVE_ZERO)
    claim = Claim("mine", "here", "It is so.", "A number.", on(test, "mnist", "cifar10"))
    outcome = judge(claim, {"mnist": made_up("mnist", data), "cifar10": made_up("cifar10")})
    values = {name: data.metrics.query("split == 'test' and variant == @name").accuracy for name in ("elu", "relu")}

    part = outcome.parts[0]
    assert (part.place, part.compared, part.n) == ("mnist, depth 2", "elu - relu", SEEDS)
    expected = statistics.difference(values["elu"], values["relu"], comparisons=4)  # 2 pairs at 2 places
    assert (part.value, part.low, part.high) == pytest.approx(tuple(100 * number for number in expected))
    assert "4 comparisons" in part.statistic
    assert "P(elu better) 1.00" in part.note
    assert outcome.cases == {"mnist, depth 2": "supported", "cifar10, depth 2": "not run"}
    rows = table([outcome])
    assert list(rows["n"]) == [SEEDS, SEEDS, 0, 0]
    assert set(rows["command"]) == {"make mnist", "make cifar10"}


def test_what_diverged_counts_as_no_accuracy_and_is_left_out_elsewhere():
    data = tables({"relu": 0.9, "elu": 0.9})
    lost = (data.metrics.variant == "elu") & (data.metrics.seed == 0) & (data.metrics.epoch > 0)
    data.metrics.loc[lost, ["accuracy", "loss"]] = np.nan
    found = made_up("mnist", data)
    accuracy, loss, gap = (paired(what, [("elu", "relu")], BELOW_ZERO)(found, 1)[0]
                           for what in (quantity.ACCURACY, quantity.TRAINING_LOSS, quantity.GAP))  # fmt: skip
    assert accuracy.n == loss.n == SEEDS
    assert accuracy.value == pytest.approx(-90 / SEEDS, abs=1)
    assert loss.value == pytest.approx((2.0 / 1.1) ** (1 / SEEDS), rel=0.01)  # it keeps the loss of the start, 2.0
    assert gap.n == SEEDS - 1
    assert gap.note == loss.note == "elu: 1 of 4 diverged"


def test_levels_hold_jointly_for_all_activations_at_all_places():
    test = level(quantity.SPARSITY, ["relu", "elu"], Range(low=50))
    data = tables({"relu": 0.9, "elu": 0.9})
    data.layers["sparsity"] += 0.01 * data.layers.seed
    found = {name: made_up(name, data) for name in ("mnist", "cifar10")}
    part = judge(Claim("mine", "here", "It is so.", "A number.", on(test, *found)), found).parts[0]
    expected = statistics.mean([0.6, 0.61, 0.62, 0.63], comparisons=4)
    assert (part.value, part.low, part.high) == pytest.approx(tuple(100 * number for number in expected))
    assert "4 comparisons" in part.statistic


@pytest.mark.parametrize("key", ["relu-keeps-gradient", "elu-saturates", "relu-ignores-noise"])
def test_an_exact_fact_alone_supports_no_claim_about_networks(key):
    found = everything() | {name: made_up(name) for name in ("digits", "mnist", "cifar10", "vanishing")}
    outcome = judge(CLAIMS[key], found)
    assert "supported" in outcome.cases.values()
    assert outcome.verdict == "not run"


def test_an_exact_fact_that_is_wrong_refutes_a_claim_about_networks():
    tests = {"functions": functions.largest_slope("relu", 2.0)} | on(
        level(quantity.SPARSITY, ["relu"], Range(50)), "mnist"
    )
    claim = Claim("mine", "here", "It is so.", "A number.", tests)
    found = everything()
    assert judge(claim, found).cases["mnist, depth 2"] == "supported"
    assert judge(claim, found).verdict == "contradicted"


def test_tests_together_hold_jointly():
    test = paired(quantity.MEAN, [("elu", "relu")], BELOW_ZERO)
    found = made_up("mnist", tables({"relu": 0.9, "elu": 0.9}))
    assert "comparisons" not in test(found, 1)[0].statistic
    assert [("2 comparisons" in part.statistic) for part in all_of(test, test)(found, 1)] == [True, True]


def test_quantities_are_those_of_hidden_layers():
    found = made_up("vanishing", tables({"relu": 0.9}, depths=(2,)))
    np.testing.assert_allclose(found.values(quantity.MEAN, "relu", 2), 0.15)  # layers 1 and 2 of 3
    np.testing.assert_allclose(found.values(quantity.DEAD, "relu", 2), [0, 0.01, 0.02, 0.03])
    np.testing.assert_allclose(found.values(quantity.GRADIENT_RATIO, "relu", 2), 0.5, rtol=0.1)


def test_adding_a_claim_takes_one_entry(monkeypatch):
    entry = Claim(
        id="elu-beats-relu",
        source="Clevert et al. 2016",
        statement="ELU reaches a higher accuracy than ReLU.",
        measured="Test accuracy of elu less that of relu: above zero.",
        tests=on(paired(quantity.ACCURACY, [("elu", "relu")], ABOVE_ZERO), "mnist", "cifar10"),
    )
    monkeypatch.setitem(CLAIMS, entry.id, entry)
    found = {name: made_up(name, tables({"relu": 0.90, "elu": 0.95})) for name in ("mnist", "cifar10")}
    outcome = judge(CLAIMS["elu-beats-relu"], found)
    text = page([outcome], found, {}, Path("results"))
    assert "| [elu-beats-relu](#elu-beats-relu) | ELU reaches a higher accuracy than ReLU. | 2 supported |" in text
    assert "\n## elu-beats-relu\n" in text
    assert "`make mnist`, then `make cifar10`, then `python experiments/claims.py`" in text


@pytest.fixture
def hydra():
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        yield


def test_evidence_is_what_its_preset_describes(hydra, monkeypatch):
    asked = []
    data = tables({"relu": 0.9}, depths=(2, 8), seeds=range(10))
    other = tables({"relu": 0.5}, depths=(2,), seeds=range(10), rate=0.3, run="other")
    both = Tables(pd.concat([data.metrics, other.metrics]), pd.concat([data.layers, other.layers]), [])
    evidence._comparable.cache_clear()
    monkeypatch.setattr(evidence, "read", lambda runs_dir, where: asked.append(where) or both)
    found = find(EVIDENCE["vanishing"], "nowhere", "desk")
    assert found.command == "python experiments/compare.py +experiment=vanishing"
    assert find(EVIDENCE["vanishing"], "nowhere", "smoke").command.endswith("+experiment=vanishing scale=smoke")
    assert found.has("relu", 8)
    assert not found.has("relu", 32)
    assert set(found.tables().metrics.learning_rate) == {0.01}
    assert set(found.tables().metrics.seed) == set(found.seeds)

    preset, wider = (
        scientific(settings(compose("train", ["+experiment=vanishing", *choices])))
        for choices in (["activation=elu", "model.depth=2"], ["model.width=64"])
    )
    assert asked[0]({"config": preset})
    assert not asked[0]({"config": wider})
    assert comparable_hash(preset) != comparable_hash(wider)
    evidence._comparable.cache_clear()


def test_tuned_evidence_is_the_fresh_seeds_at_the_chosen_rate(hydra, monkeypatch):
    parts = [
        *(tables({"relu": 0.3}, seeds=(1000, 1001), rate=rate) for rate in (0.001, 0.003, 0.03)),
        tables({"relu": 0.95}, seeds=(1000, 1001), rate=0.1), tables({"relu": 0.90}, seeds=(1000, 1001), rate=0.01),
        tables({"relu": 0.93}, seeds=range(10), rate=0.1), tables({"relu": 0.99}, seeds=range(10), rate=0.01),
        tables({"elu": 0.99}, seeds=range(10), rate=0.01),  # never tuned
        tables({"prelu": 0.99}, seeds=[1000, 1001, *range(10)], rate=0.01),  # its tuning has only begun
    ]  # fmt: skip
    joined = Tables(pd.concat([part.metrics for part in parts]), pd.concat([part.layers for part in parts]), [])
    evidence._comparable.cache_clear()
    monkeypatch.setattr(evidence, "read", lambda runs_dir, where: joined)
    found = find(EVIDENCE["mnist"], "nowhere", "desk")
    assert found.values(quantity.ACCURACY, "relu", 2).mean() == pytest.approx(0.93, abs=0.002)
    assert set(found.tables("accuracy").metrics.learning_rate) == {0.1}
    slow = tables({"relu": 0.5}, seeds=(1000, 1001), rate=0.3)
    slow.metrics["loss"] = 0.1 * slow.metrics["loss"]  # of little accuracy, but the fastest
    joined = joined._replace(
        metrics=pd.concat([joined.metrics, slow.metrics, slow.metrics.assign(seed=slow.metrics.seed - 1000)])
    )
    evidence._comparable.cache_clear()
    found = find(EVIDENCE["mnist"], "nowhere", "desk")
    assert set(found.tables("speed").metrics.learning_rate) == {0.3}
    assert set(found.tables("accuracy").metrics.learning_rate) == {0.1}
    assert found.values(quantity.ACCURACY, "elu", 2) is None
    assert found.values(quantity.ACCURACY, "prelu", 2) is None
    evidence._comparable.cache_clear()


def test_the_causes_are_looked_for_under_the_labels_of_their_preset(hydra):
    with_options = settings(compose("compare", ["+experiment=causes"]), "compare")["activations"]
    (slope,) = [float(one.partition("=")[2]) for one in with_options if "=" in one]
    assert slope == pytest.approx(math.log(8 / 3) / 5, abs=1e-15)
    assert label({"name": "lrelu", "slope": slope}) == MEAN_SLOPE


def test_nothing_is_read_for_a_claim_about_functions(hydra):
    assert find(EVIDENCE["functions"], "/dev/null/nowhere", "desk").depths == []
    found = {name: find(EVIDENCE[name], "/dev/null/nowhere", "desk") for name in CLAIMS["sigmoid-slope"].tests}
    assert judge(CLAIMS["sigmoid-slope"], found).verdict == "supported"


@pytest.mark.parametrize("z", [-3.0, -1.0, 0.0, 2.0])
def test_noise_that_relu_passes_on_is_the_variance_of_a_rectified_normal(z):
    density, above = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi), (1 + math.erf(z / math.sqrt(2))) / 2
    mean, square = z * above + density, (1 + z**2) * above + z * density
    assert functions.noise_passed("relu", z) == pytest.approx(square - mean**2, rel=1e-4)


def test_noise_that_leaky_units_and_elu_pass_on_far_below_zero():
    assert functions.noise_passed("vlrelu", -30) == pytest.approx(1 / 5.5**2)
    assert functions.noise_passed("lrelu", -30) == pytest.approx(1e-4)
    assert functions.noise_passed("elu", -30) == pytest.approx(
        math.exp(-60) * (math.exp(2) - math.exp(1))
    )  # log-normal
    assert functions.noise_passed("lrelu", -3, noise=0.1) == pytest.approx(1e-4)


def test_softmax_cases_are_right_to_three_digits():
    first = [math.exp(z) / (math.exp(3) + math.exp(0.7) + math.exp(0.5)) for z in (3, 0.7, 0.5)]
    worst = max(abs(p - printed) for p, printed in zip(first, (0.846, 0.085, 0.069), strict=True))
    assert functions.softmax_errors()[0] == pytest.approx(worst, abs=1e-9)
    assert all(error < 0.0005 for error in functions.softmax_errors())


def stack(activation: str, seeds=(0, 1), depth: int = 3, width: int = 4) -> nn.Sequential:
    """A stack of small networks in double precision with biases that are not zero."""
    make = Stack(list(seeds), lambda: activations.build(activation), Initialization())
    network = mlp(make, (1, 2, 3), 3, depth, width).double().eval()
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.3, generator=draws)
    return network


def batch(n: int = 12, replicas: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(1)
    images = torch.randn(n, 1, 2, 3, generator=draws, dtype=torch.float64)
    return images.expand(replicas, *images.shape), torch.arange(n) % 3


def test_natural_gradient_of_an_identity_is_the_gradient():
    gradient = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    identity = torch.eye(3, dtype=torch.float64)
    natural = small_networks.natural(gradient, identity, damping=0)
    torch.testing.assert_close(natural, gradient)
    assert float(small_networks.angle(gradient, natural)) == pytest.approx(0, abs=1e-5)
    torch.testing.assert_close(small_networks.natural(gradient, identity, damping=1), gradient / 2)
    assert float(small_networks.angle(identity[0], identity[1])) == pytest.approx(90)
    dead = torch.zeros(2, 3, dtype=torch.float64)
    natural = small_networks.natural(dead, torch.zeros(2, 3, 3, dtype=torch.float64))
    assert small_networks.angle(dead, natural).isnan().all()


@pytest.mark.parametrize("activation", ["elu", "prelu"])
def test_curvature_is_that_of_a_fisher_matrix_built_by_autograd(activation):
    network, (images, labels) = stack(activation), batch()
    angles, unit_angles, shifts = small_networks.curvature(network, images, labels)
    assert unit_angles.shape == shifts.shape == (2,)

    affine = [module for module in network if hasattr(module, "weight") and hasattr(module, "bias")][1:]
    parameters = [parameter for module in affine for parameter in (module.weight, module.bias)]
    logs = network(images).log_softmax(-1)

    def flat(value: torch.Tensor, replica: int) -> torch.Tensor:
        return torch.cat([g[replica].flatten() for g in torch.autograd.grad(value, parameters, retain_graph=True)])

    for replica in range(2):
        gradient = flat(-logs[replica, torch.arange(12), labels].mean(), replica)
        fisher = 0
        for image in range(12):
            for c in range(3):
                score = flat(logs[replica, image, c], replica)
                fisher = fisher + logs[replica, image, c].exp().detach() * torch.outer(score, score) / 12
        expected = small_networks.angle(gradient, small_networks.natural(gradient, fisher))
        assert float(angles[replica]) == pytest.approx(float(expected), rel=1e-6)


def test_bias_shift_is_zero_where_the_incoming_means_are():
    gradient = torch.tensor([[[3.0, 4.0, 1.0]]])  # one unit: two weights and the bias
    centred = torch.tensor([[[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]]])
    assert float(small_networks._shift(gradient, centred)) == 0
    assert float(small_networks._shift(gradient, centred + torch.tensor([1.0, 0.0, 0.0]))) == pytest.approx(3 / 4)


def test_noise_moves_the_logits_of_what_it_can_reach():
    network, (images, _) = stack("relu"), batch()
    leaky = stack("vlrelu")
    middle, middle_of_leaky = ([m for m in one if hasattr(m, "bias")][1] for one in (network, leaky))
    with torch.no_grad():
        for layer in (middle, middle_of_leaky):  # half of its units are far below zero, and half far above
            layer.bias.copy_(torch.tensor([-100.0, 100.0, -100.0, 100.0]))
    assert (small_networks.logit_noise(network, images) == 0).all()  # ReLU hides the noise
    assert (small_networks.logit_noise(leaky, images) > 0).all()
    with torch.no_grad():
        middle_of_leaky.bias.fill_(100.0)  # nothing is below -3
    assert (small_networks.logit_noise(leaky, images) == 0).all()


def test_a_mistake_is_one_sentence():
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("claims", ["runs_dir=none", "out=none"])
    with pytest.raises(StudyError, match=r"claim=none: no such claim; choose one of sigmoid-slope, .*\.$"):
        claims(OmegaConf.merge(config, {"claim": "none"}))
    with pytest.raises(StudyError, match=r"scale=huge: no such scale; choose one of paper, desk, smoke\.$"):
        claims(OmegaConf.merge(config, {"scale": "huge"}))


def test_the_small_networks_are_trained_with_the_threads_that_are_wanted(hydra, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    claims(compose("claims", ["claim=sigmoid-slope", "threads=3", f"out={tmp_path}"]))
    assert told == [3]


def test_the_command_without_runs_says_what_is_not_run_and_how_to(tmp_path):
    ended = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / "claims.py"), "scale=smoke", f"runs_dir={tmp_path / 'runs'}",
         f"out={tmp_path / 'out'}", f"papers={tmp_path / 'papers'}"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    text = (tmp_path / "out" / "CLAIMS.md").read_text()
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    rows = pd.read_csv(tmp_path / "out" / "claims.csv")
    others = {"Evidence", "How a verdict is reached"} | {verdict.capitalize() for verdict in VERDICTS}
    assert set(rows.claim) == set(CLAIMS) == set(sections) - others
    found = [verdict for verdict in map(str.lower, sections) if verdict in VERDICTS]  # those that some claim has
    assert found == [verdict for verdict in ORDER if verdict in set(rows.claim_verdict)]
    for key, verdict in rows.drop_duplicates("claim")[["claim", "claim_verdict"]].itertuples(index=False):
        (row,) = (line for line in sections[verdict.capitalize()].splitlines() if line.startswith(f"| [{key}]"))
        assert all(f"[{name}](#evidence)" in row for name in CLAIMS[key].tests)
    for key, claim in CLAIMS.items():
        assert f"[{key}](#{key})" in text
        for name, verdict in rows[rows.claim == key].groupby(rows.place.str.split(",").str[0]).verdict:
            if EVIDENCE[name].preset:
                assert set(verdict) == {"not run"}
                assert (
                    f"`python experiments/compare.py +experiment={EVIDENCE[name].preset} scale=smoke`" in sections[key]
                )
            else:
                assert "not run" not in set(verdict)
        picture = tmp_path / "out" / "claims" / f"{key}.png"
        (judged,) = set(rows[rows.claim == key].claim_verdict)
        measured = {name for name in claim.tests if name != "functions"} or {"functions"}
        assert (judged == "not run") == all(EVIDENCE[name].preset for name in measured)
        assert picture.exists() == (judged != "not run")
        assert not picture.exists() or picture.stat().st_size < 300_000
        assert (f"(claims/{key}.png)" in sections[key]) == picture.exists()
    assert set(rows[rows.claim == "lrelu-like-relu"].claim_verdict) == {"not run"}
    assert set(rows[rows.claim == "softmax-cases"].claim_verdict) == {"supported"}


def test_a_verdict_does_not_give_way_to_not_run(tmp_path):
    claim = CLAIMS["lrelu-like-relu"]
    data = tables({"relu": 0.9, "lrelu": 0.9})
    judged = judge(claim, {name: made_up(name, data) for name in claim.tests})
    before = table([judged]).to_csv(index=False)
    (tmp_path / "claims.csv").write_text(before)
    missing = judge(claim, {name: made_up(name) for name in claim.tests})
    with pytest.raises(
        StudyError, match=r'1 of the claims judged in .* would become "not run".*`make mnist`, `make'
    ) as told:
        _refuse_to_forget([missing], tmp_path)
    assert str(told.value).endswith("or replace=true.")
    assert (tmp_path / "claims.csv").read_text() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "claims.csv"]
    _refuse_to_forget([judged], tmp_path)
    _refuse_to_forget([missing], tmp_path / "elsewhere")


def test_the_map_shows_every_verdict_where_it_is():
    figure = everywhere([judge(claim, everything()) for claim in CLAIMS.values()])
    (ax,) = figure.axes
    rows = [label.get_text() for label in ax.get_yticklabels()]
    columns = [label.get_text() for label in ax.get_xticklabels()]
    assert rows == list(CLAIMS)
    assert columns[:2] == ["the claim", "functions"]
    assert {"mnist\ndepth 2", "cifar10\ndepth 2", "vanishing\ndepth 4"} <= set(columns)
    drawn = {
        (line.get_xdata()[0], line.get_ydata()[0]): line.get_marker() for line in ax.lines if len(line.get_xdata())
    }
    outcome = judge(CLAIMS["relu-sparse"], everything())  # 60 % of zeros in every network
    assert outcome.verdict == "supported"
    for place in ("the claim", "mnist\ndepth 2", "cifar10\ndepth 2"):
        assert drawn[columns.index(place), rows.index("relu-sparse")] == MARKS["supported"][1]
    assert (columns.index("functions"), rows.index("relu-sparse")) not in drawn
