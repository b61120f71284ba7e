"""Figures 4 and 5: the network of 11 layers on CIFAR-100, with and without batch normalisation."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import GREY, context, finish, legend, log_ticks, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.parts import Pairs, differences

# LReLU's slope is 0.1 in this paper; its SReLU is the ReLU shifted to begin at -1.
KINDS = {
    "elu": "activation=elu",
    "shifted_relu": "activation=shifted_relu",
    "lrelu": "activation=lrelu activation.slope=0.1",
    "relu": "activation=relu",
}
NORMALISED = ", normalised"
FINAL = {"elu": 28.75, "shifted_relu": 29.35, "lrelu": 30.59, "relu": 31.56}  # test error in per cent, printed
UPDATES = 165_000
# Figure 4, read off: training loss and test error in per cent, by thousands of updates.
LOSS_AT = (0.5, 2, 5, 10, 15, 20, 30, 35, 40, 60, 84, 100, 130, 160)
LOSS = {
    "relu": (4.32, 3.69, 2.74, 2.10, 1.77, 1.57, 1.31, 1.24, 1.05, 0.92, 0.81, 0.61, 0.56, 0.53),
    "lrelu": (4.30, 3.44, 2.48, 1.86, 1.57, 1.38, 1.15, 1.07, 0.87, 0.80, 0.75, 0.55, 0.51, 0.49),
    "shifted_relu": (3.02, 2.56, 2.10, 1.84, 1.67, 1.58, 1.47, 1.44, 1.03, 0.83, 0.70, 0.49, 0.42, 0.40),
    "elu": (3.09, 2.40, 1.93, 1.57, 1.42, 1.30, 1.16, 1.13, 0.80, 0.69, 0.62, 0.41, 0.36, 0.35),
}
ERROR_AT = (2, 5, 10, 15, 20, 30, 35, 40, 60, 84, 100, 130, 160)
ERROR = {
    "relu": (92.1, 69.9, 54.8, 48.3, 44.8, 41.5, 40.6, 37.9, 36.2, 35.4, 32.2, 32.1, 31.5),
    "lrelu": (87.3, 64.8, 49.9, 44.4, 41.7, 38.9, 38.3, 35.6, 34.4, 34.0, 31.1, 31.0, 30.7),
    "shifted_relu": (62.1, 52.5, 47.3, 45.0, 43.4, 42.1, 41.4, 36.4, 33.6, 33.0, 29.9, 29.6, 29.4),
    "elu": (59.9, 49.1, 43.0, 40.7, 39.2, 37.7, 37.0, 33.4, 32.3, 32.1, 29.1, 29.0, 28.8),
}
TRAINING = ("model=elu_net", "dataset.preprocessing=gcn_zca", "dataset.augment={padding:4,flip:true}",
            "dataset.valid_size=0", "init=he", "train.batch_size=100", "learning_rate=0.01", "optimizer.momentum=0.9",
            "optimizer.weight_decay=0.0005", "optimizer.milestones=[35000,85000,135000]",
            "optimizer.factors=[0.5,0.05,0.005]", "optimizer.counted_in=steps", "train.record_every=500",
            "probes.every=0")  # fmt: skip


def _figure4_plan(scale: Scale) -> dict[str, list[str]]:
    dataset = f"dataset={scale.value('dataset') or 'cifar100'}"
    return {name: [*TRAINING, dataset, *chosen.split()] for name, chosen in KINDS.items()}


def _figure5_plan(scale: Scale) -> dict[str, list[str]]:
    bare = _figure4_plan(scale)
    return bare | {f"{name}{NORMALISED}": [*chosen, "model.batch_norm=true"] for name, chosen in bare.items()}


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, seed and update: loss on training images, and after the last update test error in per cent."""
    metrics = made.table("metrics")
    keys = ["label", "seed", "step"]
    loss = metrics[metrics.split == "train"].set_index(keys)["loss"].rename("loss")
    test = metrics[metrics.split == "test"].set_index(keys)
    error = (100 * (1 - test.accuracy.fillna(0))).rename("error")
    table = pd.concat([loss, error], axis=1).reset_index().rename(columns={"label": "kind"})
    return table.assign(published=scale.value("model.width") is None)


def _final(table: pd.DataFrame) -> pd.DataFrame:
    """Test error after the last update, one row per seed, one column per kind."""
    return table[table.error.notna()].pivot(index="seed", columns="kind", values="error").astype(float)


def wilcoxon(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """One-sided p of the signed-rank test that ours are lower, exact, paired."""
    from scipy.stats import wilcoxon as test  # takes half a second to import

    return float(test(ours, theirs, alternative="less", method="exact").pvalue)


def _p_in_words(table: pd.DataFrame) -> str:
    final = _final(table).dropna()
    told = ", ".join(f"{other} {wilcoxon(final['elu'], final[other]):.2g}" for other in KINDS if other != "elu")
    return f"Wilcoxon's signed ranks, ELU below each, one-sided p: {told} (n = {len(final)})"


def _losses(ax: Axes, table: pd.DataFrame, with_paper: bool) -> None:
    for kind, look in looks(table.kind).items():
        rows = table[table.kind == kind].groupby("step")["loss"]
        mean, spread = rows.mean(), rows.std()
        ax.plot(mean.index / 1000, mean, color=look.color, linestyle=look.dashes, linewidth=1.2)
        ax.fill_between(mean.index / 1000, mean - spread, mean + spread, color=look.color, alpha=0.15, linewidth=0)
        if with_paper:
            _rings(ax, LOSS_AT, LOSS[kind], look.color, table.step.max())
    ax.set_yscale("log")
    log_ticks(ax.yaxis)
    ax.set(xlabel="updates (thousands)", ylabel="cross-entropy, training images (nats)")


def _rings(ax: Axes, at: Sequence[float], values: Sequence[float], color: str, last: float) -> None:
    shown = [(x, y) for x, y in zip(at, values, strict=True) if 1000 * x <= 1.5 * last]
    if shown:
        ax.plot(*zip(*shown, strict=True), "o", color=color, fillstyle="none", markersize=4)


def _errors(ax: Axes, table: pd.DataFrame, with_paper: bool) -> None:
    final, last = _final(table), table.step.max()
    for place, (kind, look) in enumerate(looks(final.columns).items()):
        value, low, high = statistics.mean(final[kind], within=(0, 100))
        x = last / 1000 * (1 + 0.015 * place) if with_paper else place
        ax.plot([x, x], [low, high], color=look.color, linewidth=1)
        ax.plot([x], [value], color=look.color, marker=look.marker)
        if with_paper:
            _rings(ax, ERROR_AT, ERROR[kind], look.color, last)
    ax.set_ylabel("error on test images (%)")
    if with_paper:
        ax.set_xlabel("updates (thousands)")
    else:
        ax.set_xticks([])


def _figure4(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "", "", sharex=False, sharey=False, height=0.9)
        _losses(axes[0], table, True)
        _errors(axes[1], table, True)
        legend(figure, table.kind)
        drawn = f"11 layers · bands: standard deviation, bars: 95 % t interval · rings: the paper's, read off · " \
                f"{_p_in_words(table)}"  # fmt: skip
        return finish(figure, "Clevert et al. 2016, Figure 4", f"{drawn} · {note}")


def figure5(table: pd.DataFrame, note: str, title: str = "Clevert et al. 2016, Figure 5") -> Figure:
    """Training losses of ELU against each other kind, with and without normalisation, and all errors."""
    with context():
        figure, axes = panels(4, "", "", sharex=False, sharey=False, height=0.95)
        for ax, other in zip(axes, [kind for kind in KINDS if kind != "elu"], strict=False):
            pair = ["elu", other, f"elu{NORMALISED}", f"{other}{NORMALISED}"]
            _losses(ax, table[table.kind.isin(pair)], False)
            ax.set_title(f"ELU and {other}")
        _errors(axes[3], table, False)
        axes[3].set_title("at the end")
        axes[3].axhline(_final(table)["elu"].mean(), color=GREY, linewidth=0.6)
        legend(figure, table.kind)
        drawn = f"11 layers · bands: standard deviation, bars: 95 % t interval · {_p_in_words(table)}"
        return finish(figure, title, f"{drawn} · {note}")


def _cells(table: pd.DataFrame) -> list[Cell]:
    """Where the runs ended: the paper's printed errors after all updates, or what its figure has at that update."""
    alike, last, final = bool(table.published.all()), int(table.step.max()), _final(table)
    cells = []
    for kind in KINDS:
        ours = statistics.mean(final[kind], within=(0, 100))
        if last == UPDATES:
            cells.append(Cell(f"test error, {kind}", FINAL[kind], ours, len(final), unit="%", alike=alike))
        elif last / 1000 in ERROR_AT:
            paper = ERROR[kind][ERROR_AT.index(last / 1000)]
            cells.append(Cell(f"test error after {last:,} updates, {kind}", paper, ours, len(final), "read off", "%",
                              1, alike))  # fmt: skip
        if last / 1000 in LOSS_AT:
            losses = table[(table.kind == kind) & (table.step == last)]["loss"]
            cells.append(Cell(f"training loss after {last:,} updates, {kind}", LOSS[kind][LOSS_AT.index(last / 1000)],
                              statistics.mean(losses), len(losses), "read off", "nats", 2, alike))  # fmt: skip
    return cells


def _compared(table: pd.DataFrame, where: str, pairs: Pairs, claimed: Range) -> list[Part]:
    at = f"after {table.step.max():,} updates"
    return differences(_final(table), where, at, pairs, claimed, "test error in points")


def _order(table: pd.DataFrame, where: str) -> list[Part]:
    return _compared(table, where, [("elu", "shifted_relu"), ("shifted_relu", "lrelu"), ("lrelu", "relu")],
                     Range(high=0))  # fmt: skip


ORDER = "ELU makes the fewest errors on unseen images, then the shifted ReLU, LReLU and ReLU."
TESTED = ("Test error after the last update, each less the next: below 0 points.", _order)


def _helps_rectifiers(table: pd.DataFrame, where: str) -> list[Part]:
    return _compared(table, where, [(f"{name}{NORMALISED}", name) for name in ("relu", "lrelu")], Range(high=0))


def _helps_no_others(table: pd.DataFrame, where: str) -> list[Part]:
    return _compared(table, where, [(f"{name}{NORMALISED}", name) for name in ("elu", "shifted_relu")],
                     Range(low=-0.5))  # fmt: skip


def _beats_normalised(table: pd.DataFrame, where: str) -> list[Part]:
    return _compared(table, where, [("elu", f"relu{NORMALISED}")], Range(high=0))


OPEN = (
    "Of the network of 11 layers the paper leaves open the batch (100 is that of its larger network, and fits its "
    "epochs), the initialization (He's with fan-in here, the same draw for every kind), and what 2x2 kernels see at a "
    "border. Here they see zeros on the right and below, and each of the first five stacks is pooled; an independent "
    "version without borders pools stacks 2 to 5 (model.padded=false) and takes 3.6 times as long. Losses are those of "
    "10,000 training images in evaluation mode, without dropout. All 50,000 training images are learned, and the test "
    "images read once, after the last update: the error of a run that is stopped earlier is that of its last update."
)
DESK = Scale(3, 100, ("train.epochs=4", "model.width=48"),
             "A quarter of the width, 2,000 updates instead of 165,000, 3 networks of each kind, not 10.")  # fmt: skip
SMOKE = ("train.epochs=2", "model.width=6", "dataset=digits", "dataset.train_limit=200", "dataset.valid_size=100",
         "train.batch_size=50", "train.record_every=4", "dataset.preprocessing=standardize")  # fmt: skip
SMOKE_CUT = "6 channels in the first layer, 8 updates on 200 digits of 8 x 8 pixels, 2 networks of each kind."

FIGURE4 = Item(
    name="figure4",
    shows="Training loss and test error over the updates, CIFAR-100, network of 11 layers.",
    paper_says="After 165,000 updates test errors are 28.75 % (ELU), 29.35 (SReLU, a ReLU shifted to begin at -1), "
    "30.59 (LReLU, slope 0.1) and 31.56 (ReLU), means of 10 networks, p < 0.001 by Wilcoxon's test. After 5,000 they "
    "are 49.1, 52.5, 64.8 and 69.9 %; ELU is lowest from 2,000 on.",
    scales={
        "paper": Scale(10, 180_000, ("train.epochs=330",)),
        "desk": replace(DESK, minutes=50),
        "smoke": Scale(2, 0.4, SMOKE, SMOKE_CUT),
    },
    plan=_figure4_plan,
    table=_table,
    figure=_figure4,
    cells=_cells,
    findings=(
        Finding("clevert-order", ORDER, *TESTED),
    ),
)  # fmt: skip

FIGURE5 = Item(
    name="figure5",
    shows="The network of 11 layers with and without batch normalisation, CIFAR-100.",
    paper_says="Batch normalisation improves ReLU and LReLU and does not improve ELU and SReLU; ELU without it makes "
    "fewer errors than ReLU with it (p < 0.001). Its numbers are curves only.",
    scales={
        "paper": Scale(10, 380_000, ("train.epochs=330",)),
        "desk": DESK,
        "smoke": Scale(2, 0.8, SMOKE, SMOKE_CUT),
    },
    plan=_figure5_plan,
    table=_table,
    figure=figure5,
    findings=(
        Finding(
            "clevert-norm-helps",
            "Batch normalisation helps ReLU and LReLU.",
            "Test error after the last update, with less without it: below 0 points.",
            _helps_rectifiers,
        ),
        Finding(
            "clevert-norm-no-help",
            "Batch normalisation does not help ELU and the shifted ReLU.",
            "Test error after the last update, with less without it: above -0.5 points.",
            _helps_no_others,
        ),
        Finding(
            "clevert-elu-beats-norm",
            "ELU without batch normalisation makes fewer errors than ReLU with it.",
            "Test error after the last update, ELU less normalised ReLU: below 0 points.",
            _beats_normalised,
        ),
    ),
)  # fmt: skip
