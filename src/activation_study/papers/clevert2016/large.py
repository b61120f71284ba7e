"""Table 1: the network of 18 layers, trained in three parts with more and more dropout."""

import pandas as pd
from matplotlib.figure import Figure

from activation_study.comparison import statistics
from activation_study.figures.style import GREY, context, finish, panels
from activation_study.papers.item import Cell, Item, Made, Scale

PAPER_ERRORS = {"cifar10": 6.55, "cifar100": 24.28}
# Factor of the paper's rates of dropout, and learning rate, of each part of the training.
PARTS = (("0", "0.01"), ("1", "0.001"), ("1.5", "0.001"))
# Epochs of each part by the channels of the first layer; the paper's are 35,000, 50,000 and 40,000 updates.
WIDTH = 384
EPOCHS = {WIDTH: (70, 100, 80), 48: (5, 2, 1), 6: (1, 1, 1)}
TRAINING = ("model=elu_net", "model.depth=18", "activation=elu", "dataset.augment={padding:4,flip:true}",
            "dataset.valid_size=0", "init=he", "train.batch_size=100", "optimizer.momentum=0.9",
            "optimizer.weight_decay=0.0005", "keep_weights=true", "probes.every=0")  # fmt: skip


def _datasets(scale: Scale) -> list[str]:
    own = scale.value("dataset")
    return [own] if own else list(PAPER_ERRORS)


def _plan(scale: Scale) -> dict[str, list[str]]:
    """Each part begins with the networks of the one before."""
    plan: dict[str, list[str]] = {}
    for dataset in _datasets(scale):
        before: list[str] = []
        for part, ((dropout, rate), epochs) in enumerate(
            zip(PARTS, EPOCHS[int(scale.value("model.width") or WIDTH)], strict=True), 1
        ):
            label = f"{dataset} {part}"
            plan[label] = [*TRAINING, f"dataset={dataset}", f"model.dropout={dropout}", f"learning_rate={rate}",
                           f"train.epochs={epochs}", *before]  # fmt: skip
            before = [f"model.start_from={label}"]
    return plan


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By data set, part of the training and seed: test error in per cent after it."""
    metrics = made.table("metrics").query("split == 'test'")
    table = metrics.assign(error=100 * (1 - metrics.accuracy.fillna(0)))[["label", "seed", "error"]]
    table[["dataset", "part"]] = table.pop("label").str.split(" ", expand=True)
    is_published = scale.value("model.width") == "384"
    return table.astype({"part": int}).assign(published=is_published).reset_index(drop=True)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    datasets = list(table.dataset.unique())
    with context():
        figure, axes = panels(len(datasets), "part of the training", "test error (%)", sharey=False, height=0.9)
        for ax, dataset in zip(axes, datasets, strict=True):
            for _, rows in table[table.dataset == dataset].groupby("seed"):
                ax.plot(rows.part, rows.error, "o-", color="#D55E00", linewidth=0.8)
            if dataset in PAPER_ERRORS:
                ax.axhline(PAPER_ERRORS[dataset], color=GREY, linewidth=0.8)
            ax.set(title=dataset, xticks=[1, 2, 3])
        drawn = "ELU, 18 layers · without dropout, with it, with half as much more · grey: the paper's end"
        return finish(figure, "Clevert et al. 2016, Table 1", f"{drawn} · {note}")


def _cells(table: pd.DataFrame) -> list[Cell]:
    last = table[table.part == len(PARTS)]
    return [
        Cell(f"test error, {dataset}", paper, statistics.mean(last[last.dataset == dataset].error, within=(0, 100)),
             int((last.dataset == dataset).sum()), unit="%", alike=bool(table.published.all()))
        for dataset, paper in PAPER_ERRORS.items() if (last.dataset == dataset).any()
    ]  # fmt: skip


TABLE1 = Item(
    name="table1",
    shows="Test error of the network of 18 layers of ELU, CIFAR-10 and CIFAR-100.",
    paper_says="6.55 % on CIFAR-10 and 24.28 % on CIFAR-100, one network each. 35,000 updates at a rate of 0.01, then "
    "at a tenth of it: 50,000 with dropout of 0 to 0.5 by stack and 40,000 with half as much more.",
    scales={
        "paper": Scale(3, 250_000, ("model.width=384", "dataset.preprocessing=gcn_zca")),
        "desk": Scale(3, 100, ("model.width=48", "dataset.preprocessing=gcn_zca"),
                      "An eighth of the width, 8 epochs instead of 250."),
        "smoke": Scale(2, 0.3, ("model.width=6", "dataset=digits", "dataset.train_limit=200", "dataset.valid_size=100",
                                "train.batch_size=50"),
                       "6 channels in the first layer, 3 epochs on 200 digits of 8 x 8 pixels, 2 networks."),
    },
    plan=_plan,
    table=_table,
    figure=_figure,
    cells=_cells,
    open_points="The paper's list of this network has 19 convolutions, with the one that gives the logits. That the "
    "first 35,000 updates are made without dropout is our reading of it. The optimizer's momentum begins anew with "
    "each part. Borders and initialization are as in Figure 4.",
)  # fmt: skip
