"""The papers' frame: results on disk, pages, the command; on a paper made up for the test."""

import dataclasses
import json
import math
import re

import pandas as pd
import pytest
from helpers import ROOT, in_process
from hydra import initialize_config_dir
from matplotlib.figure import Figure

from activation_study.claims.ledger import Range
from activation_study.commands import reproduce
from activation_study.comparison.statistics import Estimate
from activation_study.errors import StudyError
from activation_study.papers import PAPERS, page, results
from activation_study.papers.item import MARKS, SCALES, Cell, Finding, Item, Made, Paper, Scale
from activation_study.papers.parts import differences, ratios
from activation_study.papers.results import Result
from activation_study.runs import Run, runs_in
from activation_study.training import checkpoint, precision

TINY = ("dataset=digits", "model.width=4", "model.depth=1", "train.epochs=1", "dataset.train_limit=64",
        "dataset.valid_size=32", "probes.every=0")  # fmt: skip


def table_of(made, scale):
    test = made.table("metrics").query("split == 'test'")
    return test[["label", "seed", "loss", "accuracy"]].reset_index(drop=True)


def figure_of(table, note):
    figure = Figure()
    figure.text(0.1, 0.5, note)
    return figure


def cells_of(table):
    return [
        Cell("inside", 0.5, Estimate(0.45, 0.4, 0.6), 3, mark="memory"),
        Cell("outside", 0.9, Estimate(0.45, 0.4, 0.6), 3),
        Cell("elsewhere", 0.5, Estimate(0.45, 0.4, 0.6), 3, alike=False),
    ]


def parts_of(table, where):
    losses = table.pivot(index="seed", columns="label", values="loss")
    return differences(losses, where, "at the end", [("tanh", "relu")], Range(high=0), "test loss")


ITEM = Item(
    name="figure1",
    shows="Two losses.",
    paper_says="One is below the other.",
    scales={
        "paper": Scale(3, 3, ("train.epochs=2",)),
        "desk": Scale(3, 2, cut="One epoch."),
        "smoke": Scale(2, 1, cut="One epoch, two seeds."),
    },
    table=table_of,
    figure=figure_of,
    plan=lambda scale: {name: [*TINY, f"activation={name}"] for name in ("relu", "tanh")},
    cells=cells_of,
    findings=(Finding("made-up", "Tanh is better.", "The loss: below 0.", parts_of, remark="Nothing was tried."),),
    open_points="All of it.",
)
PAPER = Paper("maker2001", "Maker & Other, 2001: A paper", "It found something.", (ITEM,), source="Never read.")


@pytest.fixture
def made_up(monkeypatch):
    monkeypatch.setitem(PAPERS, PAPER.name, PAPER)
    return PAPER


def result(losses):
    rows = [{"label": label, "seed": seed, "loss": loss, "accuracy": 0.5}
            for label, values in losses.items() for seed, loss in enumerate(values)]  # fmt: skip
    return Result(pd.DataFrame(rows), "desk", 3, ["a processor"], 1.5)


def test_a_result_is_kept_as_it_is(tmp_path):
    kept = result({"relu": [0.5, 0.25], "tanh": [1.5, 2.0]})
    results.write(tmp_path, PAPER, ITEM, kept)
    read = results.read(tmp_path, PAPER, ITEM)
    pd.testing.assert_frame_equal(read.table, kept.table, check_dtype=False)
    assert vars(read) | {"table": None} == vars(kept) | {"table": None}
    assert results.read(tmp_path / "elsewhere", PAPER, ITEM) is None


@pytest.mark.parametrize(
    ("tanh", "verdict"),
    [([0.1, 0.12, 0.11], "Supported"), ([0.9, 0.92, 0.91], "Contradicted"), ([0.1, 0.9, 0.5], "Undecided")],
)
def test_a_page_says_what_the_table_says(tmp_path, tanh, verdict):
    results.write(tmp_path, PAPER, ITEM, result({"relu": [0.5, 0.5, 0.5], "tanh": tanh}))
    text = page.paper_page(PAPER, tmp_path)
    assert f"**Verdict.** {verdict}: Tanh is better." in text
    for said in ("# Maker & Other, 2001: A paper", "It found something.", "Never read.", "One epoch.", "All of it.",
                 "made-up: Nothing was tried.", "![figure1, made again](figure1.png)", "a processor", "3 seeds",
                 "`python experiments/reproduce.py paper=maker2001 item=figure1 scale=desk`",
                 f"0.50 ({MARKS['memory']})"):  # fmt: skip
        assert said in text
    rows = dict(re.findall(r"^\| (inside|outside|elsewhere) .* \| ([a-z ]+) \|$", text, re.MULTILINE))
    assert rows == {"inside": "yes", "outside": "no", "elsewhere": "an analogue"}
    (row,) = page.overview([PAPER], tmp_path).to_dict("records")
    assert row["items made"] == "1 of 1"
    assert (row["numbers set beside ours"], row["of the same set-up"], row["of these in our interval"]) == (3, 2, 1)
    counted = {
        "Supported": row["claims supported"],
        "Contradicted": row["contradicted"],
        "Undecided": row["undecided, or depends"],
    }
    assert counted == {**dict.fromkeys(counted, 0), verdict: 1}


def test_a_verdict_says_of_how_many_cases_it_is(tmp_path):
    def in_two_places(table: pd.DataFrame, where: str):
        loss = table.pivot(index="seed", columns="label", values="loss")
        return [part for at, pair in (("here", ("tanh", "relu")), ("there", ("relu", "relu")))
                for part in differences(loss, where, at, [pair], Range(high=0), "loss")]  # fmt: skip

    item = dataclasses.replace(ITEM, findings=(dataclasses.replace(ITEM.findings[0], parts=in_two_places),))
    paper = dataclasses.replace(PAPER, items=(item,))
    results.write(tmp_path, paper, item, result({"relu": [0.5, 0.5, 0.5], "tanh": [0.1, 0.12, 0.11]}))
    assert "**Verdict.** Supported (1 of 2 cases): Tanh is better." in page.paper_page(paper, tmp_path)


def test_a_pair_counts_its_own_networks():
    """Whatever became of a third kind."""
    values = pd.DataFrame({"relu": [1.0, 1.1, 1.2], "tanh": [2.0, 2.3, math.nan], "elu": math.nan})
    pairs = [("relu", "tanh"), ("relu", "relu"), ("relu", "elu")]
    assert [part.n for part in differences(values, "item", "", pairs, Range(high=0), "loss")] == [2, 3, 0]
    assert [part.n for part in ratios(values, "item", "", pairs, Range(high=1), "loss")] == [2, 3, 0]


def test_a_page_of_several_items_begins_with_them_and_says_once_what_the_paper_leaves_open(tmp_path):
    other = dataclasses.replace(ITEM, name="figure2", open_points="")
    paper = dataclasses.replace(PAPER, items=(ITEM, other), open_points="The rate.")
    results.write(tmp_path, paper, ITEM, result({"relu": [0.5, 0.5, 0.5], "tanh": [0.1, 0.12, 0.11]}))
    top, *items = page.paper_page(paper, tmp_path).split("\n## ")
    assert "| [figure1](#figure1) | Two losses. | desk | 1 supported |" in top
    assert "| [figure2](#figure2) | Two losses. | not made yet |  |" in top
    assert "**Left open by the paper.** The rate." in top
    assert [part.count("The rate.") for part in items] == [0, 0]


def test_what_is_not_made_is_said(tmp_path):
    assert "Not made yet: `python experiments/reproduce.py paper=maker2001 item=figure1 scale=desk`" in page.paper_page(
        PAPER, tmp_path
    )
    assert page.overview([PAPER], tmp_path)["items made"].to_list() == ["0 of 1"]


def test_the_command_makes_an_item_and_goes_on(made_up, tmp_path, monkeypatch, capsys):
    arguments = ("paper=maker2001", "item=figure1", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}")
    assert in_process(monkeypatch, "reproduce", *arguments, "scale=desk") is None
    folder = tmp_path / "out" / "maker2001"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "figure1.json", "figure1.parquet", "figure1.pdf", "figure1.png",
    ]  # fmt: skip
    assert json.loads((folder / "figure1.json").read_text())["scale"] == "desk"
    assert len(pd.read_parquet(folder / "figure1.parquet")) == 6
    assert "maker2001" in (tmp_path / "out" / "README.md").read_text()
    capsys.readouterr()
    assert in_process(monkeypatch, "reproduce", *arguments, "scale=desk") is None
    assert capsys.readouterr().out.count("trained already") == 2


def test_a_smaller_scale_takes_no_place_unless_told(made_up, tmp_path, monkeypatch, capsys):
    arguments = ("paper=maker2001", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}", "scale=smoke")
    results.write(tmp_path / "out", PAPER, ITEM, result({"relu": [1.0, 1.0, 1.0], "tanh": [2.0, 2.0, 2.0]}))
    assert in_process(monkeypatch, "reproduce", *arguments) is None
    assert "maker2001 figure1 is there at scale=desk" in capsys.readouterr().err
    assert results.read(tmp_path / "out", PAPER, ITEM).scale == "desk"
    assert in_process(monkeypatch, "reproduce", *arguments, "replace=true") is None
    assert results.read(tmp_path / "out", PAPER, ITEM).scale == "smoke"


def test_a_precision_is_trained_in_and_said(made_up, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    arguments = ("paper=maker2001", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path / 'runs'}", "scale=smoke")
    assert in_process(monkeypatch, "reproduce", *arguments, "precision=bfloat16") is None
    trained = [run.config["config"]["train"]["precision"] for run in runs_in(tmp_path / "runs")]
    assert trained == ["bfloat16", "bfloat16"]
    said = (tmp_path / "out" / "maker2001" / "README.md").read_text()
    assert "Scale smoke in bfloat16, 2 seeds" in said
    assert "item=figure1 scale=smoke precision=bfloat16`" in said
    assert "scale smoke in bfloat16, 2 seeds" in page.note(ITEM, results.read(tmp_path / "out", PAPER, ITEM))


def test_what_would_be_emulated_is_refused(made_up, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    said = in_process(monkeypatch, "reproduce", "paper=maker2001", f"out={tmp_path / 'out'}", "scale=smoke",
                      f"runs_dir={tmp_path / 'runs'}", "precision=bfloat16")  # fmt: skip
    assert said.startswith("error: train.precision=bfloat16: this machine's processor would only emulate it")


def test_the_list_has_every_item_with_its_times(made_up, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "step_seconds", lambda: 2 * reproduce.REFERENCE_STEP)
    assert in_process(monkeypatch, "reproduce", f"out={tmp_path}") is None
    out = capsys.readouterr().out
    for paper in PAPERS.values():
        for item in paper.items:
            assert re.search(rf"^ *{paper.name} +{item.name} ", out, re.MULTILINE)
    assert re.search(r"maker2001 +figure1 +6 +4 +2 +- +Two losses\.", out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["paper=nobody1999"], "error: paper=nobody1999: no such paper; choose one of "),
        (["item=figure99"], "error: item=figure99: no such item; choose one of "),
        (
            ["paper=clevert2016", "item=figure1"],
            "error: item=figure1: no such item; choose one of figure2, figure3, figure4, figure5, cifar10, table1, all",
        ),
        (["precision=half"], "error: precision=half: no such precision; choose one of float32, bfloat16"),
        (["scale=poster"], "error: scale=poster: no such scale; choose one of paper, desk, smoke"),
    ],
)
def test_mistakes(monkeypatch, tmp_path, arguments, says):
    assert in_process(monkeypatch, "reproduce", *arguments, f"out={tmp_path / 'out'}").startswith(says)
    assert not (tmp_path / "out").exists()


def test_every_paper_is_described_in_full():
    ids = [finding.id for paper in PAPERS.values() for item in paper.items for finding in item.findings]
    assert len(ids) == len(set(ids))
    for name, paper in PAPERS.items():
        assert name == paper.name
        assert len({item.name for item in paper.items}) == len(paper.items)
        for item in paper.items:
            assert set(item.scales) == set(SCALES)
            assert item.scales["smoke"].cut, (name, item.name)
            for text in (item.shows, item.paper_says):
                assert text.endswith("."), (name, item.name)


def test_ratios_hold_jointly():
    values = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [2.0, 4.0, 9.0]})
    (one,) = ratios(values, "here", "there", [("a", "b")], Range(high=1), "x")
    (of_two, _) = ratios(values, "here", "there", [("a", "b")] * 2, Range(high=1), "x")
    assert one.value == pytest.approx(math.exp(sum(map(math.log, (0.5, 0.5, 4 / 9))) / 3))
    assert of_two.value == one.value
    assert of_two.low < one.low
    assert of_two.high > one.high
    assert one.n == 3


def test_a_table_at_the_learning_rate_that_does_best_on_validation_images():
    def run(accuracies):
        rows = [{"seed": seed, "learning_rate": rate, "epoch": epoch, "step": epoch, "split": split, "loss": 1.0,
                 "accuracy": accuracy if split == "valid" and epoch == 2 else 0.9 - rate}
                for rate, values in accuracies.items() for seed, accuracy in enumerate(values)
                for epoch in (1, 2) for split in ("train", "valid", "test")]  # fmt: skip
        units = [{"seed": seed, "learning_rate": rate, "step": 2, "layer": 1, "unit": unit, "active": rate}
                 for rate in accuracies for seed in (0, 1) for unit in (0, 1)]  # fmt: skip
        return type("", (), {"table": lambda self, name: pd.DataFrame({"metrics": rows, "units": units}[name])})()

    runs = {
        "the mean decides": run({0.1: [0.5, 0.7], 0.01: [0.3, 0.8]}),
        "the last epoch decides": run({0.1: [0.5, 0.5], 0.01: [0.6, 0.6]}),
        "one of two has diverged": run({0.1: [0.9, math.nan], 0.01: [0.5, 0.5]}),
        "the lower of a tie": run({0.1: [0.5, 0.5], 0.01: [0.5, 0.5]}),
        "all have diverged": run({0.1: [math.nan] * 2, 0.01: [math.nan] * 2}),
    }
    made = Made({label: [each] for label, each in runs.items()}, range(2), dict.fromkeys(runs, (0.1, 0.01)))
    expected = dict(zip(runs, (0.1, 0.01, 0.01, 0.01, 0.01), strict=True))
    for name, rows in (("metrics", 12), ("units", 4)):
        table = made.tuned(name)
        assert table.groupby("label").learning_rate.unique().map(list).to_dict() == {
            label: [rate] for label, rate in expected.items()
        }
        assert (table.groupby("label").size() == rows).all()


def test_a_scale_knows_what_its_options_set():
    scale = Scale(2, 1, ("dataset=digits", "learning_rate=[0.1,0.01]"))
    assert (scale.value("dataset"), scale.value("learning_rate"), scale.value("model")) == (
        "digits", "[0.1,0.01]", None,
    )  # fmt: skip


def first_weights(made, scale):
    """By label and seed, the sum of the first layer's weights at the end."""
    rows = []
    for label, (run,) in made.runs.items():
        weights = checkpoint.from_bytes((run.folder / "weights.pt").read_bytes())["network"]["1.weight"]
        rows += [{"label": label, "seed": seed, "weight": float(weights[seed].sum())} for seed in made.seeds]
    return pd.DataFrame(rows)


def test_a_plan_can_begin_with_the_networks_of_an_earlier_label(tmp_path):
    trained = [*TINY, "keep_weights=true", "learning_rate=0.01"]
    plan = {"first": trained, "as it was left": [*trained, "train.epochs=0", "model.start_from=first"]}
    item = dataclasses.replace(ITEM, plan=lambda scale: plan, table=first_weights)
    asked = {"scale": "smoke", "precision": "float32", "data_dir": "data", "runs_dir": str(tmp_path), "device": "cpu",
             "threads": 1, "checkpoint_seconds": 60}  # fmt: skip
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        table = reproduce.make(item, asked).table
    first, second = (table[table.label == label].weight.to_list() for label in plan)
    assert first == second


def test_networks_that_lie_in_several_runs_are_nothing_to_begin_with(tmp_path):
    runs = {"the first": [Run(tmp_path / "one"), Run(tmp_path / "two")]}
    with pytest.raises(StudyError, match=r"\Amodel.start_from=the first: its networks lie in several runs"):
        reproduce._upon(runs, ["model.depth=2", "model.start_from=the first"])
