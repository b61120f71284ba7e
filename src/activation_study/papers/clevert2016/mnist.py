"""Figures 2 and 3: the experiments on MNIST, Sections 4.1 and 4.2."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import context, finish, legend, log_ticks, looks, panels
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences, ratios

# LReLU's slope is 0.1 in this paper; its SReLU is the ReLU shifted to begin at -1.
PAPERS_OWN = {"elu": "activation=elu", "lrelu": "activation=lrelu activation.slope=0.1", "relu": "activation=relu"}
ADDED = {name: f"activation={name}" for name in ("sigmoid", "tanh", "vlrelu", "prelu", "rrelu", "shifted_relu")}
SETTLED = 25  # epoch from which Figure 2a is flat

MLP = ("dataset=mnist", "model=mlp", "model.depth=8", "model.width=128", "optimizer.momentum=0", "learning_rate=0.01",
       "train.batch_size=64", "probes.every=0")  # fmt: skip


def _plan(scale: Scale) -> dict[str, list[str]]:
    return {name: [*MLP, *overrides.split(), "probes.also=units"] for name, overrides in (PAPERS_OWN | ADDED).items()}


def _figure2_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation, seed and epoch: the median over all hidden units of each one's mean activation, and the losses."""
    keys = ["label", "seed", "epoch"]
    median = made.table("units").groupby(keys)["mean"].median().rename("median")
    losses = made.table("metrics").pivot(index=keys, columns="split", values="loss")[["train", "valid"]]
    return losses.join(median).reset_index().rename(columns={"label": "activation"})


def _figure2(table: pd.DataFrame, note: str) -> Figure:
    """The paper's panels (a) and (b), and the other activations below them."""
    with context():
        figure, axes = panels(4, "epoch", "", sharex=True, sharey=False, height=1.0)
        for pair, names in ((axes[:2], list(PAPERS_OWN)), (axes[2:], ["elu", *ADDED])):
            rows = table[table.activation.isin(names)]
            _median_panel(pair[0], rows)
            _loss_panel(pair[1], rows)
        axes[0].set_title("(a) the paper's three")
        axes[1].set_title("(b) the paper's three")
        axes[2].set_title("further activations")
        axes[3].set_title("further activations")
        legend(figure, table.activation, {"training": "-", "validation": (0, (3, 1.5))})
        drawn = "mnist, 8 x 128 · lines: mean, bars: standard deviation over seeds, as in the paper"
        return finish(figure, "Clevert et al. 2016, Figure 2", f"{drawn} · {note}")


def _median_panel(ax: Axes, rows: pd.DataFrame) -> None:
    for name, look in looks(rows.activation).items():
        by_epoch = rows[rows.activation == name].groupby("epoch")["median"]
        mean, spread = by_epoch.mean(), by_epoch.std()
        ax.errorbar(mean.index, mean, spread, errorevery=max(1, len(mean) // 12), color=look.color, linewidth=1.2,
                    linestyle=look.dashes, elinewidth=0.8)  # fmt: skip
    ax.axhline(0, color="#666666", linewidth=0.6)
    ax.set_ylabel("median of the units' means")


def _loss_panel(ax: Axes, rows: pd.DataFrame) -> None:
    for name, look in looks(rows.activation).items():
        by_epoch = rows[rows.activation == name].groupby("epoch")
        for split, dashes in (("train", "-"), ("valid", (0, (3, 1.5)))):
            mean = by_epoch[split].mean()
            ax.plot(mean.index, mean, color=look.color, linestyle=dashes, linewidth=1.2)
    ax.set_yscale("log")
    log_ticks(ax.yaxis)
    ax.set_ylabel("cross-entropy (nats)")


def _distance(table: pd.DataFrame) -> pd.DataFrame:
    """Of every network, how far its median is from zero once it is flat, and the variance of that over the epochs."""
    late = table[table.epoch >= min(SETTLED, table.epoch.max() / 2)]
    by_network = late.groupby(["activation", "seed"])["median"]
    return pd.DataFrame({"distance": by_network.apply(lambda x: x.abs().mean()), "variance": by_network.var()})


def _nearest_zero(table: pd.DataFrame, where: str) -> list[Part]:
    distance = _distance(table)["distance"].unstack(0)
    return differences(distance, where, "epochs from 25 on", [("elu", "relu"), ("elu", "lrelu")], Range(high=0),
                       "distance of the median from zero")  # fmt: skip


def _steadier(table: pd.DataFrame, where: str) -> list[Part]:
    variance = _distance(table)["variance"].unstack(0)
    quantity = "variance of the median over time"
    return ratios(variance, where, "epochs from 25 on", [("relu", "elu")], Range(low=1), quantity)


def _learns_faster(table: pd.DataFrame, where: str) -> list[Part]:
    trained = table[table.epoch > 0]  # the loss before training tells how large the outputs of the first weights are
    area = np.log(trained.train.astype(float)).groupby([trained.activation, trained.seed]).mean().unstack(0)
    return ratios(
        np.exp(area),
        where,
        "all epochs but that before training",
        [("elu", "relu"), ("elu", "lrelu")],
        Range(high=1),
        "geometric mean of the training loss",
    )


FIGURE2 = Item(
    name="figure2",
    shows="Mean activation of the units and cross-entropy over training, MNIST, 8 hidden layers of 128.",
    paper_says="(a) The median over all hidden units of a unit's mean activation is flat after epoch 25, and nearest "
    "to zero for ELU. (b) ELU's training loss falls much faster than those of LReLU and ReLU. Lines are means of 5 "
    "runs, bars their standard deviation. Appendix C: over time the median varies much more with ReLU than with ELU.",
    scales={
        "paper": Scale(5, 450, ("train.epochs=300",)),
        "desk": Scale(5, 45, ("train.epochs=30",), "30 epochs instead of 300."),
        "smoke": Scale(2, 0.3, ("train.epochs=2", "dataset.train_limit=640", "dataset.valid_size=320"),
                       "2 epochs on 640 images, 2 seeds."),
    },
    plan=_plan,
    table=_figure2_table,
    figure=_figure2,
    findings=(
        Finding(
            "clevert-mean-near-zero",
            "Among ELU, LReLU and ReLU, ELU keeps the units' mean activations nearest to zero.",
            "The distance from zero of the median unit's mean activation, averaged over the epochs from 25 on, ELU "
            "less the others: below 0.",
            _nearest_zero,
        ),
        Finding(
            "clevert-steady-mean",
            "With ReLU the median of the mean activations varies more over time than with ELU.",
            "Its variance over the epochs from 25 on, ReLU over ELU: above 1.",
            _steadier,
        ),
        Finding(
            "clevert-training-loss",
            "ELU's training loss falls faster than those of LReLU and ReLU.",
            "The geometric mean over the epochs of the training loss, without that before training, ELU over the "
            "others: below 1.",
            _learns_faster,
        ),
    ),
    open_points="The initialization is He's with fan-in here, momentum, weight decay and dropout are none; the paper "
    "looks at a fixed part of the training images, we at the 10,000 validation images (mean activations) and at as "
    "many training images (loss).",
)  # fmt: skip

RATES = (0.01, 0.001, 0.0001, 0.00001)


def _figure3_plan(scale: Scale) -> dict[str, list[str]]:
    shared = ("dataset=mnist", "model=autoencoder", "objective=reconstruction", "optimizer.momentum=0",
              f"learning_rate=[{','.join(map(str, RATES))}]", "train.batch_size=64", "probes.every=0")  # fmt: skip
    chosen = PAPERS_OWN | {"shifted_relu": ADDED["shifted_relu"]}
    return {name: [*shared, *overrides.split()] for name, overrides in chosen.items()}


def _figure3_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation, seed, learning rate and epoch: the reconstruction errors on training and validation images."""
    keys = ["label", "seed", "learning_rate", "epoch"]
    losses = made.table("metrics").pivot(index=keys, columns="split", values="loss")[["train", "valid"]]
    return losses.reset_index().rename(columns={"label": "activation"})


def _figure3(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(len(RATES), "epoch", "squared error a pixel", sharey=False, height=1.0)
        for ax, rate in zip(axes, RATES, strict=True):
            _loss_panel(ax, table[np.isclose(table.learning_rate, rate)])
            ax.set(title=f"learning rate {rate:g}", ylabel="")
        axes[0].set_ylabel("squared error per pixel")
        legend(figure, table.activation, {"training": "-", "validation": (0, (3, 1.5))})
        drawn = "mnist, autoencoder · lines: mean over seeds"
        return finish(figure, "Clevert et al. 2016, Figure 3", f"{drawn} · {note}")


def _lowest_error(table: pd.DataFrame, where: str) -> list[Part]:
    parts = []
    last = table[table.epoch == table.epoch.max()]
    for rate, rows in last.groupby("learning_rate"):
        error = rows.pivot(index="seed", columns="activation", values="valid")
        parts += ratios(error, where, f"learning rate {rate:g}", [("elu", "relu"), ("elu", "lrelu")], Range(high=1),
                        "reconstruction error on validation images", comparisons=len(RATES))  # fmt: skip
    return parts


FIGURE3 = Item(
    name="figure3",
    shows="Reconstruction error of an autoencoder over training at four learning rates, MNIST.",
    paper_says="ELU has the lowest training and test error at every learning rate; the larger the rate, the lower the "
    "error. Networks 1000-500-250-30 and back, 500 epochs in batches of 64.",
    scales={
        "paper": Scale(5, 4000, ("train.epochs=500",)),
        "desk": Scale(3, 60, ("train.epochs=5", "dataset.train_limit=20000"),
                      "5 epochs on 20,000 images, not 500 on all."),
        "smoke": Scale(2, 1, ("train.epochs=1", "dataset.train_limit=320", "dataset.valid_size=320", "model.width=64"),
                       "1 epoch on 320 images, a sixteenth of the width."),
    },
    plan=_figure3_plan,
    table=_figure3_table,
    figure=_figure3,
    findings=(
        Finding(
            "clevert-autoencoder",
            "As an autoencoder ELU has the lowest error at every learning rate.",
            "The validation error at the end, ELU over the others, at each of four rates: below 1.",
            _lowest_error,
            "With He's weights ELU's outputs begin twice as large as ReLU's. At the two lowest rates a short training "
            "does not unlearn that start, so ours says nothing there of the paper's 500 epochs.",
        ),
    ),
    open_points="Loss (squared error per pixel), the output (linear) and the activation of the code (as everywhere) "
    "are ours; pixels are standardised. The validation images stand for the test images.",
)  # fmt: skip
