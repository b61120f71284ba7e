"""Ramachandran, Zoph & Le 2017: with batch normalisation and shortcuts, activations differ by less than a point."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, legend, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Paper, Scale
from activation_study.papers.parts import differences

# Accuracy on CIFAR-10 in per cent, ResNet-164, medians of five networks.
RESNET_164 = {"relu": 93.8, "lrelu": 94.2, "prelu": 94.1, "softplus": 94.6, "elu": 94.1, "selu": 93.0, "gelu": 94.3,
              "silu": 94.7}  # fmt: skip
ARTICLE = ("sigmoid", "tanh", "relu", "lrelu", "vlrelu", "prelu", "rrelu", "elu")
RECTIFIERS = ("lrelu", "vlrelu", "prelu", "rrelu", "elu")
FURTHER = ("softplus", "selu", "gelu", "silu")  # at paper scale only
POINT = Range(-1, 1)
TRAINING = ("model=resnet", "dataset.augment={padding:4,flip:true}", "init=he", "train.batch_size=128",
            "optimizer.momentum=0.9", "optimizer.weight_decay=0.0001", "optimizer.cosine=true",
            "probes.every=0")  # fmt: skip


def _plan(scale: Scale) -> dict[str, list[str]]:
    names = ARTICLE if scale.value("model.width") else ARTICLE + FURTHER
    dataset = scale.value("dataset") or "cifar10"
    return {name: [*TRAINING, f"dataset={dataset}", f"activation={name}"] for name in names}


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation and seed, at the rate that suits it: that rate, and accuracy on test images in per cent."""
    test = made.tuned("metrics").query("split == 'test'")
    accuracy = 100 * test.accuracy.fillna(0)
    columns = ["activation", "seed", "learning_rate", "accuracy"]
    return test.assign(accuracy=accuracy).rename(columns={"label": "activation"})[columns].reset_index(drop=True)


def _by_seed(table: pd.DataFrame) -> pd.DataFrame:
    return table.pivot(index="seed", columns="activation", values="accuracy").astype(float)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    accuracy = _by_seed(table)
    with context():
        figure, axes = panels(2, "", "", sharey=False, height=0.9)
        for x, (name, look) in enumerate(looks(table.activation).items()):
            shown = [statistics.mean(accuracy[name], within=(0, 100))]
            shown.append(statistics.difference(accuracy[name], accuracy["relu"]))
            for ax, (value, low, high) in zip(axes, shown, strict=True):
                bars = np.nan_to_num([[value - low], [high - value]])
                ax.errorbar([x], [value], bars, color=look.color, marker=look.marker, linestyle="")
        axes[1].axhspan(-1, 1, color="#EEEEEE", zorder=0)
        axes[0].set_ylabel("test accuracy (%)")
        axes[1].set_ylabel("more than ReLU, paired (points)")
        for ax in axes:
            ax.set_xticks([])
        legend(figure, table.activation)
        drawn = "residual network, CIFAR-10, each at its best rate · 95 % t intervals · grey: less than a point"
        return finish(figure, "Ramachandran et al. 2017, on a small residual network", f"{drawn} · {note}")


def _cells(table: pd.DataFrame) -> list[Cell]:
    accuracy = _by_seed(table)
    return [Cell(f"{name} less relu", paper - RESNET_164["relu"],
                 statistics.difference(accuracy[name], accuracy["relu"]), len(accuracy), unit="points", alike=False)
            for name, paper in RESNET_164.items() if name != "relu" and name in accuracy]  # fmt: skip


def _within_a_point(table: pd.DataFrame, where: str) -> list[Part]:
    pairs = [(name, "relu") for name in RECTIFIERS]
    return differences(_by_seed(table), where, "best rates", pairs, POINT, "test accuracy in points")


def _sigmoid_loses(table: pd.DataFrame, where: str) -> list[Part]:
    return differences(_by_seed(table), where, "best rates", [("sigmoid", "relu")], Range(high=-1),
                       "test accuracy in points")  # fmt: skip


RESIDUAL = Item(
    name="residual",
    shows="Test accuracy of a small residual network with batch normalisation, CIFAR-10, each kind at its best rate.",
    paper_says="ResNet-164 on CIFAR-10, medians of five: ReLU 93.8 %, LReLU 94.2, PReLU 94.1, softplus 94.6, ELU 94.1, "
    "SELU 93.0, GELU 94.3, Swish (SiLU) 94.7. With shortcuts and normalisation kinds differ by less than a point.",
    scales={
        "paper": Scale(5, 26000, ("train.epochs=164", "dataset.valid_size=5000", "learning_rate=[0.3,0.1,0.03,0.01]")),
        "desk": Scale(3, 900, ("train.epochs=6", "model.depth=13", "model.width=8", "dataset.valid_size=5000",
                               "learning_rate=[0.3,0.1,0.03]"),
                      "14 layers instead of 20, half of the width, 6 epochs instead of 164, 3 networks of each kind."),
        "smoke": Scale(2, 0.6, ("train.epochs=2", "model.depth=7", "model.width=4", "dataset=digits",
                                "dataset.train_limit=320", "dataset.valid_size=100", "train.batch_size=64",
                                "learning_rate=[0.1,0.03]"),
                       "8 layers, 4 channels in the first, 2 epochs on 320 digits, 2 networks of each kind."),
    },
    plan=_plan,
    table=_table,
    figure=_figure,
    cells=_cells,
    findings=(
        Finding(
            "residual-within-a-point",
            "With batch normalisation and shortcuts the rectifiers are within a point of ReLU.",
            "Test accuracy, LReLU, VLReLU, PReLU, RReLU and ELU less ReLU, each at its best rate: within 1 point.",
            _within_a_point,
        ),
        Finding(
            "residual-sigmoid",
            "Sigmoid loses more than a point even there.",
            "Test accuracy, sigmoid less ReLU, each at its best rate: below -1 point. Ours; the paper has no sigmoid.",
            _sigmoid_loses,
        ),
    ),
    open_points="The network is He et al.'s of 20 layers for CIFAR (2016), not the paper's of 164. The rate is chosen "
    "on validation images for each kind, with the networks that are then tested; it falls along half a cosine.",
)  # fmt: skip

PAPER = Paper(
    name="ramachandran2017",
    reference="Ramachandran, Zoph & Le, 2017: Searching for Activation Functions, arXiv 1710.05941",
    about="A search finds Swish. In its tables, of networks with batch normalisation and shortcuts, all kinds are "
    "close to ReLU; here a small network of that sort tells whether the differences of older papers survive.",
    items=(RESIDUAL,),
)
