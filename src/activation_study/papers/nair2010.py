"""Nair & Hinton 2010: rectified units in Restricted Boltzmann Machines; MNIST and CIFAR-10 stand for NORB and LFW."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from scipy.special import expit, log_expit, ndtr

from activation_study import activations
from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, panels
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.networks.models import build
from activation_study.papers.item import Cell, Finding, Item, Made, Paper, Scale
from activation_study.papers.parts import differences, exact, level
from activation_study.training import checkpoint

UNITS = {"NReLU": "relu", "binary": "sigmoid"}
COLOURS = {"NReLU": "#0072B2", "binary": "#000000"}
SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3), "digits": (8, 8, 1)}
COPIES = 200  # of a stepped sigmoid unit; those beyond are off below 100

# ---- Figure 1 --------------------------------------------------------------------------------------------------------


def stepped(x: np.ndarray) -> np.ndarray:
    """The expected sum of binary units that share weights and have biases of -0.5, -1.5, -2.5, ... (Section 2)."""
    return expit(x[..., None] - np.arange(COPIES) - 0.5).sum(-1)


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + e^x)."""
    return -log_expit(-x)


def noisy_rectifier(x: np.ndarray) -> np.ndarray:
    """The expectation of max(0, x + N(0, V)) with the variance V = sigmoid(x)."""
    spread = np.sqrt(expit(x))
    return x * ndtr(x / spread) + spread * np.exp(-((x / spread) ** 2) / 2) / np.sqrt(2 * np.pi)


def equivariance(seed: int, scale: float) -> float:
    """How far a zero-bias ReLU network's output at `scale` times an image is from `scale` times that at the image."""
    stack = Stack([seed], lambda: activations.build("relu"), Initialization())
    network = build({"name": "mlp", "depth": 4, "width": 64}, stack, (1, 8, 8), 10).double()
    images = torch.randn(1, 20, 1, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with torch.no_grad():
        whole, scaled = network(images), network(scale * images)
    return float((scaled - scale * whole).abs().max() / (scale * whole).abs().max())


def _figure1_table(made: Made, scale: Scale) -> pd.DataFrame:
    """The three curves, and in `equivariance` the largest error over ten networks and four scales."""
    x = np.linspace(-5, 10, 601)
    worst = max(equivariance(seed, scale) for seed in range(10) for scale in (0.1, 0.5, 3.0, 100.0))
    return pd.DataFrame({"x": x, "stepped": stepped(x), "softplus": softplus(x), "noisy": noisy_rectifier(x),
                         "equivariance": worst})  # fmt: skip


def _figure1(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, (ax,) = panels(1, "total input $x$", "expected value", height=0.8)
        curves = {"stepped": ("sum of stepped sigmoids", "-"), "softplus": ("log(1 + e$^x$)", "--"),
                  "noisy": ("noisy rectifier", "-.")}  # fmt: skip
        for column, (label, style) in curves.items():
            ax.plot(table.x, table[column], style, label=label, linewidth=1.5)
        ax.set(xlim=(-5, 10), ylim=(-0.2, 10))
        ax.legend()
        return finish(figure, "Nair & Hinton 2010, Figure 1", note)


def _agree(table: pd.DataFrame, where: str) -> list[Part]:
    distance = float((table.stepped - table.softplus).abs().max())
    return [exact(distance, where, "-5 to 10", "sum - softplus", Range(high=0.02), "largest distance")]


def _near(table: pd.DataFrame, where: str) -> list[Part]:
    distance = float((table.noisy - table.softplus).abs().max())
    return [exact(distance, where, "-5 to 10", "noisy - softplus", Range(high=0.5), "largest distance")]


def _equivariant(table: pd.DataFrame, where: str) -> list[Part]:
    error = float(table.equivariance.iloc[0])
    return [exact(error, where, "scales 0.1 to 100", "output", Range(high=1e-9), "largest relative error")]


FIGURE1 = Item(
    name="figure1",
    shows="What a unit is expected to give: the sum of stepped sigmoids, softplus, and the noisy rectifier.",
    paper_says="From -5 to 10 the sum and log(1 + e^x) cannot be told apart; the noisy rectifier is close to them.",
    scales={"paper": Scale(1, 0.1), "desk": Scale(1, 0.1), "smoke": Scale(1, 0.1, cut="Nothing is cut: it is exact.")},
    table=_figure1_table,
    figure=_figure1,
    findings=(
        Finding(
            "nair-softplus",
            "log(1 + e^x) is the expected sum of infinitely many sigmoid units with stepped biases, to the eye.",
            "The largest distance between the two from -5 to 10: below 0.02, a five-hundredth of the axis.",
            _agree,
        ),
        Finding(
            "nair-noisy-rectifier",
            "The expectation of a noisy rectified unit is close to log(1 + e^x).",
            "The largest distance from -5 to 10: below 0.5, a twentieth of the axis.",
            _near,
            remark="It lies below by up to 0.41, at x = 0: close on an axis to 10, not for small inputs.",
        ),
        Finding(
            "nair-equivariance",
            "Networks of rectifiers without biases are equivariant to the intensity of an image, exactly.",
            "The largest relative error of the output over ten networks and four scales, in float64: below 1e-9.",
            _equivariant,
        ),
    ),
)  # fmt: skip

# ---- Machines --------------------------------------------------------------------------------------------------------

# Hinton's guide values where the paper leaves something open; one momentum, as there is no schedule of it.
MACHINE = ("model=rbm", "objective=contrastive_divergence", "init=normal", "init.std=0.01", "learning_rate=0.001",
           "train.batch_size=100", "optimizer.momentum=0.9", "optimizer.weight_decay=0.0002", "keep_weights=true",
           "optimizer.counted_in=steps", "optimizer.warmup=100", "probes.every=0")  # fmt: skip
CLASSIFIER = ("model=mlp", "learning_rate=[0.1,0.03,0.01]", "train.batch_size=100", "optimizer.momentum=0.9",
              "probes.every=0")  # fmt: skip
PRETRAINED = {1: ("none", "first"), 2: ("none", "first", "both")}
OPEN = (
    "Machines start from N(0, 0.01), with momentum 0.9 throughout, weight decay 0.0002 and CD-1; the rate rises to "
    "0.001 over 100 updates, without which rectified machines diverge on CIFAR-10 within 20; visible pixels are "
    "standardised and Gaussian of unit variance. Both hidden layers have the same width (4000 and 2000 in the paper). "
    "Classifiers are trained by SGD with momentum 0.9 at the rate that is best on validation images; layers that are "
    "not pre-trained start from He's rule."
)


def _sets(scale: Scale) -> tuple[str, ...]:
    return ("digits",) if "dataset=digits" in scale.options else ("mnist", "cifar10")


def _machines(scale: Scale) -> dict[str, list[str]]:
    """Machines on pixels and machines on those, by data set and kind of unit."""
    plan = {}
    for data in _sets(scale):
        for unit, activation in UNITS.items():
            shared = [*MACHINE, f"dataset={data}", f"activation={activation}", "probes.also=units"]
            first = f"{data}, {unit}, machine 1"
            plan[first] = [*shared, "model.depth=1"]
            plan[f"{data}, {unit}, machine 2"] = [*shared, "model.depth=2", f"model.start_from={first}"]
    return plan


def _first_machines(scale: Scale) -> dict[str, list[str]]:
    return {label: overrides for label, overrides in _machines(scale).items() if label.endswith("1")}


FILTERS = 16


def _figure4_table(made: Made, scale: Scale) -> pd.DataFrame:
    """The filters of seed 0 with the largest norm, one row per filter and pixel, values from 0 to 255."""
    parts = []
    for label, runs in made.runs.items():
        saved = checkpoint.from_bytes((runs[0].folder / "weights.pt").read_bytes())["network"]["top.weight"]
        weights = saved[[seed for seed, _ in runs[0].config["replicas"]].index(0)].T.numpy()
        chosen = weights[np.argsort(-np.linalg.norm(weights, axis=1))[:FILTERS]]
        largest = np.abs(chosen).max(1, keepdims=True)
        values = np.rint(127.5 + 127.5 * chosen / largest).astype(np.uint8)
        data, unit, _ = label.split(", ")
        index = pd.MultiIndex.from_product([range(len(values)), range(values.shape[1])], names=["filter", "pixel"])
        table = pd.DataFrame({"value": values.ravel()}, index=index).reset_index()
        parts.append(table.astype({"filter": "int16", "pixel": "int16"}).assign(data=data, unit=unit))
    return pd.concat(parts, ignore_index=True)


def _figure4(table: pd.DataFrame, note: str) -> Figure:
    groups = list(table.groupby(["data", "unit"], sort=False))
    with context():
        figure = Figure(figsize=(9.6, 2.9), layout="constrained")
        for ax, ((data, unit), rows) in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
            ax.imshow(_mosaic(rows, SHAPES[str(data)]), cmap="gray", vmin=0, vmax=255)
            ax.set_title(f"{data}, {unit}")
            ax.set_axis_off()
        return finish(figure, "Nair & Hinton 2010, Figure 4: filters", f"{FILTERS} of the largest norm · {note}")


def _mosaic(rows: pd.DataFrame, shape: tuple[int, int, int]) -> np.ndarray:
    """Filters in rows of four, a line of white between them."""
    height, width, channels = shape
    side, filters = 4, rows.value.to_numpy().reshape(-1, channels, height, width)
    picture = np.full((side * (height + 1), side * (width + 1), channels), 255, np.uint8)
    for number, one in enumerate(filters):
        top, left = (number // side) * (height + 1), (number % side) * (width + 1)
        picture[top : top + height, left : left + width] = one.transpose(1, 2, 0)
    return picture[..., 0] if channels == 1 else picture


def _figure5_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By data set and seed: how many units are on in each twentieth of shares of the images, and how many always."""
    units = made.table("units")
    last = units[units.epoch == units.groupby("label").epoch.transform("max")]
    rows = []
    for (label, seed), group in last.groupby(["label", "seed"], sort=False):
        data, unit, _ = str(label).split(", ")
        if unit == "NReLU":
            counts, _ = np.histogram(group.active, bins=20, range=(0, 1))
            always = float((group.active > 0.99).mean())
            rows += [{"data": data, "seed": seed, "bin": (place + 0.5) / 20, "share": share, "always": always}
                     for place, share in enumerate(counts / len(group))]  # fmt: skip
    return pd.DataFrame(rows)


def _figure5(table: pd.DataFrame, note: str) -> Figure:
    sets = list(table.groupby("data", sort=False))
    with context():
        figure, axes = panels(len(sets), "share of images on which a unit is above 0", "share of the units", height=0.8)
        for ax, (data, rows) in zip(axes, sets, strict=True):
            shares = rows.groupby("bin").share.mean()
            ax.bar(shares.index, shares, width=0.045, color=COLOURS["NReLU"])
            ax.set(title=str(data), xlim=(0, 1))
        return finish(figure, "Nair & Hinton 2010, Figure 5: noisy rectified units", f"mean over seeds · {note}")


def _never_always(table: pd.DataFrame, where: str) -> list[Part]:
    sets = list(table.groupby("data", sort=False))
    return [level(rows.groupby("seed").always.first(), where, str(data), "NReLU", Range(high=0.01),
                  "share of units above 0 on over 99 % of the images", len(sets)) for data, rows in sets]  # fmt: skip


# ---- Tables 1 and 2 --------------------------------------------------------------------------------------------------


def _tables_plan(scale: Scale) -> dict[str, list[str]]:
    plan = _machines(scale)
    for data in _sets(scale):
        for unit, activation in UNITS.items():
            for depth, kinds in PRETRAINED.items():
                for kind in kinds:
                    start = {"first": [f"model.start_from={data}, {unit}, machine 1"],
                             "both": [f"model.start_from={data}, {unit}, machine 2"]}.get(kind, [])  # fmt: skip
                    plan[f"{data}, {unit}, {depth}, {kind}"] = [
                        *CLASSIFIER, f"dataset={data}", f"activation={activation}", f"model.depth={depth}", *start,
                    ]  # fmt: skip
    return plan


def _tables_table(made: Made, scale: Scale) -> pd.DataFrame:
    """The test error of every classifier, by data set, unit, depth, pre-training and seed."""
    classifiers = {label: runs for label, runs in made.runs.items() if "machine" not in label}
    tuned = Made(classifiers, made.seeds, made.rates).tuned("metrics")
    test = tuned[tuned.split == "test"]
    parts = test.label.str.split(", ", expand=True).set_axis(["data", "unit", "depth", "pretrained"], axis=1)
    return parts.assign(depth=parts.depth.astype(int), seed=test.seed, rate=test.learning_rate,
                        error=100 * (1 - test.accuracy.fillna(0))).reset_index(drop=True)  # fmt: skip


def _tables(table: pd.DataFrame, note: str) -> Figure:
    sets = list(table.groupby("data", sort=False))
    with context():
        figure, axes = panels(len(sets), "", "test error (%)", sharey=False, height=1.0)
        for ax, (data, rows) in zip(axes, sets, strict=True):
            names = [(depth, kind) for depth, kinds in PRETRAINED.items() for kind in kinds]
            for shift, (unit, colour) in zip((-0.12, 0.12), COLOURS.items(), strict=True):
                for place, (depth, kind) in enumerate(names):
                    is_one = (rows.unit == unit) & (rows.depth == depth) & (rows.pretrained == kind)
                    errors = rows[is_one].error
                    mean, low, high = statistics.mean(errors, within=(0, 100))
                    ax.errorbar(place + shift, mean, [[mean - low], [high - mean]], color=colour, marker="o",
                                label=unit if place == 0 else None)  # fmt: skip
            ax.set_xticks(
                range(len(names)), [f"{depth} layer{'s' if depth > 1 else ''}\n{kind}" for depth, kind in names]
            )
            ax.set_title(str(data))
        axes[0].legend()
        drawn = "pre-trained layers under each place · points: mean, bars: 95 % t intervals over seeds"
        return finish(figure, "Nair & Hinton 2010, Tables 1 and 2", f"{drawn} · {note}")


PAPERS_ERRORS = {
    ("NReLU", 1, "none"): 17.8, ("binary", 1, "none"): 23.0, ("NReLU", 1, "first"): 16.5, ("binary", 1, "first"): 18.7,
    ("NReLU", 2, "none"): 17.6, ("binary", 2, "none"): 23.6, ("NReLU", 2, "first"): 16.5, ("binary", 2, "first"): 18.8,
    ("NReLU", 2, "both"): 15.2, ("binary", 2, "both"): 18.8,
}  # fmt: skip


def _cells(table: pd.DataFrame) -> list[Cell]:
    cells = []
    for data, of_set in table.groupby("data", sort=False):
        for (unit, depth, kind), error in PAPERS_ERRORS.items():
            ours = of_set.query("unit == @unit and depth == @depth and pretrained == @kind").error
            what = f"{unit}, {depth} layer{'s' if depth > 1 else ''}, pre-trained: {kind} (NORB there, {data} here)"
            cells.append(Cell(what, error, statistics.mean(ours, within=(0, 100)), len(ours), unit="% error", digits=1,
                              alike=False))  # fmt: skip
    return cells


def _wide(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Of each data set the errors by seed, columns such as `NReLU, 2, both`."""
    for data, rows in table.groupby("data", sort=False):
        names = rows.unit + ", " + rows.depth.astype(str) + ", " + rows.pretrained
        yield str(data), rows.assign(name=names).pivot(index="seed", columns="name", values="error")


def _compare(pairs: list[tuple[str, str]], claimed: Range):  # noqa: ANN202
    def parts(table: pd.DataFrame, where: str) -> list[Part]:
        sets = list(_wide(table))
        quantity = "test error (points)"
        return [part for data, errors in sets
                for part in differences(errors, where, data, pairs, claimed, quantity, len(sets))]  # fmt: skip

    return parts


ALL = [f"{depth}, {kind}" for depth, kinds in PRETRAINED.items() for kind in kinds]
BELOW = Range(high=0)
TABLES = Item(
    name="tables",
    shows="Tables 1 and 2: test error of one and two hidden layers, pre-trained or not, rectified and binary.",
    paper_says="On NORB rectified units have the lower error in every row, by 2 to 6 points; pre-training helps both, "
    "but rectified units without it beat binary ones with it; pre-training the second layer helps rectified units "
    "alone.",
    scales={
        "paper": Scale(5, 60_000, ("model.width=4000", "train.epochs=300")),
        "desk": Scale(3, 80, ("model.width=200", "train.epochs=4", "dataset.train_limit=10000"),
                      "Width 200 instead of 4000, 4 epochs instead of 300, on 10,000 images."),
        "smoke": Scale(2, 1, ("dataset=digits", "model.width=16", "train.epochs=1", "dataset.train_limit=200",
                              "dataset.valid_size=100"), "8x8 digits, width 16, one epoch."),
    },
    plan=_tables_plan,
    table=_tables_table,
    figure=_tables,
    cells=_cells,
    findings=(
        Finding("nair-rectified-better", "Rectified units have a lower error than binary ones, pre-trained or not.",
                "Test error, NReLU less binary, in every row of both tables: below 0.",
                _compare([(f"NReLU, {row}", f"binary, {row}") for row in ALL], BELOW)),
        Finding("nair-pretraining-helps", "Pre-training lowers the error of both kinds of units.",
                "Test error with the first layer pre-trained less that without: below 0.",
                _compare([(f"{unit}, {depth}, first", f"{unit}, {depth}, none") for unit in UNITS for depth in (1, 2)],
                         BELOW)),
        Finding("nair-untrained-beats", "Rectified units without pre-training beat binary units with it.",
                "Test error, NReLU without less binary with all layers pre-trained: below 0.",
                _compare([("NReLU, 1, none", "binary, 1, first"), ("NReLU, 2, none", "binary, 2, both")], BELOW)),
        Finding("nair-second-layer", "Pre-training the second layer too helps rectified units.",
                "Test error with both layers pre-trained less that with the first alone: below 0.",
                _compare([("NReLU, 2, both", "NReLU, 2, first")], BELOW)),
    ),
    open_points=OPEN,
)  # fmt: skip

MACHINE_SCALES = {
    "paper": Scale(3, 20_000, ("model.width=4000", "train.epochs=300")),
    "desk": Scale(3, 40, ("model.width=200", "train.epochs=4", "dataset.train_limit=10000"), TABLES.scales["desk"].cut),
    "smoke": TABLES.scales["smoke"],
}
FIGURE4 = Item(
    name="figure4",
    shows="Filters that machines with rectified and with binary hidden units learn.",
    paper_says="On NORB many filters of the rectified units look like Gabor functions, about a quarter of them, others "
    "like points or like global templates.",
    scales=MACHINE_SCALES,
    plan=_first_machines,
    table=_figure4_table,
    figure=_figure4,
    open_points=OPEN,
)
FIGURE5 = Item(
    name="figure5",
    shows="How many of the rectified hidden units are above 0 on which share of the images.",
    paper_says="On NORB there are three peaks, near 0.2, between 0.4 and 0.5, and near 0.6; no unit is always on.",
    scales=MACHINE_SCALES,
    plan=_first_machines,
    table=_figure5_table,
    figure=_figure5,
    findings=(
        Finding("nair-no-unit-always-on", "No rectified hidden unit of a machine is always active.",
                "The share of units that are above 0 on more than 99 % of the validation images: below 1 %.",
                _never_always),
    ),
    open_points=OPEN,
)  # fmt: skip

PAPER = Paper(
    name="nair2010",
    reference="Nair & Hinton, 2010: Rectified Linear Units Improve Restricted Boltzmann Machines, ICML",
    about="A binary hidden unit replaced by infinitely many copies with stepped biases acts like a rectifier with "
    "noise. Machines with such units, and networks that start from them, recognise objects and faces better.",
    items=(FIGURE1, FIGURE4, FIGURE5, TABLES),
    source="NORB and LFW are not at hand; MNIST and CIFAR-10 stand in their place, so no number is of the same set-up.",
)
