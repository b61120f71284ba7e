"""Figure 2: how probable it is that a unit is active, and how evenly units share the work."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, legend, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Scale
from activation_study.papers.maas2013.setup import (
    ADDED,
    DEPTHS,
    DESK,
    DESK_CUT,
    PAPERS_OWN,
    PUBLISHED,
    SMOKE,
    networks,
)
from activation_study.papers.parts import Pairs, differences

# What a unit is to be called active by, as columns of `units`: the paper's tanh has two curves, of which the dispersion
# that it quotes belongs to the first.
ABOVE_ZERO, NOT_BELOW, NEITHER_END = "active", "above", "free"
ACTIVE = {
    "tanh": (NOT_BELOW, NEITHER_END),
    "sigmoid": (NOT_BELOW, NEITHER_END),
    "elu": (NOT_BELOW,),
    **dict.fromkeys(("relu", "lrelu", "vlrelu", "prelu", "rrelu"), (ABOVE_ZERO,)),
}
WORDS = {ABOVE_ZERO: "z > 0", NOT_BELOW: "h > -.95", NEITHER_END: "-.95 < h < .95"}
DASHES = {NEITHER_END: (0, (3, 1.5))}  # all others are solid


class Curve(NamedTuple):
    """A curve of the paper's Figure 2, read off."""

    probabilities: tuple[float, ...]  # at SHARES of the sorted units
    mean: float
    dispersion: float  # standard deviation


SHARES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
RECTIFIERS = Curve((0.245, 0.192, 0.168, 0.136, 0.109, 0.088, 0.066, 0.053), 0.115, 0.040)
READ_OFF = {
    ("tanh", NOT_BELOW): Curve((0.956, 0.904, 0.876, 0.804, 0.711, 0.612, 0.506, 0.438), 0.699, 0.144),
    ("tanh", NEITHER_END): Curve((0.745, 0.601, 0.523, 0.446, 0.379, 0.311, 0.250, 0.218), 0.387, 0.114),
    ("relu", ABOVE_ZERO): RECTIFIERS,
    ("lrelu", ABOVE_ZERO): RECTIFIERS,
}


def plan(scale: Scale) -> dict[str, list[str]]:
    """The deepest networks, with every activation."""
    return networks(scale, DEPTHS[-1:], (*PAPERS_OWN, *ADDED))


def sorted_curve(probabilities: pd.Series) -> pd.DataFrame:
    """The activation probabilities of a layer's units, sorted, at every hundredth of the units.

    Returns:
        Columns share (of the units, 0 to 1), probability (the highest first), and of the curve as a whole mean,
        dispersion (standard deviation over the units) and fall (from 5 % to 95 % of the units).
    """
    share = np.linspace(0, 1, 101)
    curve = pd.DataFrame({"share": share, "probability": np.quantile(probabilities, 1 - share)})
    fall = curve.probability[5] - curve.probability[95]
    return curve.assign(mean=probabilities.mean(), dispersion=probabilities.std(ddof=0), fall=fall)


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By data set, activation, what counts as active, and seed: the sorted curve of the last hidden layer's units."""
    units = made.tuned("units")
    units = units[(units.layer == DEPTHS[-1]) & (units.step > 0)]
    parts = []
    for (label, seed), network in units.groupby(["label", "seed"], sort=False):
        dataset, _, activation = label.split()
        for active in ACTIVE[activation]:
            curve = sorted_curve(network[active])
            parts.append(curve.assign(dataset=dataset, activation=activation, active=active, seed=seed))
    return pd.concat(parts, ignore_index=True)


def _figure(table: pd.DataFrame, note: str) -> Figure:
    """The paper's four curves for each data set, with the paper's own as rings, and the further activations'."""
    groups = {"the paper's three": PAPERS_OWN, "further": ADDED}
    shown = [(dataset, title) for title in groups for dataset in table.dataset.unique()]
    with context():
        figure, axes = panels(len(shown), "units, sorted (share)", "probability of being active", height=1.05)
        for ax, (dataset, title) in zip(axes, shown, strict=True):
            _curves(ax, table[(table.dataset == dataset) & table.activation.isin(groups[title])])
            ax.set(title=f"{dataset}: {title}", xlim=(0, 1), ylim=(0, 1.02))
        splits = {"active: z above 0, or not\nsaturated below": "-",
                  "active: saturated at\nneither end": DASHES[NEITHER_END]}  # fmt: skip
        legend(figure, table.activation, splits)
        drawn = (
            "last of 4 hidden layers, probabilities on validation images, means over seeds · rings: the paper's curves "
            "on speech, read off; ReLU and LReLU lie on each other there"
        )
        return finish(figure, "Maas et al. 2013, Figure 2", f"{drawn} · {note}")


def _curves(ax: Axes, rows: pd.DataFrame) -> None:
    for name, look in looks(rows.activation).items():
        for active in ACTIVE[name]:
            curve = rows[(rows.activation == name) & (rows.active == active)].groupby("share").probability.mean()
            # ReLU lies below LReLU, and would not be seen beside it.
            ax.plot(curve.index, curve, color=look.color, linestyle=DASHES.get(active, "-"),
                    linewidth=3 if name == "relu" else 1.3)  # fmt: skip
            if (name, active) in READ_OFF and name != "lrelu":
                read_off = READ_OFF[name, active].probabilities
                ax.plot(SHARES, read_off, "o", color=look.color, fillstyle="none", markersize=4)


def _called(name: str, active: str) -> str:
    return f"{name}, {WORDS[active]}"


def _of_units(table: pd.DataFrame, dataset: str, value: str) -> pd.DataFrame:
    """Mean, dispersion or fall of each curve, one row per seed, one column per curve."""
    rows = table[table.dataset == dataset]
    curve = rows.activation + ", " + rows.active.map(WORDS)
    return rows.assign(curve=curve).pivot_table(index="seed", columns="curve", values=value)


def _cells(table: pd.DataFrame) -> list[Cell]:
    cells = []
    for dataset in table.dataset.unique():
        for value, words in (("mean", "mean activation probability"), ("dispersion", "dispersion")):
            values = _of_units(table, dataset, value)
            for (name, active), curve in READ_OFF.items():
                ours = statistics.mean(values[_called(name, active)], within=(0, 1))
                cells.append(Cell(f"{_called(name, active)}, {words}, {dataset}", getattr(curve, value), ours,
                                  len(values), "read off", digits=3, alike=False))  # fmt: skip
    return cells


RELU_LESS_TANH = _called("relu", ABOVE_ZERO), _called("tanh", NOT_BELOW)


def _sparser(table: pd.DataFrame, where: str) -> list[Part]:
    pairs = [RELU_LESS_TANH, (RELU_LESS_TANH[0], _called("tanh", NEITHER_END))]
    return _below(table, where, "mean", pairs, "mean activation probability")


def _more_even(table: pd.DataFrame, where: str) -> list[Part]:
    return _below(table, where, "dispersion", [RELU_LESS_TANH], "dispersion of the activation probabilities")


def _flatter(table: pd.DataFrame, where: str) -> list[Part]:
    return _below(table, where, "fall", [RELU_LESS_TANH], "fall of the sorted curve from 5 % to 95 % of the units")


def _below(table: pd.DataFrame, where: str, value: str, pairs: Pairs, quantity: str) -> list[Part]:
    datasets = table.dataset.unique()
    return [
        part
        for dataset in datasets
        for part in differences(_of_units(table, dataset, value), where, dataset, pairs, Range(high=0), quantity,
                                len(datasets))
    ]  # fmt: skip


FIGURE2 = Item(
    name="figure2",
    shows="How probable it is that a unit of the last of 4 hidden layers is active, units sorted.",
    paper_says="The curve of ReL is low and flat: .19 at 5 % of the units, .11 in the middle, .05 at 95 %, 0.115 on "
    "average with a dispersion of .040; LReL's is the same to the width of a line. tanh's is high and steep: not "
    "saturated below from .90 to .44, 0.699 on average, dispersion .144; saturated at neither end 0.387 on average, "
    "dispersion .114. Networks of 4 x 2048 on Switchboard, probabilities over 10,000 inputs.",
    scales={"paper": Scale(5, 6500, PUBLISHED), "desk": Scale(5, 50, DESK, DESK_CUT), "smoke": SMOKE},
    plan=plan,
    table=_table,
    figure=_figure,
    cells=_cells,
    findings=(
        Finding(
            "maas-sparse",
            "In the last hidden layer fewer units are active with rectifiers than with tanh.",
            "The mean activation probability, ReLU (z > 0) less tanh (h > -.95, and -.95 < h < .95): below 0.",
            _sparser,
        ),
        Finding(
            "maas-even",
            "Rectifiers share the work more evenly: their activation probabilities are less dispersed than tanh's.",
            "The standard deviation of the activation probabilities, ReLU (z > 0) less tanh (h > -.95): below 0.",
            _more_even,
            "The dispersion of 0.14 that the paper quotes for tanh is that of h > -.95, not of |h| < .95. At the desk "
            "scale tanh's units are hardly saturated (some 4 % of them on MNIST, 30 % in the paper), which leaves "
            "their probabilities no room to differ; whether longer training and wider layers bring the paper's order "
            "is open.",
        ),
        Finding(
            "maas-flat-curve",
            "The sorted curve of the activation probabilities is flat with rectifiers and steep with tanh.",
            "Its fall from 5 % to 95 % of the units, ReLU (z > 0) less tanh (h > -.95): below 0.",
            _flatter,
        ),
    ),
    open_points="Switchboard is not to be had here: MNIST and flattened CIFAR-10 stand for it, so no number is of the "
    "same set-up. The 10,000 inputs are validation images, on which the learning rate was chosen and nothing was "
    "trained. A sigmoid is called saturated at the same distance from its bounds, ELU within 5 % of its "
    "bound; what has no bound is active where z > 0.",
)
