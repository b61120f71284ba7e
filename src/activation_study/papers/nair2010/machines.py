"""Figures 4 and 5: machines on images, their filters, and how often their units are active."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.style import context, finish, panels
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import level
from activation_study.training import checkpoint

UNITS = {"NReLU": "relu", "binary": "sigmoid"}
COLOURS = {"NReLU": "#0072B2", "binary": "#000000"}
SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3), "digits": (8, 8, 1)}
FILTERS = 16  # in a figure

# Hinton's guide values where the paper leaves something open; one momentum, as there is no schedule of it.
MACHINE = ("model=rbm", "objective=contrastive_divergence", "init=normal", "init.std=0.01", "learning_rate=0.001",
           "train.batch_size=100", "optimizer.momentum=0.9", "optimizer.weight_decay=0.0002", "keep_weights=true",
           "optimizer.counted_in=steps", "optimizer.warmup=100", "probes.every=0")  # fmt: skip
OPEN = (
    "Machines start from N(0, 0.01), with momentum 0.9 throughout, weight decay 0.0002 and CD-1; the rate rises to "
    "0.001 over 100 updates, without which rectified machines diverge on CIFAR-10 within 20; visible pixels are "
    "standardised and Gaussian of unit variance. Both hidden layers have the same width (4000 and 2000 in the paper). "
    "Classifiers are trained by SGD with momentum 0.9 at the rate that is best on validation images; layers that are "
    "not pre-trained start from He's rule."
)


def sets_of(scale: Scale) -> tuple[str, ...]:
    """The data sets of a scale."""
    return ("digits",) if "dataset=digits" in scale.options else ("mnist", "cifar10")


def machines(scale: Scale) -> dict[str, list[str]]:
    """Machines on pixels and machines on those, by data set and kind of unit."""
    plan = {}
    for data in sets_of(scale):
        for unit, activation in UNITS.items():
            shared = [*MACHINE, f"dataset={data}", f"activation={activation}", "probes.also=units"]
            first = f"{data}, {unit}, machine 1"
            plan[first] = [*shared, "model.depth=1"]
            plan[f"{data}, {unit}, machine 2"] = [*shared, "model.depth=2", f"model.start_from={first}"]
    return plan


def _first_machines(scale: Scale) -> dict[str, list[str]]:
    return {label: overrides for label, overrides in machines(scale).items() if label.endswith("1")}


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


DESK = Scale(
    3,
    20,
    ("model.width=500", "train.epochs=10", "dataset.train_limit=20000"),
    "Width 500 instead of 4000, 10 epochs instead of 300, on 20,000 images.",
)
SMOKE = Scale(2, 1, ("dataset=digits", "model.width=16", "train.epochs=1", "dataset.train_limit=200",
                     "dataset.valid_size=100"), "8x8 digits, width 16, one epoch.")  # fmt: skip
SCALES = {"paper": Scale(3, 20_000, ("model.width=4000", "train.epochs=300")), "desk": DESK, "smoke": SMOKE}
FIGURE4 = Item(
    name="figure4",
    shows="Filters that machines with rectified and with binary hidden units learn.",
    paper_says="On NORB many filters of the rectified units look like Gabor functions, about a quarter of them, others "
    "like points or like global templates.",
    scales=SCALES,
    plan=_first_machines,
    table=_figure4_table,
    figure=_figure4,
)
FIGURE5 = Item(
    name="figure5",
    shows="How many of the rectified hidden units are above 0 on which share of the images.",
    paper_says="On NORB there are three peaks, near 0.2, between 0.4 and 0.5, and near 0.6; no unit is always on.",
    scales=SCALES,
    plan=_first_machines,
    table=_figure5_table,
    figure=_figure5,
    findings=(
        Finding("nair-no-unit-always-on", "No rectified hidden unit of a machine is always active.",
                "The share of units that are above 0 on more than 99 % of the validation images: below 1 %.",
                _never_always),
    ),
)  # fmt: skip
