"""How deep a network can be trained, and how deep the theory lets it be."""

import math

import pandas as pd
from matplotlib.figure import Figure

from activation_study.activations import build
from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import called, context, finish, legend, log_ticks, looks, panels
from activation_study.networks.initialization import SCALED_VARIANCE
from activation_study.networks.mean_field import WideNetwork
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences, level
from activation_study.papers.schoenholz2017.maps import BIAS_STD

FACTOR = 6  # depth scales down to which networks were seen to train (Schoenholz et al. 2017, as quoted by others)
TRAINED = ("tanh", "sigmoid", "relu", "elu")
BIASES = {"tanh": BIAS_STD, "elu": BIAS_STD}  # on the edge
RULES = {"glorot_standard": "standard", "xavier": "Xavier", "he": "He", "edge_of_chaos": "edge of chaos"}
LEARNS = 0.5  # accuracy from which a network counts as trained; guessing gives 0.1
SCALES = {
    "paper": Scale(5, 3000, ("train.epochs=20", "model.width=300")),
    "desk": Scale(3, 30, ("train.epochs=1", "model.width=100"), "100 wide, to 64 layers, 1 epoch."),
    "smoke": Scale(2, 0.3, ("train.epochs=1", "model.width=8", "dataset=digits", "dataset.train_limit=256"),
                   "Small digits, 8 wide, 2 and 4 layers, 1 epoch."),
}  # fmt: skip
DEPTHS = {"paper": (2, 4, 8, 16, 32, 64, 128, 256), "desk": (2, 4, 8, 16, 32, 64), "smoke": (2, 4)}


def _plan(scale: Scale) -> dict[str, list[str]]:
    depths = next(DEPTHS[name] for name, each in SCALES.items() if each == scale)
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
    scales=SCALES,
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
