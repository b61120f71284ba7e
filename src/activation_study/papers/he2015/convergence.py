"""Figures 2 and 3: networks of 22 and 30 layers learn, or do not."""

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import GREY, context, finish, legend, looks, panels
from activation_study.papers.he2015.setup import (
    HE,
    THIRTY,
    TWENTY_TWO,
    XAVIER,
    Network,
    begin,
    tailored,
    width_of,
)
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences, level

RELU, RELU_XAVIER, TAILORED = "relu, He", "relu, Xavier", "lrelu, tailored"
ADDED = ("vlrelu", "prelu", "rrelu", "elu")
LEARNED = 85.0  # per cent of error; chance is 90
TRAINING = ("dataset.valid_size=3000", "train.batch_size=128", "train.record_every=100",
            "optimizer.momentum=0.9", "optimizer.weight_decay=0.0005", "probes.every=100")  # fmt: skip


def _plan(network: Network) -> Callable[[Scale], dict[str, list[str]]]:
    def plan(scale: Scale) -> dict[str, list[str]]:
        """ReLU with both rules, the tailored slope, and further activations with He's rule."""
        kinds = {RELU: ("activation=relu", HE), RELU_XAVIER: ("activation=relu", XAVIER)}
        kinds |= {TAILORED: (tailored(network), HE), **{name: (f"activation={name}", HE) for name in ADDED}}
        width, dataset = width_of(scale, network), f"dataset={scale.value('dataset') or 'cifar10'}"
        return {
            label: [*TRAINING, dataset, *activation.split(), *begin(network, rule, width), f"model.width={width}"]
            for label, (activation, rule) in kinds.items()
        }

    return plan


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, seed and rate: error over the epochs, and gradient norms by layer (rows with a layer) at both ends.

    `best` marks the rate that does best on the held-out images at the end.
    """
    keys = ["label", "seed", "learning_rate"]
    metrics = made.table("metrics").query("split == 'valid'")
    curves = metrics.assign(error=100 * (1 - metrics.accuracy.fillna(0)))[[*keys, "epoch", "error"]]
    layers = made.table("layers")
    ends = layers[layers.step.isin([0, layers.step.max()])]
    table = pd.concat([curves, ends[[*keys, "epoch", "layer", "grad_norm"]]], ignore_index=True)
    best = made.tuned("metrics").groupby("label")["learning_rate"].first()
    table["best"] = table.learning_rate == table.label.map(best)
    return table.rename(columns={"label": "kind"})


def _figure(number: int, network: Network) -> Callable[[pd.DataFrame, str], Figure]:
    def figure(table: pd.DataFrame, note: str) -> Figure:
        """The paper's panel, the further kinds, and the gradient norms of both."""
        table = table[table.best]
        own = [RELU, RELU_XAVIER]
        with context():
            drawing, axes = panels(4, "", "", sharex=False, sharey=False, height=0.85)
            for column, kinds in enumerate((own, [RELU, TAILORED, *ADDED])):
                rows = table[table.kind.isin(kinds)]
                _curves(axes[column], rows)
                _profiles(axes[2 + column], rows)
                axes[column].set_title(("the paper's two", "further kinds")[column])
            legend(drawing, table.kind, None)
            drawn = f"{network.layers} weight layers · each at its best rate, means over seeds · gradients: thin " \
                    "before, thick after training"  # fmt: skip
            return finish(drawing, f"He et al. 2015, Figure {number}, on CIFAR-10", f"{drawn} · {note}")

    return figure


def _curves(ax: Axes, rows: pd.DataFrame) -> None:
    curves = rows[rows.layer.isna()]
    for kind, look in looks(curves.kind).items():
        mean = curves[curves.kind == kind].groupby("epoch")["error"].mean()
        ax.plot(mean.index, mean, color=look.color, linestyle=look.dashes, linewidth=1.2)
    ax.axhline(90, color=GREY, linewidth=0.6)
    ax.set(xlabel="epoch", ylabel="error on 3,000 held-out images (%)")


def _profiles(ax: Axes, rows: pd.DataFrame) -> None:
    profiles = rows[rows.layer.notna()]
    for kind, look in looks(profiles.kind).items():
        for epoch, thick in ((profiles.epoch.min(), 0.6), (profiles.epoch.max(), 1.6)):
            of = profiles[(profiles.kind == kind) & (profiles.epoch == epoch) & (profiles.grad_norm > 0)]
            mean = of.groupby("layer")["grad_norm"].median()
            ax.plot(mean.index, mean, color=look.color, linestyle=look.dashes, linewidth=thick)
    ax.set_yscale("log")
    ax.set(xlabel="layer", ylabel="gradient norm")


def _at_end(table: pd.DataFrame) -> pd.DataFrame:
    curves = table[table.layer.isna()]
    return curves[curves.epoch == curves.epoch.max()]


def _both_learn(table: pd.DataFrame, where: str) -> list[Part]:
    end = _at_end(table[table.best])
    errors = end.pivot(index="seed", columns="kind", values="error")
    area = table[table.best & table.layer.isna()].groupby(["seed", "kind"])["error"].mean().unstack()
    quantity = "error on held-out images in per cent"
    return [
        *(level(errors[kind], where, "at the end", kind, Range(high=LEARNED), quantity, 2)
          for kind in (RELU, RELU_XAVIER)),
        *differences(area, where, "all records", [(RELU, RELU_XAVIER)], Range(high=0), "mean error in points"),
    ]  # fmt: skip


def _only_he_learns(table: pd.DataFrame, where: str) -> list[Part]:
    """He's at its best rate, Xavier's at every rate."""
    end = _at_end(table)
    quantity = "error on held-out images in per cent"
    best = end[end.best & (end.kind == RELU)].set_index("seed")["error"]
    xavier = end[end.kind == RELU_XAVIER]
    rates = sorted(xavier.learning_rate.unique())
    parts = [level(best, where, "at the end", RELU, Range(high=LEARNED), quantity)]
    return parts + [
        level(xavier[xavier.learning_rate == rate].set_index("seed")["error"], where, "at the end",
              f"{RELU_XAVIER}, rate {rate:g}", Range(low=LEARNED), quantity, len(rates)) for rate in rates
    ]  # fmt: skip


def _tailored_learns_faster(table: pd.DataFrame, where: str) -> list[Part]:
    curves = table[table.best & table.layer.isna()]
    area = curves.groupby(["seed", "kind"])["error"].mean().unstack()
    return differences(area, where, "all records", [(TAILORED, RELU)], Range(high=0), "mean error in points")


OPEN = (
    "The paper gives neither learning rate nor batch for these figures: momentum is 0.9, weight decay 0.0005, the "
    "batch 128, as in its large models, and the rate is the best of those tried, for each kind. "
    "Pixels are standardised. All but ReLU is ours; the tailored slope is solved from the depth, with no other choice."
)
FASTER = Finding(
    "zhang-tailored",
    "In a plain network of 30 layers a leaky rectifier with the slope that is tailored to its depth learns faster than "
    "ReLU.",
    "Mean error over all records, tailored slope less ReLU, each at its best rate: below 0 points. Zhang, Botev & "
    "Martens 2022 claim it of larger networks.",
    _tailored_learns_faster,
    "The paper is not He et al.'s. At 20 layers the tailored slope is 0.18138: Xu et al.'s 1/5.5 to three digits.",
)
DESK = ("model.width=8", "dataset.train_limit=30000", "learning_rate=[0.03,0.01]")
SMOKE = ("model.width=2", "dataset=digits", "dataset.valid_size=200", "dataset.train_limit=320", "train.epochs=2",
         "train.record_every=2", "train.batch_size=64", "probes.every=2", "learning_rate=[0.03,0.01]")  # fmt: skip
SMOKE_CUT = "2 channels in the first layer, 2 epochs on 320 digits of 8 x 8 pixels, 2 networks of each kind."

FIGURE2 = Item(
    name="figure2",
    shows="Error by epoch of a plain network of 22 layers, He's initialization against Xavier's.",
    paper_says="Top-1 error on 3,000 validation images of ImageNet over the first three epochs: both fall, He's "
    "earlier; at epoch 3 about 0.785 against 0.855.",
    scales={
        "paper": Scale(5, 40000, ("train.epochs=3", "learning_rate=[0.03,0.01,0.003]")),
        "desk": Scale(3, 70, ("train.epochs=2", *DESK),
                      "A twelfth of the width, 2 epochs on 30,000 images, two rates, 3 networks of each kind."),
        "smoke": Scale(2, 0.6, SMOKE, SMOKE_CUT),
    },
    plan=_plan(TWENTY_TWO),
    table=_table,
    figure=_figure(2, TWENTY_TWO),
    findings=(
        Finding(
            "he-22-layers",
            "With 22 layers both initializations let ReLU learn, He's faster.",
            f"Error on held-out images at the end with either: below {LEARNED:g} %; mean error over all records, He "
            "less Xavier: below 0 points.",
            _both_learn,
        ),
    ),
    open_points=OPEN,
)  # fmt: skip

FIGURE3 = Item(
    name="figure3",
    shows="Error by epoch of a plain network of 30 layers, He's initialization against Xavier's.",
    paper_says="Over about ten epochs He's falls to about 0.80, Xavier's stays a flat line at 1: its gradients vanish.",
    scales={
        "paper": Scale(5, 12000, ("train.epochs=10", "learning_rate=[0.03,0.01,0.003]")),
        "desk": Scale(3, 70, ("train.epochs=6", *DESK),
                      "An eighth of the width, 6 epochs on 30,000 images, two rates, 3 networks of each kind."),
        "smoke": Scale(2, 0.6, SMOKE, SMOKE_CUT),
    },
    plan=_plan(THIRTY),
    table=_table,
    figure=_figure(3, THIRTY),
    findings=(
        Finding(
            "he-30-layers",
            "With 30 layers ReLU learns with He's initialization and not with Xavier's.",
            f"Error on held-out images at the end: below {LEARNED:g} % with He's at its best rate, above with Xavier's "
            "at every rate that was tried.",
            _only_he_learns,
            "Others found ReLU with He's initialization stuck at 30 layers on ImageNet; it depends on the rate.",
        ),
        FASTER,
    ),
    open_points=OPEN,
)  # fmt: skip
