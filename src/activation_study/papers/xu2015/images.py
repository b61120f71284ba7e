"""Overfitting: errors by the number of training images, from 1,000 to 50,000, with equally many updates."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import context, finish, legend, log_ticks, looks, panels
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences
from activation_study.papers.xu2015.setup import PAPERS_OWN, nin

KINDS = ("relu", "vlrelu", "prelu", "rrelu")
ALL = 50_000
RECORDS = 6  # of each network
COUNTS = {"paper": (1000, 3000, 10_000, ALL), "smoke": (64, 256)}


def _counts(scale: Scale) -> tuple[int, ...]:
    return COUNTS["smoke" if scale.value("dataset") else "paper"]


def _plan(scale: Scale) -> dict[str, list[str]]:
    """Every kind at every number of images, for as many epochs as give the same number of updates."""
    batch = int(scale.value("train.batch_size") or 128)
    updates = int(scale.value("train.record_every") or 0) * RECORDS
    plan = {}
    for count in _counts(scale):
        epochs = updates / (count // batch)
        schedule = (f"train.epochs={epochs:.6f}", "optimizer.counted_in=steps",
                    f"optimizer.milestones=[{updates * 5 // 6}]")  # fmt: skip
        limit = [] if count == ALL else [f"dataset.train_limit={count}"]
        for name in KINDS:
            plan[f"{count} {name}"] = [*nin(scale, "cifar10"), PAPERS_OWN[name], *limit, *schedule]
    return plan


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By number of images, activation and seed: errors in per cent on training and test images."""
    metrics = made.table("metrics").query("split != 'valid'")
    last = metrics[metrics.step == metrics.groupby("label")["step"].transform("max")]
    error = 100 * (1 - last.accuracy.fillna(0))
    wide = last.assign(error=error).pivot(index=["label", "seed"], columns="split", values="error")
    table = wide[["train", "test"]].reset_index()
    table[["images", "activation"]] = table.pop("label").str.split(" ", expand=True)
    return table.astype({"images": int})


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(3, "training images", "", sharey=False, height=0.95)
        shown = {"test error (%)": table.test, "training error (%)": table.train,
                 "test less training error (points)": table.test - table.train}  # fmt: skip
        for ax, (title, values) in zip(axes, shown.items(), strict=True):
            for name, look in looks(table.activation).items():
                mean = table.assign(value=values)[table.activation == name].groupby("images")["value"].mean()
                ax.plot(mean.index, mean, color=look.color, linestyle=look.dashes, marker=look.marker, linewidth=1.2)
            ax.set_xscale("log")
            log_ticks(ax.xaxis)
            ax.set_ylabel(title)
        legend(figure, table.activation)
        drawn = "cifar10, Network in Network, as many updates for every number of images · means over seeds"
        return finish(figure, "Xu et al. 2015, overfitting by the number of images", f"{drawn} · {note}")


def _at(table: pd.DataFrame, images: int, column: str) -> pd.DataFrame:
    rows = table[table.images == images]
    rows = rows.assign(gap=rows.test - rows.train)
    return rows.pivot(index="seed", columns="activation", values=column).astype(float)


def _few_and_many(table: pd.DataFrame) -> list[int]:
    return [int(end) for end in (np.min(table.images), np.max(table.images))]


def _prelu_overfits(table: pd.DataFrame, where: str) -> list[Part]:
    counts = _few_and_many(table)
    return [part for images in counts
            for part in differences(_at(table, images, "gap"), where, f"{images:,} images", [("prelu", "rrelu")],
                                    Range(low=0), "test less training error in points", len(counts))]  # fmt: skip


def _rrelu_helps_few(table: pd.DataFrame, where: str) -> list[Part]:
    few, many = (_at(table, images, "test") for images in _few_and_many(table))
    gain = pd.DataFrame({"with few images": few["relu"] - few["rrelu"], "with all": many["relu"] - many["rrelu"]})
    return differences(gain, where, "all numbers", [("with few images", "with all")], Range(low=0),
                       "points of test error that RReLU saves on ReLU")  # fmt: skip


IMAGES = Item(
    name="images",
    shows="Errors by the number of training images, CIFAR-10.",
    paper_says="PReLU fits the training images best and unseen ones not: it overfits small data. RReLU's lead is "
    "largest on the smallest of the paper's data sets, 25,000 images of plankton. The paper has no such figure.",
    scales={
        "paper": Scale(5, 26000, ("train.record_every=20000",)),
        "desk": Scale(3, 620, ("train.record_every=500", "model.width=32", "model.dropout=0.2"),
                      "A sixth of the width, dropout of 0.2, 3,000 updates instead of 120,000, 3 networks of each "
                      "kind."),
        "smoke": Scale(2, 0.5, ("train.record_every=4", "model.width=6", "dataset=digits", "train.batch_size=32",
                                "dataset.valid_size=100"),
                       "6 channels in the first layer, 24 updates on 64 and 256 digits, 2 networks of each kind."),
    },
    plan=_plan,
    table=_table,
    figure=_figure,
    findings=(
        Finding(
            "xu-prelu-overfits",
            "PReLU overfits more than RReLU.",
            "Test less training error, PReLU less RReLU, with the fewest and with all images: above 0 points.",
            _prelu_overfits,
        ),
        Finding(
            "xu-rrelu-few-images",
            "The fewer the images, the more RReLU gains on ReLU.",
            "Points of test error that RReLU saves on ReLU, with the fewest images less with all: above 0.",
            _rrelu_helps_few,
        ),
    ),
    open_points="Every network makes equally many updates, and the rate falls after five sixths of them.",
)  # fmt: skip
