"""Lu, Shin, Su & Karniadakis 2020: networks that are born dead; and four ways for a unit to be of no use."""

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import ARTICLE, GREY, called, context, finish, legend, looks, ordered, panels
from activation_study.papers.item import Finding, Item, Made, Paper, Scale
from activation_study.papers.parts import level
from activation_study.seeds import generator

# ---- Networks that are born dead -----------------------------------------------------------------------------------

WIDTHS, DEPTH = (2, 4, 8), 50
POINTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50)  # depths that are kept
INPUTS, DIMENSIONS = 200, 10  # of the data set
NETWORKS = {"one input": 2000, "data set": 500}  # of every seed


def probability_dead(width: int, depth: int) -> float:
    """P(a ReLU network gives zero for one input): 1 - (1 - 2^-width)^depth.

    Weights are symmetric and biases zero, so each unit of a layer that gets anything is off with probability 1/2.
    """
    return 1 - (1 - 2.0**-width) ** depth


def born_dead(width: int, depth: int, networks: int, inputs: Tensor, seed: int) -> Tensor:
    """The share of random ReLU networks that give zero for all inputs, after each layer; shape (depth,).

    Args:
        width: of every hidden layer.
        depth: hidden layers.
        networks: that are drawn, with normal weights and zero biases.
        inputs: shape (inputs, dimensions).
        seed: of the draws.
    """
    stream = generator(seed, "born dead", width, len(inputs))
    x, shares = inputs.expand(networks, -1, -1), []
    for _ in range(depth):
        x = torch.relu(x @ torch.randn(networks, x.shape[2], width, generator=stream))
        largest = x.amax((1, 2), keepdim=True)
        x = x / largest.clamp(min=1e-30)  # which changes no sign, and keeps narrow networks within float32
        shares.append((largest == 0).float().mean())
    return torch.stack(shares)


def _born_dead_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, width, depth and seed: the share of networks born dead, and the probability of the formula."""
    rows = []
    for seed in range(scale.seeds):
        data = torch.randn(INPUTS, DIMENSIONS, generator=generator(seed, "inputs"))
        for kind, inputs in (("one input", data[:1]), ("data set", data)):
            networks = NETWORKS[kind] // (10 if scale.cut else 1)
            for width in WIDTHS:
                dead = born_dead(width, DEPTH, networks, inputs, seed)
                rows += [(kind, width, depth, seed, float(dead[depth - 1]), probability_dead(width, depth))
                         for depth in POINTS]  # fmt: skip
    return pd.DataFrame(rows, columns=["kind", "width", "depth", "seed", "dead", "formula"])


def _born_dead(table: pd.DataFrame, note: str) -> Figure:
    labels = {width: f"{width} units a layer" for width in WIDTHS}
    with context():
        figure, axes = panels(2, "hidden layers", "networks that give zero (%)", height=0.9)
        for ax, kind in zip(axes, ("one input", "data set"), strict=True):
            for width, label in labels.items():
                look = looks(labels.values())[label]
                shares = table[(table.kind == kind) & (table.width == width)].pivot(
                    index="seed", columns="depth", values="dead"
                )
                centre, low, high = (100 * ends for ends in statistics.means(shares, within=(0, 1)))
                ax.errorbar(shares.columns, centre, [centre - low, high - centre], color=look.color, linestyle="",
                            marker=look.marker, elinewidth=0.8)  # fmt: skip
                depths = range(1, DEPTH + 1)
                ax.plot(depths, [100 * probability_dead(width, depth) for depth in depths], color=look.color,
                        linewidth=1.2, linestyle="-" if kind == "one input" else (0, (3, 1.5)))  # fmt: skip
        axes[0].set_title("for one input")
        axes[1].set_title(f"for all of {INPUTS} inputs")
        legend(figure, labels.values(), {"exact": "-", "upper bound": (0, (3, 1.5))})
        drawn = r"lines: $1-(1-2^{-N})^L$; marks: random networks, with 95 % t intervals over seeds"
        return finish(figure, "ReLU networks that are born dead, after Lu et al. 2020", f"{drawn} · {note}")


def _by_formula(table: pd.DataFrame, where: str) -> list[Part]:
    rows = table[(table.kind == "one input") & table.depth.isin((10, 20, 50))]
    groups = (rows.dead - rows.formula).groupby([rows.width, rows.depth])
    return [level(values, where, f"{depth} layers", f"{width} wide", Range(-0.03, 0.03), "share dead, less the formula",
                  len(groups)) for (width, depth), values in groups]  # fmt: skip


def _below_bound(table: pd.DataFrame, where: str) -> list[Part]:
    rows = table[(table.kind == "data set") & table.depth.isin((10, 20)) & table.width.isin((2, 4))]
    groups = (rows.dead - rows.formula).groupby([rows.width, rows.depth])
    return [level(values, where, f"{depth} layers", f"{width} wide", Range(high=0), "share dead, less the formula",
                  len(groups)) for (width, depth), values in groups]  # fmt: skip


def _in_the_end(table: pd.DataFrame, where: str) -> list[Part]:
    deepest = table[(table.width == min(WIDTHS)) & (table.depth == DEPTH)]
    return [level(rows.dead, where, f"{DEPTH} layers, {kind}", f"{min(WIDTHS)} wide", Range(low=0.99), "share dead")
            for kind, rows in deepest.groupby("kind")]  # fmt: skip


BORN_DEAD = Item(
    name="born_dead",
    shows="How many ReLU networks give zero before any training, by depth and width.",
    paper_says="A ReLU network dies with a probability that tends to 1 as it gets deeper; for one input it is "
    "1 - (1 - 2^-N)^L with L layers of N units, which is an upper bound for a set of inputs.",
    scales={
        "paper": Scale(10, 2),
        "desk": Scale(5, 1),
        "smoke": Scale(2, 0.1, cut="A tenth of the networks."),
    },
    table=_born_dead_table,
    figure=_born_dead,
    findings=(
        Finding(
            "lu-formula",
            "For one input a ReLU network is born dead with probability 1 - (1 - 2^-N)^L.",
            "The share of random networks less that, at 10, 20 and 50 layers of 2, 4 and 8 units: within 0.03.",
            _by_formula,
        ),
        Finding(
            "lu-bound",
            "For a data set of many inputs that probability is an upper bound.",
            "The share of random networks that give zero for all of 200 inputs less that, at 10 and 20 layers of 2 and "
            "4 units: below 0.",
            _below_bound,
        ),
        Finding(
            "lu-depth",
            "The deeper, the surer is a ReLU network born dead.",
            "The share of networks of 50 layers of 2 units, for one input and for the data set: above 0.99.",
            _in_the_end,
        ),
    ),
    open_points="Weights are normal, biases zero; the inputs of the data set are standard normal in 10 dimensions. "
    "The asymmetric initialization that the paper proposes is not made.",
)  # fmt: skip

# ---- Dead, dormant, saturated, in the dead band --------------------------------------------------------------------

KINDS = (*ARTICLE, "gelu", "silu")
QUANTITIES = ("dead", "dormant_0", "dormant_10", "saturated", "dead_band")
TITLES = {"dead": "dead", "dormant_0": "dormant", "saturated": "saturated", "dead_band": "in the dead band"}
FEW = 0.1  # share below which units count as few


def _plan(scale: Scale) -> dict[str, list[str]]:
    shared = ("dataset=mnist", "model=mlp", "model.depth=4", "model.width=128", "optimizer.momentum=0",
              "learning_rate=0.1", "train.batch_size=64", "probes.every=0", "probes.also=units",
              "probes.also_every=1000")  # fmt: skip
    return {name: [*shared, f"activation={name}"] for name in KINDS}


def _four_kinds_table(made: Made, scale: Scale) -> pd.DataFrame:
    """Before and after training, by activation, seed and layer, the share of units or z of each kind."""
    units = made.table("units")
    keys = ["label", "seed", "epoch", "layer"]
    score = (units["size"] / units.groupby(keys)["size"].transform("mean")).fillna(0)  # of a layer that is all zero
    kinds = pd.DataFrame({
        "dead": units.active == 0, "dormant_0": score <= 0, "dormant_10": score <= 0.1, "saturated": 1 - units.free,
        "dead_band": units.dead_band,
    })  # fmt: skip
    table = kinds.astype(float).groupby([units[key] for key in keys]).mean().reset_index()
    return table[table.epoch.isin((0, table.epoch.max()))].rename(columns={"label": "activation"})


def _four_kinds(table: pd.DataFrame, note: str) -> Figure:
    names = ordered(table.activation)
    with context():
        figure, axes = panels(4, "", "", height=1.15)
        for ax, (kind, title) in zip(axes, TITLES.items(), strict=True):
            for row, (name, look) in enumerate(looks(names).items()):
                own = table[table.activation == name]
                _dot(ax, own[own.epoch == 0], kind, row + 0.22, GREY, "x")
                _dot(ax, own[own.epoch > 0], kind, row - 0.1, look.color, "o")
                if kind == "dormant_0":
                    _dot(ax, own[own.epoch > 0], "dormant_10", row - 0.32, look.color, "d")
            ax.set(title=title, xlabel="% of units" if kind in ("dead", "dormant_0") else "% of units and images")
            ax.set_xscale("function", functions=(np.sqrt, np.square))
            ax.set(xlim=(0, 105), xticks=(0, 1, 5, 20, 50, 100))
            ax.set(yticks=range(len(names)), yticklabels=[called(name) for name in names])
        axes[0].invert_yaxis()
        drawn = (
            "4 hidden layers · dots: trained, mean over networks with 95 % t interval; crosses: before · dead: z "
            "at most 0 for every image; dormant: mean size 0 (dots), or up to a tenth of the layer's (diamonds); "
            "saturated: share of units and images where f nears a bound; dead band: where "
            "|f'| < 0.001 · square-root axes"
        )
        return finish(figure, "Four ways for a unit to be of no use", f"{drawn} · {note}")


def _dot(ax: Axes, rows: pd.DataFrame, kind: str, height: float, color: str, marker: str) -> None:
    share = statistics.mean(100 * rows.groupby("seed")[kind].mean(), within=(0, 100))
    ends = [[share.value - share.low], [share.high - share.value]]
    ax.errorbar([share.value], [height], xerr=ends, color=color, marker=marker, markersize=4, elinewidth=0.8,
                clip_on=False)  # fmt: skip


def _few_dormant(table: pd.DataFrame, where: str) -> list[Part]:
    after = table[table.epoch > 0]
    dormant = after.groupby(["activation", "seed"])["dormant_10"].mean()
    return [level(dormant[name], where, "after training", name, Range(high=FEW), "share of dormant units", len(KINDS))
            for name in KINDS]  # fmt: skip


def _not_the_same(table: pd.DataFrame, where: str) -> list[Part]:
    after = table[table.epoch > 0].groupby(["activation", "seed"])[list(QUANTITIES)].mean()
    relu = after.loc["relu"]
    return [
        level(relu.dead_band - relu.dead, where, "after training", "relu", Range(low=0), "dead band less dead", 3),
        level(after.loc["elu"].saturated - after.loc["elu"].dead_band, where, "after training", "elu", Range(low=0),
              "saturated less dead band", 3),
        level(relu.dormant_10 - relu.dormant_0, where, "after training", "relu", Range(low=0),
              "dormant at a tenth less at 0", 3),
    ]  # fmt: skip


FOUR_KINDS = Item(
    name="four_kinds",
    shows="Units that are dead, dormant, saturated or in the dead band, before and after training, MNIST.",
    paper_says="Lu et al. and most others call a unit dead that is off for every input; Sokar et al. 2023 call it "
    "dormant where it is small beside its layer, and see few such units in ordinary supervised training; Lillo & "
    "Cheney 2026 count the inputs for which the slope is below 0.001. Saturation is an older word.",
    scales={
        "paper": Scale(10, 60, ("train.epochs=20",)),
        "desk": Scale(5, 12, ("train.epochs=3",), "3 epochs."),
        "smoke": Scale(2, 0.2, ("train.epochs=2", "model.width=16", "dataset=digits", "dataset.train_limit=512"),
                       "Small digits, 16 wide, 2 epochs."),
    },
    plan=_plan,
    table=_four_kinds_table,
    figure=_four_kinds,
    findings=(
        Finding(
            "sokar-few-dormant",
            "In ordinary supervised training few units are dormant.",
            f"Share of units whose mean size is at most a tenth of their layer's, after training: below {FEW:g} with "
            "every activation. The papers give no number.",
            _few_dormant,
        ),
        Finding(
            "four-kinds-differ",
            "Dead, dormant, saturated and in the dead band are different things.",
            "After training, dead band less dead (ReLU), saturated less dead band (ELU), dormant at a tenth less "
            "dormant at 0 (ReLU): each above 0.",
            _not_the_same,
        ),
    ),
    open_points="None of the papers has this figure; network, rate (0.1) and epochs are ours.",
)  # fmt: skip

PAPER = Paper(
    name="lu2020",
    reference="Lu, Shin, Su & Karniadakis, 2020: Dying ReLU and Initialization: Theory and Numerical Examples, CiCP",
    about="A deep and narrow ReLU network may give zero for every input before it is trained, and then never learns. "
    "Beside it, what others call dormant (Sokar et al. 2023), saturated, and in the dead band (Lillo & Cheney 2026).",
    items=(BORN_DEAD, FOUR_KINDS),
    source="Of the papers only abstracts and notes were read.",
)
