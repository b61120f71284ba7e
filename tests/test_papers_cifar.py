"""The papers on CIFAR with networks of convolutions: Xu 2015, Clevert 2016 and Ramachandran 2017, on made-up tables."""

import math

import pandas as pd
import pytest
from helpers import in_process

from activation_study.claims.ledger import CONTRADICTED, SUPPORTED
from activation_study.papers import clevert2016, page, ramachandran2017, results, xu2015
from activation_study.papers.clevert2016 import cifar, large
from activation_study.papers.results import Result
from activation_study.papers.xu2015 import curves, errors, images, replications, setup, test_rules

NOISE = (-0.01, 0.0, 0.012)


def verdicts(paper, item, table):
    judged = page.outcomes(paper, item, Result(table, "desk", 3, ["a processor"], 1.0))
    return {outcome.claim.id: outcome.verdict for outcome in judged}


def by_kind(values, kind="activation", **columns):
    """Three rows of each kind; every kind has its own noise, or paired differences would have none."""
    return pd.DataFrame(
        {kind: name, "seed": seed, **columns, **{key: value + noise * (1 + place) for key, value in found.items()}}
        for place, (name, found) in enumerate(values.items())
        for seed, noise in enumerate(NOISE)
    )


def xus(shift=0.0):
    """The paper's own numbers for all; `shift` is added to the test errors of the leaky kinds."""
    paper = {name: {"train": train, "test": test + (shift if name not in ("relu", "lrelu") else 0)}
             for name, (train, test) in errors.PAPER["cifar100"].items()}  # fmt: skip
    others = {name: {"train": 20.0, "test": 60.0} for name in setup.ADDED}
    return by_kind(paper | others, published=True)


def test_the_papers_own_numbers_support_its_claims():
    found = verdicts(xu2015.PAPER, errors.TABLE2, xus())
    assert found == dict.fromkeys(found, SUPPORTED)
    off = verdicts(xu2015.PAPER, errors.TABLE2, xus(shift=5.0))
    assert off["xu-prelu-fits-100"] == SUPPORTED
    assert {off[claim] for claim in ("xu-leaky-100", "xu-small-slope-100", "xu-rrelu-best-100")} == {CONTRADICTED}


def test_numbers_of_another_width_are_analogues():
    assert {cell.alike for cell in errors.TABLE2.cells(xus())} == {True}
    assert {cell.alike for cell in errors.TABLE2.cells(xus().assign(published=False))} == {False}
    marks = {cell.what: cell.mark for cell in errors.TABLE2.cells(xus())}
    assert (marks["test error, vlrelu"], marks["test error, lrelu"], marks["train error, relu"]) == (
        "quoted", "memory", "memory",
    )  # fmt: skip


def test_the_same_share_of_a_signal_passes_in_narrower_networks():
    chosen = setup.nin(errors.TABLE1.scales["desk"], "cifar10")
    assert "init.std=0.122474" in chosen  # 0.05 times the root of 192 / 32
    assert "init.by_layer={1:0.05}" in chosen
    assert "init.std=0.05" in setup.nin(errors.TABLE1.scales["paper"], "cifar10")


def test_the_rules_of_testing_have_the_slopes_that_the_activations_have():
    from activation_study.activations import build

    chosen = {test_rules.PAPERS: {}, test_rules.MEAN: {"test_slope": "mean"}, test_rules.TORCHS: {"variant": "torch"}}
    assert {rule: build("rrelu", **options).test_slope for rule, options in chosen.items()} == pytest.approx(
        test_rules.SLOPES
    )


@pytest.mark.parametrize(("gap", "verdict"), [(2.0, SUPPORTED), (-2.0, CONTRADICTED)])
def test_overfitting_is_judged_by_the_gap(gap, verdict):
    table = pd.concat(
        by_kind({"relu": {"train": 5, "test": 20 + gain}, "vlrelu": {"train": 5, "test": 20},
                 "prelu": {"train": 5 - gap, "test": 20}, "rrelu": {"train": 5, "test": 20}}, images=count)
        for count, gain in ((1000, gap), (50_000, 0))
    )  # fmt: skip
    found = verdicts(xu2015.PAPER, images.IMAGES, table)
    assert found == {"xu-prelu-overfits": verdict, "xu-rrelu-few-images": verdict}


def test_every_number_of_images_has_as_many_updates():
    for scale in images.IMAGES.scales.values():
        batch = int(scale.value("train.batch_size") or 128)
        updates = set()
        for label, overrides in images.IMAGES.plan(scale).items():
            chosen = dict(option.split("=", 1) for option in overrides)
            updates.add(round(float(chosen["train.epochs"]) * (int(label.split()[0]) // batch)))
        assert len(updates) == 1


def test_the_lead_in_another_study_has_welchs_interval():
    misra = next(study for study in replications.STUDIES if study.source == "Misra 2020")
    value, low, high = replications.lead(misra, "elu")
    assert value == pytest.approx(-0.25)
    variances = (0.337**2 / 23, 0.584**2 / 23)
    assert (high - low) / 2 == pytest.approx(2.029 * math.sqrt(sum(variances)), rel=2e-3)  # t of 35.2 degrees
    assert math.isnan(replications.lead(replications.STUDIES[-1], "elu").low)


def cleverts(final, step=165_000, **columns):
    return by_kind({kind: {"error": value, "loss": 0.5} for kind, value in final.items()}, "kind", step=step,
                   published=True, **columns)  # fmt: skip


def test_cleverts_order_and_cells():
    table = cleverts(cifar.FINAL)
    assert verdicts(clevert2016.PAPER, cifar.FIGURE4, table) == {"clevert-order": SUPPORTED}
    assert [(cell.paper, cell.mark) for cell in cifar.FIGURE4.cells(table)] == [
        (value, "read") for value in cifar.FINAL.values()
    ]
    backwards = dict(zip(cifar.FINAL, reversed(cifar.FINAL.values()), strict=True))
    assert verdicts(clevert2016.PAPER, cifar.FIGURE4, cleverts(backwards)) == {"clevert-order": CONTRADICTED}


@pytest.mark.parametrize(("step", "elu"), [(2000, (59.9, 2.40)), (5000, (49.1, 1.93)), (10_000, (43.0, 1.57))])
def test_a_run_that_is_stopped_early_is_held_against_the_papers_curve(step, elu):
    cells = {cell.what: cell for cell in cifar.FIGURE4.cells(cleverts(cifar.FINAL, step))}
    paper = tuple(cells[f"{what} after {step:,} updates, elu"].paper for what in ("test error", "training loss"))
    assert paper == elu
    assert {cell.mark for cell in cells.values()} == {"read off"}


def test_wilcoxons_p_of_ten_pairs_that_all_agree():
    ours, theirs = [float(n) for n in range(10)], [1 + 1.1 * n for n in range(10)]
    assert cifar.wilcoxon(ours, theirs) == pytest.approx(2**-10)


@pytest.mark.parametrize(("helps", "verdict"), [(1.0, SUPPORTED), (-1.0, CONTRADICTED)])
def test_what_normalisation_does_is_judged(helps, verdict):
    final = {"elu": 28, "shifted_relu": 29, "lrelu": 31, "relu": 32}
    normalised = {f"{kind}{cifar.NORMALISED}": value + (-helps if kind in ("lrelu", "relu") else helps)
                  for kind, value in final.items()}  # fmt: skip
    found = verdicts(clevert2016.PAPER, cifar.FIGURE5, cleverts(final | normalised))
    assert (found["clevert-norm-helps"], found["clevert-norm-no-help"]) == (verdict, verdict)
    assert found["clevert-elu-beats-norm"] == SUPPORTED


def test_each_part_of_the_large_network_begins_with_the_one_before():
    plan = large.TABLE1.plan(large.TABLE1.scales["paper"])
    assert list(plan) == [f"{dataset} {part}" for dataset in ("cifar10", "cifar100") for part in (1, 2, 3)]
    assert not any(choice.startswith("model.start_from") for choice in plan["cifar10 1"])
    assert plan["cifar100 3"][-1] == "model.start_from=cifar100 2"
    epochs = [next(choice for choice in plan[f"cifar10 {part}"] if "epochs" in choice) for part in (1, 2, 3)]
    assert [500 * int(each.partition("=")[2]) for each in epochs] == [35_000, 50_000, 40_000]


@pytest.mark.parametrize(("apart", "verdict"), [(0.1, SUPPORTED), (3.0, CONTRADICTED)])
def test_rectifiers_within_a_point_are_that(apart, verdict):
    values = {name: {"accuracy": 90 + (apart if name in ramachandran2017.RECTIFIERS else 0)}
              for name in ramachandran2017.ARTICLE}  # fmt: skip
    values["sigmoid"] = {"accuracy": 80}
    found = verdicts(ramachandran2017.PAPER, ramachandran2017.RESIDUAL, by_kind(values))
    assert found == {"residual-within-a-point": verdict, "residual-sigmoid": SUPPORTED}


@pytest.mark.parametrize(("name", "items"), [("xu2015", 7), ("clevert2016", 4), ("ramachandran2017", 1)])
def test_all_items_are_made_at_smoke(name, items, tmp_path, monkeypatch):
    paper = {"xu2015": xu2015, "clevert2016": clevert2016, "ramachandran2017": ramachandran2017}[name].PAPER
    of_mnist = ("figure2", "figure3") if name == "clevert2016" else ()
    made = [item for item in paper.items if item.name not in of_mnist]
    assert len(made) == items
    for item in made:
        arguments = (f"paper={name}", f"item={item.name}", "scale=smoke", f"out={tmp_path / 'out'}",
                     f"runs_dir={tmp_path / 'runs'}", "device=cpu", "threads=1")  # fmt: skip
        assert in_process(monkeypatch, "reproduce", *arguments) is None
        assert len(results.read(tmp_path / "out", paper, item).table)
        assert (tmp_path / "out" / name / f"{item.name}.png").stat().st_size > 10_000
    if name == "xu2015":
        rules = results.read(tmp_path / "out", paper, test_rules.TEST_RULES).table
        assert len(rules) == 3 * 2
        assert set(results.read(tmp_path / "out", paper, curves.FIGURE2).table.split) == {"train", "test"}


def test_at_desk_scale_there_are_the_papers_own_alone():
    desk, paper = (errors.TABLE1.scales[name] for name in ("desk", "paper"))
    assert list(errors.TABLE1.plan(desk)) == [*setup.PAPERS_OWN]
    assert list(errors.TABLE1.plan(paper)) == [*setup.PAPERS_OWN, *setup.ADDED]
    table = by_kind({name: {"value": 0.5} for name in ("lrelu", "elu")}, study=replications.OURS)
    assert replications.REPLICATIONS.findings[0].parts(table, "here") == []
    assert all(" sigmoid" not in cell.what for cell in replications.REPLICATIONS.cells(table))
