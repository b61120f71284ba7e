"""Tables 1 and 2: the slopes that PReLU learns in the network of 14 layers, and what they are good for."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import GREY, context, finish, legend, looks, panels
from activation_study.papers.he2015.setup import FOURTEEN, HE, begin, width_of
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.parts import differences, level

RELU, CHANNELS, SHARED = "relu", "prelu", "prelu, shared"
DECAYED = {"prelu, decayed": CHANNELS, "prelu, shared and decayed": SHARED}
DECAY = "optimizer.decay_by_kind={slope:1}"
KINDS = {
    RELU: ["activation=relu"],
    CHANNELS: ["activation=prelu"],
    SHARED: ["activation=prelu", "activation.shared=true"],
    "prelu, decayed": ["activation=prelu", DECAY],
    "prelu, shared and decayed": ["activation=prelu", "activation.shared=true", DECAY],
}
LAYERS = ("conv1", *(f"conv2_{n}" for n in range(1, 5)), *(f"conv3_{n}" for n in range(1, 7)), "fc1", "fc2")
PAPER_SLOPES = {
    SHARED: (0.681, 0.103, 0.099, 0.228, 0.561, 0.126, 0.089, 0.124, 0.062, 0.008, 0.210, 0.063, 0.031),
    CHANNELS: (0.596, 0.321, 0.204, 0.294, 0.464, 0.196, 0.152, 0.145, 0.124, 0.134, 0.198, 0.074, 0.075),
}
PAPER_ERRORS = {RELU: 33.82, SHARED: 32.71, CHANNELS: 32.64}  # top 1, ten views


def _plan(scale: Scale) -> dict[str, list[str]]:
    shared = (f"dataset={scale.value('dataset') or 'cifar10'}", "dataset.valid_size=0",
              "dataset.augment={padding:4,flip:true}", "learning_rate=0.01", "train.batch_size=128",
              "optimizer.momentum=0.9", "optimizer.weight_decay=0.0005", "probes.every=1000")  # fmt: skip
    width = width_of(scale, FOURTEEN)
    return {label: [*shared, *kind, *begin(FOURTEEN, HE, width), f"model.width={width}"]
            for label, kind in KINDS.items()}  # fmt: skip


def _slopes_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind of PReLU, seed and layer: the mean slope after training."""
    layers = made.table("layers")
    last = layers[(layers.step == layers.step.max()) & layers.learned_slope.notna()]
    table = last[["label", "seed", "layer", "learned_slope"]]
    return table.rename(columns={"label": "kind", "learned_slope": "slope"}).reset_index(drop=True)


def _slopes_figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "", "slope after training", height=0.9)
        for ax, kinds in zip(axes, ((CHANNELS, "prelu, decayed"), (SHARED, "prelu, shared and decayed")), strict=True):
            for kind, look in looks(kinds).items():
                mean = table[table.kind == kind].groupby("layer")["slope"].mean()
                ax.plot(mean.index, mean, color=look.color, linestyle=look.dashes, marker=look.marker, linewidth=1.2)
            ax.plot(range(1, len(LAYERS) + 1), PAPER_SLOPES[kinds[0]], "o", color=GREY, fillstyle="none")
            ax.set_xticks(range(1, len(LAYERS) + 1), LAYERS, rotation=90)
            ax.set_title({CHANNELS: "one for each channel", SHARED: "one for each layer"}[kinds[0]])
        legend(figure, table.kind)
        drawn = "PReLU, 14 weight layers, means over channels and seeds · rings: the paper's, on ImageNet"
        return finish(figure, "He et al. 2015, Table 1, on CIFAR-10", f"{drawn} · {note}")


def _slopes_cells(table: pd.DataFrame) -> list[Cell]:
    cells = []
    for kind, paper in PAPER_SLOPES.items():
        slopes = _by_layer(table, kind)
        for layer, (name, value) in enumerate(zip(LAYERS, paper, strict=True), 1):
            ours = statistics.mean(slopes[layer])
            cells.append(Cell(f"slope of {name}, {kind}", value, ours, len(slopes), digits=3, alike=False))
    return cells


def _by_layer(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One row per seed, one column per layer."""
    return table[table.kind == kind].astype({"slope": float}).pivot(index="seed", columns="layer", values="slope")


def _first_is_largest(table: pd.DataFrame, where: str) -> list[Part]:
    parts = []
    for kind in PAPER_SLOPES:
        slopes = _by_layer(table, kind)
        found = pd.DataFrame({"layer 1": slopes[1], "largest of the others": slopes.drop(columns=1).max(axis=1)})
        parts += differences(found, where, kind, [("layer 1", "largest of the others")], Range(low=0), "slope",
                             len(PAPER_SLOPES))  # fmt: skip
    return parts


def _falls_with_depth(table: pd.DataFrame, where: str) -> list[Part]:
    return [
        level(
            _rank_correlation(table),
            where,
            "after training",
            CHANNELS,
            Range(high=0),
            "rank correlation of slope and layer",
        )
    ]


def _rank_correlation(table: pd.DataFrame) -> pd.Series:
    ranks = _by_layer(table, CHANNELS).rank(axis=1)
    places = pd.Series(range(1, ranks.shape[1] + 1), ranks.columns, dtype=float)
    return ranks.apply(lambda row: row.corr(places), axis=1)


def _rarely_above_one(table: pd.DataFrame, where: str) -> list[Part]:
    return [level(_by_layer(table, kind).max(axis=1), where, "after training", kind, Range(high=1),
                  "largest mean slope of a layer", len(PAPER_SLOPES)) for kind in PAPER_SLOPES]  # fmt: skip


def _decay_shrinks(table: pd.DataFrame, where: str) -> list[Part]:
    mean = table.assign(slope=table.slope.abs()).groupby(["seed", "kind"])["slope"].mean().unstack()
    pairs = list(DECAYED.items())
    return differences(mean, where, "after training", pairs, Range(high=0), "mean size of the slopes")


def _errors_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind and seed: error on the test images, and on training images."""
    metrics = made.table("metrics")
    last = metrics[metrics.epoch == metrics.epoch.max()]
    error = 100 * (1 - last.accuracy.fillna(0))
    wide = last.assign(error=error).pivot(index=["label", "seed"], columns="split", values="error")
    return wide[["train", "test"]].reset_index().rename(columns={"label": "kind"})


def _errors_figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "", "error (%)", sharey=False, height=0.9)
        for ax, split in zip(axes, ("train", "test"), strict=True):
            for place, (kind, look) in enumerate(looks(table.kind).items()):
                found = statistics.mean(table[table.kind == kind][split])
                bars = [[found.value - found.low], [found.high - found.value]]
                ax.errorbar([place], [found.value], bars, color=look.color, marker=look.marker, linestyle="")
            ax.set_xticks([])
            ax.set_title({"train": "training images", "test": "test images"}[split])
        legend(figure, table.kind)
        drawn = "14 weight layers · points: mean, bars: 95 % t interval"
        return finish(figure, "He et al. 2015, Table 2, on CIFAR-10", f"{drawn} · {note}")


def _errors_cells(table: pd.DataFrame) -> list[Cell]:
    errors = table.pivot(index="seed", columns="kind", values="test")
    return [Cell(f"test error, {kind} less relu", PAPER_ERRORS[kind] - PAPER_ERRORS[RELU],
                 statistics.difference(errors[kind], errors[RELU]), len(errors), unit="points", alike=False)
            for kind in (SHARED, CHANNELS)]  # fmt: skip


def _prelu_wins(table: pd.DataFrame, where: str) -> list[Part]:
    return _test_differences(table, where, [(SHARED, RELU), (CHANNELS, RELU)], Range(high=0))


def _sharing_hardly_matters(table: pd.DataFrame, where: str) -> list[Part]:
    return _test_differences(table, where, [(SHARED, CHANNELS)], Range(-0.5, 0.5))


def _test_differences(table: pd.DataFrame, where: str, pairs: Sequence[tuple[str, str]], claimed: Range) -> list[Part]:
    errors = table.pivot(index="seed", columns="kind", values="test")
    return differences(errors, where, "at the end", pairs, claimed, "test error in points")


PUBLISHED = ("train.epochs=75", "optimizer.milestones=[40,60]")
DESK = ("train.epochs=8", "optimizer.milestones=[5,7]", "model.width=16")
DESK_CUT = "A quarter of the width, 8 epochs instead of 75, 3 networks of each kind."
SMOKE = ("train.epochs=2", "model.width=2", "dataset=digits", "dataset.train_limit=320", "dataset.valid_size=100",
         "train.batch_size=64", "optimizer.milestones=[1]", "probes.every=2")  # fmt: skip
SMOKE_CUT = "2 channels in the first layer, 2 epochs on 320 digits of 8 x 8 pixels, 2 networks of each kind."
OPEN = (
    "The rate is 0.01 and falls to a tenth twice, as for the paper's large models; images "
    "are moved by up to four pixels and flipped, in place of the paper's crops of a larger image, and seen once in "
    "testing. All 50,000 training images are learned."
)

TABLE1 = Item(
    name="table1",
    shows="The slopes that PReLU learns, layer by layer, with and without weight decay on them.",
    paper_says="With one slope a layer 0.681 in the first and 0.008 to 0.561 in the others; with one a channel 0.596 "
    "in the first, and means that fall towards 0.07 in the dense layers. Slopes are not decayed, for decay would pull "
    "them to zero, and still rarely exceed 1.",
    scales={
        "paper": Scale(5, 2600, PUBLISHED),
        "desk": Scale(3, 80, DESK, DESK_CUT),
        "smoke": Scale(2, 0.5, SMOKE, SMOKE_CUT),
    },
    plan=_plan,
    table=_slopes_table,
    figure=_slopes_figure,
    cells=_slopes_cells,
    findings=(
        Finding(
            "he-first-slope",
            "The first layer learns the largest slope.",
            "Mean slope of layer 1 less the largest of the other layers, shared and by channel: above 0.",
            _first_is_largest,
        ),
        Finding(
            "he-slopes-fall",
            "With one slope for each channel, deeper layers learn smaller ones.",
            "Spearman's rank correlation of a layer's mean slope and its number: below 0.",
            _falls_with_depth,
        ),
        Finding(
            "he-slopes-below-one",
            "Slopes stay below 1 without being held there.",
            "The largest layer's mean slope, shared and by channel: below 1.",
            _rarely_above_one,
        ),
        Finding(
            "he-slope-decay",
            "Weight decay on the slopes pulls them towards zero.",
            "Mean size of the slopes over all layers, decayed less not decayed: below 0.",
            _decay_shrinks,
        ),
    ),
    open_points=OPEN,
)  # fmt: skip

TABLE2 = Item(
    name="table2",
    shows="Test error with ReLU and with PReLU, one slope a layer or one a channel.",
    paper_says="On ImageNet, top 1 and ten views: ReLU 33.82 %, PReLU with one slope a layer 32.71 %, with one a "
    "channel 32.64 %.",
    scales=TABLE1.scales,
    plan=_plan,
    table=_errors_table,
    figure=_errors_figure,
    cells=_errors_cells,
    findings=(
        Finding(
            "he-prelu-wins",
            "PReLU makes fewer errors than ReLU, with one slope a layer and with one a channel.",
            "Test error, PReLU less ReLU: below 0 points.",
            _prelu_wins,
        ),
        Finding(
            "he-sharing",
            "It hardly matters whether the channels of a layer share their slope.",
            "Test error, shared less by channel: within half a point.",
            _sharing_hardly_matters,
        ),
    ),
    open_points=OPEN,
)
