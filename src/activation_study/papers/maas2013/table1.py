"""The table by depth: errors with 2, 3 and 4 hidden layers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, legend, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.maas2013 import figure2
from activation_study.papers.maas2013.setup import (
    AT_EVERY_DEPTH,
    DEPTHS,
    DESK,
    DESK_CUT,
    PAPERS_OWN,
    PUBLISHED,
    SMOKE,
    networks,
)
from activation_study.papers.parts import Pairs, differences, ratios

# Frame error in per cent on held-out speech, by hidden layers; from memory.
FRAME_ERROR = {
    2: {"tanh": 52.0, "relu": 48.3, "lrelu": 48.2},
    3: {"tanh": 50.2, "relu": 46.7, "lrelu": 46.6},
    4: {"tanh": 50.2, "relu": 46.1, "lrelu": 46.1},
}


def _plan(scale: Scale) -> dict[str, list[str]]:
    return figure2.plan(scale) | networks(scale, DEPTHS[:-1], AT_EVERY_DEPTH)


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By data set, depth, activation and seed: learning rate, test error, test loss, mean training loss."""
    metrics = made.tuned("metrics")
    keys = ["label", "seed", "learning_rate"]
    test = metrics[metrics.split == "test"].set_index(keys)
    table = pd.DataFrame({"error": 100 * (1 - test.accuracy.fillna(0)), "loss": test.loss})
    trained = metrics[(metrics.split == "train") & (metrics.epoch > 0)]
    table = table.join(trained.groupby(keys)["loss"].mean().rename("training_loss")).reset_index()
    table[["dataset", "depth", "activation"]] = table.pop("label").str.split(" ", expand=True)
    return table.astype({"depth": int})


def _figure(table: pd.DataFrame, note: str) -> Figure:
    columns = {"error": "test error (%)", "loss": "test cross-entropy (nats)"}
    shown = [(dataset, column) for dataset in table.dataset.unique() for column in columns]
    with context():
        figure, axes = panels(len(shown), "hidden layers", "", sharey=False, height=1.05)
        for ax, (dataset, column) in zip(axes, shown, strict=True):
            rows = table[table.dataset == dataset]
            _by_depth(ax, rows, column)
            others = rows[rows.activation != "sigmoid"].groupby(["activation", "depth"])[column].mean()
            ax.set_ylim(0.9 * others.min(), 1.15 * others.max())
            ax.set(title=dataset, ylabel=columns[column], xticks=DEPTHS, xlim=(DEPTHS[0] - 0.4, DEPTHS[-1] + 0.4))
        legend(figure, table.activation)
        drawn = (
            "points: mean, bars: 95 % t interval; a sigmoid that does not learn lies above the frame · "
            f"{_gains_in_words(table)}"
        )
        return finish(figure, "Maas et al. 2013, the table by depth, on images", f"{drawn} · {note}")


def _by_depth(ax: Axes, rows: pd.DataFrame, column: str) -> None:
    chosen = looks(rows.activation)
    for shift, (name, look) in zip(np.linspace(-0.2, 0.2, len(chosen)), chosen.items(), strict=True):
        by_depth = rows[rows.activation == name].groupby("depth")[column]
        found = pd.DataFrame({depth: statistics.mean(values) for depth, values in by_depth}, ["mean", "low", "high"])
        bars = [found.loc["mean"] - found.loc["low"], found.loc["high"] - found.loc["mean"]]
        ax.errorbar(found.columns + shift, found.loc["mean"], bars, color=look.color, linestyle=look.dashes,
                    marker=look.marker, linewidth=1.2, elinewidth=1)  # fmt: skip


def _gains(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Points of test error that the deepest networks save on the shallowest, one row per seed."""
    rows = table[(table.dataset == dataset) & table.activation.isin(AT_EVERY_DEPTH)]
    error = rows.pivot(index="seed", columns=["depth", "activation"], values="error")
    return error[DEPTHS[0]] - error[DEPTHS[-1]]


def _gains_in_words(table: pd.DataFrame) -> str:
    said = []
    for dataset in table.dataset.unique():
        gains = _gains(table, dataset).mean()
        said.append(f"{dataset}: {', '.join(f'{name} {gains[name]:+.2f}' for name in AT_EVERY_DEPTH)}")
    return f"points of error that {DEPTHS[-1]} hidden layers save on {DEPTHS[0]}: {'; '.join(said)}"


def _cells(table: pd.DataFrame) -> list[Cell]:
    """Ratios of errors: what a frame of speech and an image have in common."""
    cells = []
    for dataset in table.dataset.unique():
        error = table[table.dataset == dataset].pivot(index="seed", columns=["depth", "activation"], values="error")
        compared = [((depth, "relu"), (depth, "tanh")) for depth in DEPTHS]
        compared += [((DEPTHS[-1], name), (DEPTHS[0], name)) for name in PAPERS_OWN]
        for ours, theirs in compared:
            paper = FRAME_ERROR[ours[0]][ours[1]] / FRAME_ERROR[theirs[0]][theirs[1]]
            what = f"error, {ours[1]} {ours[0]} layers over {theirs[1]} {theirs[0]} layers, {dataset}"
            found = statistics.geometric_mean(error[ours] / error[theirs])
            cells.append(Cell(what, paper, found, len(error), "memory", digits=3, alike=False))
    return cells


def _at_each_depth(
    table: pd.DataFrame, where: str, column: str, pairs: Pairs, claimed: Range, quantity: str, comparisons: int = 1
) -> list[Part]:
    """Differences that must hold at all depths of a data set together."""
    datasets = table.dataset.unique()
    parts = []
    for dataset in datasets:
        for depth in DEPTHS:
            rows = table[(table.dataset == dataset) & (table.depth == depth)]
            values = rows.pivot(index="seed", columns="activation", values=column)
            parts += differences(values, where, dataset, pairs, claimed, f"{quantity}, {depth} hidden layers",
                                 comparisons * len(datasets) * len(DEPTHS))  # fmt: skip
    return parts


def _rectifiers_win(table: pd.DataFrame, where: str) -> list[Part]:
    columns = {"error": "test error in points", "loss": "test cross-entropy in nats"}
    return [
        part
        for column, quantity in columns.items()
        for part in _at_each_depth(table, where, column, [("relu", "tanh")], Range(high=0), quantity, len(columns))
    ]


def _leak_hardly_matters(table: pd.DataFrame, where: str) -> list[Part]:
    return _at_each_depth(table, where, "error", [("lrelu", "relu")], Range(-0.3, 0.3), "test error in points")


def _leak_is_faster(table: pd.DataFrame, where: str) -> list[Part]:
    datasets = table.dataset.unique()
    parts = []
    for dataset in datasets:
        for depth in DEPTHS:
            rows = table[(table.dataset == dataset) & (table.depth == depth)]
            values = rows.pivot(index="seed", columns="activation", values="training_loss")
            parts += ratios(values, where, f"{dataset}, {depth} hidden layers", [("lrelu", "relu")], Range(high=1),
                            "mean training loss", len(datasets) * len(DEPTHS))  # fmt: skip
    return parts


def _depth_helps_more(table: pd.DataFrame, where: str) -> list[Part]:
    datasets = table.dataset.unique()
    return [
        part
        for dataset in datasets
        for part in differences(_gains(table, dataset), where, dataset, [("relu", "tanh")], Range(low=0),
                                "points of test error that 4 hidden layers save on 2", len(datasets))
    ]  # fmt: skip


TABLE1 = Item(
    name="table1",
    shows="Test error and cross-entropy with 2, 3 and 4 hidden layers.",
    paper_says="From memory, not checked: with 2, 3 and 4 hidden layers the frame error on held-out speech is 52.0, "
    "50.2, 50.2 % for tanh, 48.3, 46.7, 46.1 % for ReL and 48.2, 46.6, 46.1 % for LReL, the cross-entropy 2.09, 2.02, "
    "1.98; 1.91, 1.83, 1.79; 1.90, 1.83, 1.78. Rectifiers save about 2 points of word error; the tanh network of 4 "
    "layers is a little worse than the ReL network of 2, with 80 % more parameters. LReL does as ReL does, and "
    "converges slightly faster. From 2 to 4 layers ReL gains 2.2 points of frames, tanh 1.8.",
    scales={"paper": Scale(5, 10000, PUBLISHED), "desk": Scale(5, 90, DESK, DESK_CUT), "smoke": SMOKE},
    plan=_plan,
    table=_table,
    figure=_figure,
    cells=_cells,
    findings=(
        Finding(
            "maas-rectifiers-win",
            "ReLU is better than tanh at every depth, in error and in cross-entropy.",
            "Test error and test cross-entropy, ReLU less tanh, at 2, 3 and 4 hidden layers together: below 0.",
            _rectifiers_win,
        ),
        Finding(
            "maas-leak-hardly-matters",
            "Once trained, LReLU and ReLU differ by 0.3 points at most.",
            "Test error, LReLU less ReLU, at 2, 3 and 4 hidden layers together: between -0.3 and 0.3 points.",
            _leak_hardly_matters,
        ),
        Finding(
            "maas-leak-is-faster",
            "LReLU converges slightly faster than ReLU.",
            "The mean of the training loss over the epochs, LReLU over ReLU: below 1.",
            _leak_is_faster,
        ),
        Finding(
            "maas-depth",
            "More hidden layers help ReLU more than tanh.",
            "Points of test error that 4 hidden layers save on 2, ReLU less tanh: above 0.",
            _depth_helps_more,
            remark="In the 5 epochs of the desk scale deeper ReLU networks also have the higher mean training loss, so "
            "depth has cost time and not yet paid; whether the paper's order comes with its 30 epochs is open.",
        ),
    ),
    open_points="Errors on images say nothing about frames or words of speech: the paper's numbers stand beside ours "
    "as ratios. VLReLU, PReLU, RReLU and ELU are trained with 4 hidden layers only.",
)
