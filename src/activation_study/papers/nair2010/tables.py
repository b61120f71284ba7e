"""Tables 1 and 2: classifiers of one and two hidden layers, with and without pre-training."""

from collections.abc import Callable, Iterator

import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.nair2010.machines import COLOURS, SMOKE, UNITS, machines, sets_of
from activation_study.papers.parts import differences

CLASSIFIER = ("model=mlp", "learning_rate=[0.1,0.03,0.01]", "train.batch_size=100", "optimizer.momentum=0.9",
              "probes.every=0")  # fmt: skip
PRETRAINED = {1: ("none", "first"), 2: ("none", "first", "both")}


def _tables_plan(scale: Scale) -> dict[str, list[str]]:
    plan = machines(scale)
    for data in sets_of(scale):
        for unit, activation in UNITS.items():
            for depth, kinds in PRETRAINED.items():
                for kind in kinds:
                    start = {"first": [f"model.start_from={data}, {unit}, machine 1"],
                             "both": [f"model.start_from={data}, {unit}, machine 2"]}.get(kind, [])  # fmt: skip
                    plan[f"{data}, {unit}, {depth}, {kind}"] = [
                        *CLASSIFIER, f"dataset={data}", f"activation={activation}", f"model.depth={depth}", *start,
                    ]  # fmt: skip
    return plan


def _tables_table(made: Made, scale: Scale) -> pd.DataFrame:
    """The test error of every classifier, by data set, unit, depth, pre-training and seed."""
    classifiers = {label: runs for label, runs in made.runs.items() if "machine" not in label}
    tuned = Made(classifiers, made.seeds, made.rates).tuned("metrics")
    test = tuned[tuned.split == "test"]
    parts = test.label.str.split(", ", expand=True).set_axis(["data", "unit", "depth", "pretrained"], axis=1)
    return parts.assign(depth=parts.depth.astype(int), seed=test.seed, rate=test.learning_rate,
                        error=100 * (1 - test.accuracy.fillna(0))).reset_index(drop=True)  # fmt: skip


def _tables(table: pd.DataFrame, note: str) -> Figure:
    sets = list(table.groupby("data", sort=False))
    with context():
        figure, axes = panels(len(sets), "", "test error (%)", sharey=False, height=1.0)
        for ax, (data, rows) in zip(axes, sets, strict=True):
            names = [(depth, kind) for depth, kinds in PRETRAINED.items() for kind in kinds]
            for shift, (unit, colour) in zip((-0.12, 0.12), COLOURS.items(), strict=True):
                for place, (depth, kind) in enumerate(names):
                    is_one = (rows.unit == unit) & (rows.depth == depth) & (rows.pretrained == kind)
                    errors = rows[is_one].error
                    mean, low, high = statistics.mean(errors, within=(0, 100))
                    ax.errorbar(place + shift, mean, [[mean - low], [high - mean]], color=colour, marker="o",
                                label=unit if place == 0 else None)  # fmt: skip
            ax.set_xticks(
                range(len(names)), [f"{depth} layer{'s' if depth > 1 else ''}\n{kind}" for depth, kind in names]
            )
            ax.set_title(str(data))
        axes[0].legend()
        drawn = "pre-trained layers under each place · points: mean, bars: 95 % t intervals over seeds"
        return finish(figure, "Nair & Hinton 2010, Tables 1 and 2", f"{drawn} · {note}")


PAPERS_ERRORS = {
    ("NReLU", 1, "none"): 17.8, ("binary", 1, "none"): 23.0, ("NReLU", 1, "first"): 16.5, ("binary", 1, "first"): 18.7,
    ("NReLU", 2, "none"): 17.6, ("binary", 2, "none"): 23.6, ("NReLU", 2, "first"): 16.5, ("binary", 2, "first"): 18.8,
    ("NReLU", 2, "both"): 15.2, ("binary", 2, "both"): 18.8,
}  # fmt: skip


def _cells(table: pd.DataFrame) -> list[Cell]:
    cells = []
    for data, of_set in table.groupby("data", sort=False):
        for (unit, depth, kind), error in PAPERS_ERRORS.items():
            ours = of_set.query("unit == @unit and depth == @depth and pretrained == @kind").error
            what = f"{unit}, {depth} layer{'s' if depth > 1 else ''}, pre-trained: {kind} (NORB there, {data} here)"
            cells.append(Cell(what, error, statistics.mean(ours, within=(0, 100)), len(ours), unit="% error", digits=1,
                              alike=False))  # fmt: skip
    return cells


def _wide(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Of each data set the errors by seed, columns such as `NReLU, 2, both`; `by the second` is what that one saves."""
    for data, rows in table.groupby("data", sort=False):
        names = rows.unit + ", " + rows.depth.astype(str) + ", " + rows.pretrained
        errors = rows.assign(name=names).pivot(index="seed", columns="name", values="error")
        for unit in UNITS:
            errors[f"{unit}, by the second"] = errors[f"{unit}, 2, both"] - errors[f"{unit}, 2, first"]
        yield str(data), errors


def _compare(pairs: list[tuple[str, str]], claimed: Range) -> Callable[[pd.DataFrame, str], list[Part]]:
    def parts(table: pd.DataFrame, where: str) -> list[Part]:
        sets = list(_wide(table))
        quantity = "test error (points)"
        return [part for data, errors in sets
                for part in differences(errors, where, data, pairs, claimed, quantity, len(sets))]  # fmt: skip

    return parts


ALL = [f"{depth}, {kind}" for depth, kinds in PRETRAINED.items() for kind in kinds]
BELOW = Range(high=0)
TABLES = Item(
    name="tables",
    shows="Tables 1 and 2: test error of one and two hidden layers, pre-trained or not, rectified and binary.",
    paper_says="On NORB rectified units have the lower error in every row, by 2 to 6 points; pre-training helps both, "
    "but rectified units without it beat binary ones with it; pre-training the second layer helps rectified units "
    "alone.",
    scales={
        "paper": Scale(5, 60_000, ("model.width=4000", "train.epochs=300")),
        "desk": Scale(3, 56, ("model.width=500", "train.epochs=10", "dataset.train_limit=10000"),
                      "Width 500 instead of 4000, 10 epochs instead of 300, on 10,000 images."),
        "smoke": SMOKE,
    },
    plan=_tables_plan,
    table=_tables_table,
    figure=_tables,
    cells=_cells,
    findings=(
        Finding("nair-rectified-better", "Rectified units have a lower error than binary ones, pre-trained or not.",
                "Test error, NReLU less binary, in every row of both tables: below 0.",
                _compare([(f"NReLU, {row}", f"binary, {row}") for row in ALL], BELOW)),
        Finding("nair-pretraining-helps", "Pre-training lowers the error of both kinds of units.",
                "Test error with the first layer pre-trained less that without: below 0.",
                _compare([(f"{unit}, {depth}, first", f"{unit}, {depth}, none") for unit in UNITS for depth in (1, 2)],
                         BELOW)),
        Finding("nair-untrained-beats", "Rectified units without pre-training beat binary units with it.",
                "Test error, NReLU without less binary with all layers pre-trained: below 0.",
                _compare([("NReLU, 1, none", "binary, 1, first"), ("NReLU, 2, none", "binary, 2, both")], BELOW)),
        Finding("nair-second-layer", "Pre-training the second layer too helps rectified units alone.",
                "Test error with both layers pre-trained less that with the first alone: below 0 for NReLU, and for "
                "NReLU less for binary units: below 0.",
                _compare([("NReLU, 2, both", "NReLU, 2, first"), ("NReLU, by the second", "binary, by the second")],
                         BELOW)),
    ),
)  # fmt: skip
