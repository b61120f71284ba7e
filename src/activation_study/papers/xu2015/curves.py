"""Convergence curves, from the runs of the tables: each leaky kind against ReLU."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import context, finish, legend, looks, panels
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences
from activation_study.papers.xu2015 import errors
from activation_study.papers.xu2015.setup import ADDED


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation, seed and epoch: error in per cent on training images, and on test images at the end."""
    metrics = made.table("metrics").query("split != 'valid'")
    error = 100 * (1 - metrics.accuracy.fillna(0))
    columns = ["activation", "seed", "epoch", "split", "error"]
    return metrics.rename(columns={"label": "activation"}).assign(error=error)[columns].reset_index(drop=True)


def _figure(number: int, dataset: str) -> Callable[[pd.DataFrame, str], Figure]:
    def figure(table: pd.DataFrame, note: str) -> Figure:
        groups = [["relu", "lrelu", "vlrelu"], ["relu", "prelu"], ["relu", "rrelu"]]
        if set(ADDED) <= set(table.activation):
            groups.append(["relu", *ADDED])
        with context():
            drawing, axes = panels(len(groups), "epoch", "error (%)", height=1.0)
            for ax, names in zip(axes, groups, strict=True):
                for name, look in looks(names).items():
                    rows = table[table.activation == name]
                    train = rows[rows.split == "train"].groupby("epoch")["error"].mean()
                    test = rows[rows.split == "test"].groupby("epoch")["error"].mean()
                    ax.plot(train.index, train, color=look.color, linestyle=look.dashes, linewidth=1.2)
                    ax.plot(test.index, test, color=look.color, linestyle="", marker=look.marker, clip_on=False)
                ax.set_ylim(bottom=0)
                ax.set_title("and ".join(["ReLU ", ", ".join(names[1:])]))
            legend(drawing, table.activation)
            drawn = f"{dataset} · lines: training images, marks: test images, read once at the end · means over seeds"
            return finish(drawing, f"Xu et al. 2015, Figure {number}", f"{drawn} · {note}")

    return figure


def _rrelu_slow(table: pd.DataFrame, where: str) -> list[Part]:
    train = (
        table[(table.split == "train") & (table.epoch > 0)]
        .groupby(["seed", "activation"])["error"]
        .mean()
        .unstack()
        .astype(float)
    )
    pairs = [("rrelu", other) for other in ("lrelu", "vlrelu", "prelu")]
    return differences(train, where, "mean over the epochs", pairs, Range(low=0), "training error in points")


def _item(number: int, dataset: str, short: str, table: Item) -> Item:
    return Item(
        name=f"figure{number}",
        shows=f"Error over the epochs on training images, and on test images at the end, {dataset}.",
        paper_says="Training and test error by epoch, each leaky kind against ReLU (from memory): all leaky kinds end "
        "below ReLU on test images; PReLU is lowest on training images, RReLU falls slowest there.",
        scales=table.scales,
        plan=errors.plan(dataset),
        table=_table,
        figure=_figure(number, dataset),
        findings=(
            Finding(
                f"xu-rrelu-slow-{short}",
                f"Of the leaky kinds RReLU learns the training images slowest ({dataset}).",
                "Training error, mean over the epochs, RReLU less each of the others: above 0 points.",
                _rrelu_slow,
            ),
        ),
        open_points="The test images are read once, so the test error has no curve here.",
    )


FIGURE2, FIGURE3 = _item(2, "cifar10", "10", errors.TABLE1), _item(3, "cifar100", "100", errors.TABLE2)
