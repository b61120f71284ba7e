"""Schoenholz et al. 2017, with Poole et al. 2016 and Hayou et al. 2019: how deep a signal gets in a random network."""

import math

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from activation_study.activations import build
from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import GREY, called, context, finish, legend, log_ticks, looks, ordered, panels
from activation_study.networks.initialization import SCALED_VARIANCE, Initialization
from activation_study.networks.layers import Stack
from activation_study.networks.mean_field import WideNetwork, edge_at, edge_of_chaos
from activation_study.papers.item import Finding, Item, Made, Paper, Scale
from activation_study.papers.parts import differences, exact, level
from activation_study.seeds import Noise, generator

PAPERS_OWN = ("tanh", "relu", "elu", "silu")  # Hayou et al.'s; Schoenholz et al. have tanh
ADDED = ("sigmoid", "lrelu", "vlrelu", "prelu", "rrelu", "softsign", "selu", "gelu")
BIAS_STD = 0.2  # of the point on each edge that is looked at, but for rectifiers, whose edge has none


def on_the_edge(activation: str) -> WideNetwork:
    """The network on the edge of chaos with biases of BIAS_STD, or without where there is none with them."""
    network = edge_of_chaos(build(activation), BIAS_STD) or edge_of_chaos(build(activation), 0.0)
    assert network is not None, activation
    return network


# ---- The maps ------------------------------------------------------------------------------------------------------


def _maps_table(made: Made, scale: Scale) -> pd.DataFrame:
    """Curves of every activation, x and y by kind: map, chi, scale (in layers) and edge (sigma_b over sigma_w)."""
    points = 9 if scale.cut else 61
    rows = []
    for name in ordered((*PAPERS_OWN, *ADDED)):
        activation, edge = build(name), on_the_edge(name)
        for c in np.linspace(0, 1, 21):
            rows.append((name, "map", c, edge.correlation(c)))
        for sigma_w in np.geomspace(0.5, 4, points):
            network = WideNetwork(activation, sigma_w, BIAS_STD)
            rows.append((name, "chi", sigma_w, network.chi))
            rows.append((name, "scale", sigma_w, network.depth_scale))
        on_edge = [edge_of_chaos(activation, 0.0), *(edge_at(activation, q) for q in np.geomspace(1e-3, 1e3, points))]
        rows += [(name, "edge", point.sigma_w, point.sigma_b) for point in on_edge if point]
    return pd.DataFrame(rows, columns=["activation", "kind", "x", "y"]).round(9).drop_duplicates()


def _maps(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(4, "", "", sharex=False, sharey=False, height=0.95)
        for ax, kind in zip(axes, ("map", "chi", "scale", "edge"), strict=True):
            rows = table[(table.kind == kind) & np.isfinite(table.y)]
            for name, look in looks(table.activation).items():
                x, y = (rows[rows.activation == name][axis] for axis in "xy")
                ax.plot(x, y, color=look.color, linestyle=look.dashes, linewidth=1.2,
                        marker=look.marker if len(x) == 1 else "", markersize=5)  # fmt: skip
        axes[0].plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
        axes[0].set(title="correlation map on the edge", xlabel="correlation in a layer", ylabel="in the next layer")
        axes[1].axhline(1, color=GREY, linewidth=0.6)
        axes[1].set(title="gradient factor", xlabel=r"$\sigma_w$", ylabel=r"$\chi$", yscale="log")
        axes[2].set(title="depth scale", xlabel=r"$\sigma_w$", ylabel="layers", yscale="log", ylim=(0.2, 2000))
        axes[3].set(title="edge of chaos", xlabel=r"$\sigma_w$", ylabel=r"$\sigma_b$", xlim=(0.6, 4), ylim=(-0.05, 1.5))
        legend(figure, table.activation)
        drawn = (
            rf"map at $\sigma_b$ = {BIAS_STD} (0 for rectifiers); $\chi$ and $\xi$ with $\sigma_b$ = {BIAS_STD}; "
            r"where $\xi$ is infinite it is not drawn; a rectifier's edge is one point, the sigmoid's begins at "
            r"$\sigma_w$ = 10.1, outside"
        )
        return finish(figure, "Wide random networks, after Schoenholz et al. 2017 and Hayou et al. 2019",
                      f"{drawn} · {note}")  # fmt: skip


# sigma_b^2 and sigma_w^2 of points on tanh's edge as they circulate, and half a unit of their last digit.
PUBLISHED = ((0.05, 1.76, 0.005), (2.01e-5, 1.05, 0.005))


def _published_edge(table: pd.DataFrame, where: str) -> list[Part]:
    parts = []
    for bias_variance, published, within in PUBLISHED:
        network = edge_of_chaos(build("tanh"), math.sqrt(bias_variance))
        assert network is not None
        claimed = Range(published - within, published + within)
        parts.append(exact(network.sigma_w**2, where, f"sigma_b^2 = {bias_variance:g}", "tanh", claimed, "sigma_w^2"))
    return parts


MAPS = Item(
    name="maps",
    shows="Of every activation in wide random networks: how correlations of two inputs change from layer to layer, "
    "the factor of the squared gradient and the depth scale by the size of the weights, and the edge of chaos.",
    paper_says="Below the edge of chaos inputs become alike and gradients vanish, above it they become unlike and "
    "gradients explode; the depth scale diverges at the edge, on a line through the plane of weights and biases "
    "(Schoenholz et al., tanh). ReLU's edge is a single point, without biases (Hayou et al.).",
    scales={
        "paper": Scale(1, 4),
        "desk": Scale(1, 4),
        "smoke": Scale(1, 0.6, cut="A coarse grid."),
    },
    table=_maps_table,
    figure=_maps,
    findings=(
        Finding(
            "schoenholz-edge",
            "The edge of chaos of tanh lies at weights of variance 1.76 with biases of variance 0.05.",
            "sigma_w^2 by quadrature: 1.755 to 1.765; and 1.045 to 1.055 where sigma_b^2 is 2.01e-5.",
            _published_edge,
            remark="Both pairs are from memory.",
        ),
    ),
    open_points="RReLU counts by the mean and variance of its slopes; the draws of two inputs are independent, so "
    "they do not become wholly alike even on the edge.",
)  # fmt: skip

# ---- How fast inputs become alike on the edge ----------------------------------------------------------------------

SMOOTH = ("sigmoid", "tanh", "elu", "softsign", "gelu", "silu")
KINKED = ("relu", "lrelu", "vlrelu", "prelu", "rrelu", "selu")
DRIFTING = ("gelu", "silu")  # on their edge the variance leaves its fixed point, so no network stays there
INPUTS = 8
LAYERS = (10, 50)  # where networks and theory are compared
DEPTH_SCALES = {
    "paper": Scale(10, 6),
    "desk": Scale(5, 3, cut="5 networks of each kind."),
    "smoke": Scale(2, 0.1, cut="2 networks, 100 wide and 50 deep; theory to 60 layers."),
}


@torch.no_grad()
def simulated(activation: str, seeds: list[int], width: int, layers: int) -> Tensor:
    """Mean correlation of the pre-activations of inputs that begin uncorrelated, in networks on the edge of chaos.

    Returns:
        Shape (seeds, layers), over all pairs of INPUTS inputs.
    """
    edge = on_the_edge(activation)
    noise = Noise(seeds)
    noise.at(0)
    stack = Stack(seeds, lambda: build(activation), Initialization("edge_of_chaos", bias_std=edge.sigma_b), noise)
    # On a rectifier's edge any variance will do.
    z = torch.stack([torch.randn(INPUTS, width, generator=generator(seed, "inputs")) for seed in seeds]) * edge.q**0.5
    found = []
    for _ in range(layers):
        z = stack.linear(width, width)(stack.activation(width)(z))
        length = z.square().sum(2, keepdim=True).sqrt()
        alike = (z / length) @ (z / length).mT
        found.append((alike.sum((1, 2)) - INPUTS) / (INPUTS * (INPUTS - 1)))
    return torch.stack(found, 1)


def _depth_scales_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation and layer, how far the correlation is from 1: in theory (seed -1), and in every network."""
    is_smoke = scale == DEPTH_SCALES["smoke"]
    deep, width = (60, 100) if is_smoke else (400, 1000)
    rows = []
    for name in (*SMOOTH, *KINKED):
        theory = on_the_edge(name).correlations(deep)
        rows += [(name, -1, layer, 1 - theory[layer - 1]) for layer in _chosen(deep)]
        if name not in DRIFTING:
            measured = simulated(name, list(range(scale.seeds)), width, max(LAYERS))
            rows += [(name, seed, layer, 1 - float(measured[seed, layer - 1]))
                     for seed in range(scale.seeds) for layer in _chosen(max(LAYERS))]  # fmt: skip
    return pd.DataFrame(rows, columns=["activation", "seed", "layer", "distance"])


def _chosen(deep: int) -> list[int]:
    few = {round(layer) for layer in np.geomspace(1, deep, 24)} | {*LAYERS, deep, deep // 2}
    return sorted(layer for layer in few if layer <= deep)


def _depth_scales(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "layer", "distance of the correlation from 1", sharey=True, height=0.95)
        for ax, names, power in ((axes[0], SMOOTH, 1), (axes[1], KINKED, 2)):
            _approach_panel(ax, table[table.activation.isin(names)], power)
        axes[0].set_title("smooth: 1 / layers")
        axes[1].set_title("with a kink: 1 / layers²")
        legend(figure, table.activation)
        drawn = (
            "lines: theory; marks: means over random networks; dotted: the power of the title; RReLU's draws keep "
            "inputs apart for good; no marks where the variance is not stable on the edge (GELU, SiLU)"
        )
        return finish(figure, "How fast inputs become alike on the edge of chaos, after Hayou et al. 2019",
                      f"{drawn} · {note}")  # fmt: skip


def _approach_panel(ax: Axes, rows: pd.DataFrame, power: int) -> None:
    for name, look in looks(rows.activation).items():
        own = rows[rows.activation == name]
        theory, measured = own[own.seed == -1], own[own.seed >= 0].groupby("layer")["distance"].mean()
        ax.plot(theory.layer, theory.distance, color=look.color, linestyle=look.dashes, linewidth=1.2)
        ax.plot(measured.index, measured, color=look.color, linestyle="", marker=look.marker, markersize=3.5)
    layers = np.array([rows.layer.max() / 8, rows.layer.max()])
    ax.plot(layers, 0.5 * (layers / layers[0]) ** -power, color=GREY, linestyle=(0, (1, 2)), linewidth=1.5)
    ax.set(xscale="log", yscale="log", ylim=(5e-4, 1.2))


def _powers(table: pd.DataFrame, where: str) -> list[Part]:
    """The power with which the distance falls over the last doubling of the depth, in theory."""
    parts = []
    theory = table[table.seed == -1].set_index(["activation", "layer"])["distance"]
    for name in (*SMOOTH, *KINKED):
        if name == "rrelu":
            continue
        deep = theory[name].index.max()
        power = -math.log2(theory[name, deep] / theory[name, deep // 2])
        claimed = Range(high=1.5) if name in SMOOTH else Range(low=1.5)
        parts.append(exact(power, where, f"layers {deep // 2} to {deep}", name, claimed, "power of the layer"))
    return parts


def _further_apart(table: pd.DataFrame, where: str) -> list[Part]:
    at = table[(table.seed >= 0) & (table.layer == max(LAYERS))]
    distance = at.pivot(index="seed", columns="activation", values="distance")
    return differences(distance, where, f"layer {max(LAYERS)}", [("tanh", "relu"), ("elu", "relu")], Range(low=0),
                       "distance of the correlation from 1")  # fmt: skip


def _as_in_theory(table: pd.DataFrame, where: str) -> list[Part]:
    distance = table.set_index(["seed", "activation", "layer"])["distance"]
    names = [name for name in (*SMOOTH, *KINKED) if name not in DRIFTING]
    apart = {
        (name, layer): distance.xs((name, layer), level=(1, 2)).drop(-1) - distance[-1, name, layer]
        for name in names for layer in LAYERS
    }  # fmt: skip
    return [level(values, where, f"layer {layer}", name, Range(-0.02, 0.02), "correlation, network less theory",
                  len(apart)) for (name, layer), values in apart.items()]  # fmt: skip


DEPTH_SCALES_ITEM = Item(
    name="depth_scales",
    shows="How far the correlation of two uncorrelated inputs is from 1, layer by layer on the edge of chaos.",
    paper_says="On the edge correlations near 1 no longer exponentially: as 1 / layers for smooth functions such as "
    "tanh, ELU and Swish, and as 1 / layers² for ReLU, so that smooth functions keep information deeper (Hayou).",
    scales=DEPTH_SCALES,
    table=_depth_scales_table,
    figure=_depth_scales,
    findings=(
        Finding(
            "hayou-rates",
            "On the edge of chaos correlations near 1 as 1 / layers with smooth functions, as 1 / layers² with kinks.",
            "The power of the layer over the last doubling of the depth, in theory: below 1.5 if f' is continuous, "
            "above 1.5 if it jumps.",
            _powers,
        ),
        Finding(
            "hayou-smooth-deeper",
            "Smooth functions keep inputs apart deeper than ReLU.",
            "The distance of the correlation from 1 at layer 50 of random networks, tanh and ELU less ReLU: above 0.",
            _further_apart,
        ),
        Finding(
            "mean-field-holds",
            "The theory of infinite width tells how alike inputs become in networks of finite width.",
            "Correlation at layers 10 and 50 of random networks less that of theory: -0.02 to 0.02, jointly.",
            _as_in_theory,
        ),
    ),
    open_points=f"The biases' standard deviation on the edge is ours, {BIAS_STD} (0 for rectifiers).",
)  # fmt: skip

# ---- How deep a network can be trained -----------------------------------------------------------------------------

FACTOR = 6  # depth scales down to which networks were seen to train (Schoenholz et al. 2017, as quoted by others)
TRAINED = ("tanh", "sigmoid", "relu", "elu")
BIASES = {"tanh": BIAS_STD, "elu": BIAS_STD}  # on the edge
RULES = {"glorot_standard": "standard", "xavier": "Xavier", "he": "He", "edge_of_chaos": "edge of chaos"}
LEARNS = 0.5  # accuracy from which a network counts as trained; guessing gives 0.1
TRAINABLE = {
    "paper": Scale(5, 3000, ("train.epochs=20", "model.width=300")),
    "desk": Scale(3, 25, ("train.epochs=2", "model.width=100"), "100 wide, to 64 layers, 2 epochs."),
    "smoke": Scale(2, 0.3, ("train.epochs=1", "model.width=8", "dataset=digits", "dataset.train_limit=256"),
                   "Small digits, 8 wide, 2 and 4 layers, 1 epoch."),
}  # fmt: skip
DEPTHS = {"paper": (2, 4, 8, 16, 32, 64, 128, 256), "desk": (2, 4, 8, 16, 32, 64), "smoke": (2, 4)}


def _plan(scale: Scale) -> dict[str, list[str]]:
    depths = next(DEPTHS[name] for name, each in TRAINABLE.items() if each == scale)
    shared = ("dataset=mnist", "model=mlp", "optimizer.momentum=0.9", "learning_rate=[0.01,0.001]",
              "train.batch_size=64", "probes.every=0")  # fmt: skip
    return {
        f"{name} {rule} {depth}": [*shared, f"activation={name}", f"init={rule}", f"model.depth={depth}",
                                   f"init.bias_std={_bias_std(name, rule)}"]
        for name in TRAINED for rule in RULES for depth in depths
    }  # fmt: skip


def _bias_std(name: str, rule: str) -> float:
    return BIASES.get(name, 0.0) if rule == "edge_of_chaos" else 0.0


def trainable_depth(name: str, rule: str) -> float:
    """The depth to which a network should train, in layers."""
    activation, sigma_b = build(name), _bias_std(name, rule)
    return FACTOR * WideNetwork(activation, SCALED_VARIANCE[rule](activation, sigma_b) ** 0.5, sigma_b).depth_scale


def _trainable_table(made: Made, scale: Scale) -> pd.DataFrame:
    """Of every network at the rate that is best on validation images: its accuracy on test images, and the theory."""
    metrics = made.table("metrics")
    last = metrics[metrics.epoch == metrics.groupby(["label", "split"])["epoch"].transform("max")]
    accuracy = last.pivot(index=["label", "learning_rate", "seed"], columns="split", values="accuracy").fillna(0)
    accuracy = accuracy[["valid", "test"]].reset_index()  # a diverged network has learned nothing
    by_rate = accuracy.groupby(["label", "learning_rate"])["valid"].mean()
    best = by_rate.groupby("label").idxmax()
    chosen = accuracy[
        [best[label][1] == rate for label, rate in zip(accuracy.label, accuracy.learning_rate, strict=True)]
    ]
    parts = chosen.label.str.split(" ", expand=True)
    table = pd.DataFrame({"activation": parts[0], "rule": parts[1], "depth": parts[2].astype(int), "seed": chosen.seed,
                          "learning_rate": chosen.learning_rate, "accuracy": chosen.test})  # fmt: skip
    theory = {pair: trainable_depth(*pair) for pair in set(zip(table.activation, table.rule, strict=True))}
    return table.assign(predicted=[theory[pair] for pair in zip(table.activation, table.rule, strict=True)])


def _trainable(table: pd.DataFrame, note: str) -> Figure:
    with context():
        names = [name for name in TRAINED if name in set(table.activation)]
        figure, axes = panels(len(names), "hidden layers", "accuracy on test images", height=1.0)
        for ax, name in zip(axes, names, strict=True):
            for rule, look in looks(RULES.values()).items():
                own = table[(table.activation == name) & (table.rule.map(RULES) == rule)]
                by_depth = own.groupby("depth")["accuracy"]
                mean = by_depth.mean()
                ax.errorbar(mean.index, mean, by_depth.std(), color=look.color, marker=look.marker, linewidth=1.2,
                            elinewidth=0.8)  # fmt: skip
                if math.isfinite(predicted := own.predicted.iloc[0]):
                    ax.axvline(predicted, color=look.color, linestyle=(0, (3, 1.5)), linewidth=1.2)
            ax.set(title=called(name), xscale="log", ylim=(0, 1))
            log_ticks(ax.xaxis)
        legend(figure, RULES.values(), {"accuracy": "-", f"{FACTOR} depth scales": (0, (3, 1.5))})
        drawn = (
            "bars: standard deviation over networks; learning rate chosen on validation images; no dashed line: the "
            "depth scale is infinite"
        )
        return finish(figure, "How deep networks train, after Schoenholz et al. 2017, Figure 5", f"{drawn} · {note}")


def _deepest(table: pd.DataFrame, where: str) -> list[Part]:
    deepest = table[table.depth == table.depth.max()]
    accuracy = deepest.assign(label=deepest.activation + " " + deepest.rule).pivot(
        index="seed", columns="label", values="accuracy"
    )
    pairs = [(f"{name} edge_of_chaos", f"{name} glorot_standard") for name in ("tanh", "relu", "elu")]
    return differences(accuracy, where, f"depth {table.depth.max()}", pairs, Range(low=0), "test accuracy")


def _foretold(table: pd.DataFrame, where: str) -> list[Part]:
    """Share of a seed's networks that train, or do not, as theory has it; those within a factor of two do not count."""
    clear = table[(table.depth < table.predicted / 2) | (table.depth > table.predicted * 2)]
    right = (clear.accuracy > LEARNS) == (clear.depth < clear.predicted)
    share = right.groupby(clear.seed).mean()
    return [level(share, where, "all depths", "all", Range(low=0.9), "share of networks foretold")]


TRAINABLE_DEPTH = Item(
    name="trainable_depth",
    shows="Accuracy against depth under four initializations, and how deep networks should train, MNIST.",
    paper_says=f"Networks of tanh train to about {FACTOR} depth scales, and at any depth on the edge of chaos "
    "(Figure 5, shown as training accuracy by depth and size of the weights, MNIST).",
    scales=TRAINABLE,
    plan=_plan,
    table=_trainable_table,
    figure=_trainable,
    findings=(
        Finding(
            "schoenholz-edge-trains",
            "The deepest networks train on the edge of chaos, and not from the standard initialization.",
            "Test accuracy at the largest depth, edge of chaos less standard, of tanh, ReLU and ELU: above 0.",
            _deepest,
        ),
        Finding(
            "schoenholz-depth-scale",
            f"Whether a network trains is told by its depth scale: it does to about {FACTOR} of them.",
            f"Share of networks that reach an accuracy of {LEARNS:g} exactly if they are less than {FACTOR} depth "
            "scales deep, those between half and twice that depth left out: above 0.9.",
            _foretold,
        ),
    ),
    open_points=f"The factor {FACTOR} is quoted from others' use of the paper; widths, rates (0.01 and 0.001 with "
    f"momentum 0.9) and epochs are ours. The networks are initialized by four rules, instead of along a line of "
    f"weights; on the edge biases have a standard deviation of {BIAS_STD} with tanh and ELU, else 0.",
)  # fmt: skip

PAPER = Paper(
    name="schoenholz2017",
    reference="Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, 2017: Deep Information Propagation, ICLR",
    about="In wide random networks two inputs become alike, or unlike, exponentially with depth, on a scale that "
    "diverges on the edge of chaos; networks train to a few such scales. Poole et al. 2016 have the maps; Hayou, "
    "Doucet & Rousseau 2019 find that on the edge smooth activations lose information more slowly than ReLU.",
    items=(MAPS, DEPTH_SCALES_ITEM, TRAINABLE_DEPTH),
    source="Of the papers only the abstracts were read; what their figures show is from memory.",
)
