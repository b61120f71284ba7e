"""Glorot, Bordes & Bengio 2011: sparse rectifiers. Its networks without pre-training, on MNIST and CIFAR-10."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import GREY, context, finish, looks, panels
from activation_study.papers.item import Cell, Finding, Item, Made, Paper, Scale
from activation_study.papers.parts import differences, level

PAPERS_OWN = ("relu", "tanh", "softplus")
ADDED = ("sigmoid", "lrelu", "vlrelu", "prelu", "rrelu", "elu")  # on the first data set only
DATASETS = ("mnist", "cifar10")
NETWORK = ("model=mlp", "model.depth=3", "init=xavier", "optimizer.momentum=0", "train.batch_size=10", "probes.every=0",
           "probes.also=units", "probes.also_every=1000")  # fmt: skip

ERROR = {  # test error in per cent without pre-training, Table 1
    "mnist": {"relu": 1.43, "tanh": 1.57, "softplus": 1.77},
    "cifar10": {"relu": 50.86, "tanh": 52.62, "softplus": 53.20},
}
ZEROS = {"mnist": 83.4, "cifar10": 72.0}  # per cent of the hidden units' outputs, Section 4.1
FIT = {72: 1.48, 75: 1.40, 79: 1.35, 85: 1.42, 90: 1.60, 95: 1.89, 100: 2.31}  # error by zeros, Figure 3, read off
FREE = 85  # per cent of zeros up to which the error is flat
PER_CENT = (0.0, 100.0)

STRENGTHS = (0, 0.0001, 0.0003, 0.0006, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005)  # of the L1 penalty, Figure 3
FAILED = 20.0  # per cent of error from which a network counts as one whose units the penalty has put out


DIGITS = ("dataset=digits", "dataset.train_limit=600")  # for scale=smoke


def _table1_plan(scale: Scale) -> dict[str, list[str]]:
    own = scale.value("dataset")
    return {
        f"{dataset} {name}": [*NETWORK, "objective.l1=0.001", f"activation={name}", f"dataset={dataset}"]
        for dataset, names in zip([own] if own else DATASETS, ((*PAPERS_OWN, *ADDED), PAPERS_OWN), strict=False)
        for name in names
    }


def _figure3_plan(scale: Scale) -> dict[str, list[str]]:
    return {
        f"{strength:g}": [*NETWORK, f"objective.l1={strength:g}", "activation=relu", "dataset=mnist"]
        for strength in STRENGTHS
    }


def _networks(made: Made, scale: Scale) -> pd.DataFrame:
    """By label and seed: learning rate, test error and exact zeros in per cent, and whether all is as published."""
    keys = ["label", "seed", "learning_rate"]
    test = made.tuned("metrics").query("split == 'test'").set_index(keys)
    active = made.tuned("units").query("step > 0").groupby(keys)["active"].mean()
    error = (100 * (1 - test.accuracy.fillna(0))).rename("error").to_frame()
    return error.join((100 * (1 - active)).rename("zeros")).reset_index().assign(as_published=not scale.cut)


def _table1_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By data set, activation and seed; only ReLU has exact zeros."""
    table = _networks(made, scale)
    table[["dataset", "activation"]] = table.pop("label").str.split(" ", expand=True)
    return table.assign(zeros=table.zeros.where(table.activation == "relu"))


def _figure3_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By strength of the L1 penalty and seed."""
    table = _networks(made, scale).rename(columns={"label": "l1"})
    return table.astype({"l1": float})


def _figure_of_table1(table: pd.DataFrame, note: str) -> Figure:
    datasets, chosen = table.dataset.unique(), looks(table.activation)
    with context():
        figure, axes = panels(len(datasets) + 1, "", "", sharex=False, sharey=False, height=1.1)
        for ax, dataset in zip(axes, datasets, strict=False):
            errors = table[table.dataset == dataset].set_index("activation").error
            _column(ax, {name: errors[name] for name in chosen if name in errors}, ERROR.get(dataset, {}),
                    [look.color for name, look in chosen.items() if name in errors])  # fmt: skip
            means = errors.drop("sigmoid", errors="ignore").groupby(level=0).mean()
            inside = [*means, *ERROR.get(dataset, {}).values()]
            ax.set(title=dataset, ylabel="test error (%)", ylim=(0.9 * min(inside), 1.15 * max(inside)))
        zeros = table[table.activation == "relu"].set_index("dataset").zeros
        _column(axes[-1], {name: zeros[name] for name in datasets}, ZEROS, [chosen["relu"].color] * len(datasets))
        axes[-1].set(title="rectifier", ylabel="exact zeros in hidden layers (%)")
        drawn = (
            "L1 0.001 · points: mean, bars: 95 % t interval, cut at the frame; a sigmoid that does not learn lies "
            f"above it · rings: the paper's numbers · learning rates: {_rates_in_words(table)}"
        )
        return finish(figure, "Glorot, Bordes & Bengio 2011, Table 1, without pre-training", f"{drawn} · {note}")


def _column(ax: Axes, values: dict[str, pd.Series], papers: dict[str, float], colors: list[str]) -> None:
    """Means with intervals, one beside the other, and the paper's numbers."""
    for place, ((name, numbers), color) in enumerate(zip(values.items(), colors, strict=True)):
        mean, low, high = statistics.mean(numbers, within=PER_CENT)
        ax.errorbar(place, mean, [[mean - low], [high - mean]], color=color, marker="o", elinewidth=1.2)
        if name in papers:
            ax.plot(place + 0.25, papers[name], "o", color=color, fillstyle="none", markersize=5)
    ax.set_xticks(range(len(values)), list(values), rotation=45, ha="right", rotation_mode="anchor")
    ax.set_xlim(-0.6, len(values) - 0.4)


def _rates_in_words(table: pd.DataFrame) -> str:
    chosen = table.drop_duplicates(["dataset", "activation"])
    return "; ".join(
        f"{dataset} {rate:g} for {', '.join(rows.activation)}"
        for (dataset, rate), rows in chosen.groupby(["dataset", "learning_rate"], sort=False)
    )


def _table1_cells(table: pd.DataFrame) -> list[Cell]:
    alike = bool(table.as_published.all())
    cells = []
    for dataset, rows in table.groupby("dataset", sort=False):
        for name, paper in ERROR.get(dataset, {}).items():
            errors = rows[rows.activation == name].error
            ours = statistics.mean(errors, within=PER_CENT)
            cells.append(Cell(f"{name}, {dataset}, test error", paper, ours, len(errors), unit="%", alike=alike))
        if dataset in ZEROS:
            zeros = rows[rows.activation == "relu"].zeros
            ours = statistics.mean(zeros, within=PER_CENT)
            cells.append(Cell(f"relu, {dataset}, exact zeros", ZEROS[dataset], ours, len(zeros), unit="%", digits=1,
                              alike=alike))  # fmt: skip
    return cells


def _rectifier_wins(table: pd.DataFrame, where: str) -> list[Part]:
    datasets = table.dataset.unique()
    parts = []
    for dataset in datasets:
        error = table[table.dataset == dataset].pivot(index="seed", columns="activation", values="error")
        parts += differences(error, where, dataset, [("relu", "tanh"), ("relu", "softplus")], Range(high=0),
                             "test error in points", len(datasets))  # fmt: skip
    return parts


def _sparse(table: pd.DataFrame, where: str) -> list[Part]:
    rectifiers = table[table.activation == "relu"]
    datasets = rectifiers.dataset.unique()
    return [
        level(rectifiers[rectifiers.dataset == dataset].zeros, where, dataset, "relu", Range(low=50),
              "exact zeros in hidden layers in per cent", len(datasets))
        for dataset in datasets
    ]  # fmt: skip


TABLE1 = Item(
    name="table1",
    shows="Test error of 3 hidden layers of 1000 without pre-training, and the rectifiers' exact zeros.",
    paper_says="Without pre-training the rectifier has the lowest error: 1.43 % on MNIST, against 1.57 with tanh and "
    "1.77 with softplus; 50.86 % on CIFAR-10, against 52.62 and 53.20. Of its hidden units' outputs 83.4 % (MNIST) and "
    "72.0 % (CIFAR-10) are exact zeros. Batches of 10, a constant learning rate of .1, .01, .001 or .0001.",
    scales={
        "paper": Scale(5, 25000, ("model.width=1000", "train.epochs=100", "learning_rate=[0.1,0.01,0.001,0.0001]")),
        "desk": Scale(3, 36, ("model.width=300", "train.epochs=4", "learning_rate=[0.1,0.01]"),
                      "300 units a layer instead of 1000, 4 epochs, 3 seeds, rates .1 and .01 only."),
        "smoke": Scale(2, 0.3, ("model.width=24", "train.epochs=3", "learning_rate=[0.1,0.01]", *DIGITS),
                       "24 units a layer, 3 epochs on 600 of the 8 x 8 digits, 2 seeds."),
    },
    plan=_table1_plan,
    table=_table1_table,
    figure=_figure_of_table1,
    cells=_table1_cells,
    findings=(
        Finding(
            "glorot2011-rectifier",
            "Without pre-training the rectifier has a lower test error than tanh and softplus.",
            "The test error, ReLU less tanh and ReLU less softplus: below 0.",
            _rectifier_wins,
        ),
        Finding(
            "glorot2011-sparse",
            "Most outputs of a trained rectifier network are exact zeros.",
            "The share of the hidden units' outputs on validation images that are 0: above 50 %.",
            _sparse,
        ),
    ),
    open_points="The L1 penalty of 0.001 is on the activations of every network here, with tanh and "
    "softplus as with rectifiers, a sum over all hidden units; zeros are counted on validation images. The activations "
    "that are not the paper's are trained on MNIST only.",
)  # fmt: skip


def _fit(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The least-squares parabola of error against zeros, of networks that have learned: its places and values."""
    learned = table[table.error < FAILED]
    at = np.linspace(learned.zeros.min(), learned.zeros.max(), 200)
    return at, np.polynomial.Polynomial.fit(learned.zeros, learned.error, 2)(at)


def _figure3(table: pd.DataFrame, note: str) -> Figure:
    color = looks(["relu"])["relu"].color
    with context():
        figure, (ax,) = panels(1, "exact zeros in hidden layers (%)", "test error (%)", height=0.85)
        figure.set_figwidth(6.5)
        learned = table[table.error < FAILED]
        ax.plot(learned.zeros, learned.error, "+", color=color, label="a network")
        ax.plot(*_fit(table), color=color, label="parabola through them")
        ax.plot(list(FIT), list(FIT.values()), "o--", color=GREY, fillstyle="none", linewidth=1,
                label="the paper's parabola, read off")  # fmt: skip
        strengths = learned.groupby("l1")[["zeros", "error"]].mean()
        for strength in (strengths.index[0], strengths.index[-1]):
            ax.annotate(f"L1 {strength:g}", strengths.loc[strength], (-20, 0), textcoords="offset points", fontsize=7,
                        ha="right", va="center", color=color)  # fmt: skip
        ax.legend()
        drawn = (
            f"learning rates chosen: {_listed(table.learning_rate)} · L1: {_listed(table.l1)} · "
            f"{len(table) - len(learned)} networks with an error above {FAILED:g} % are left out"
        )
        return finish(figure, "Glorot, Bordes & Bengio 2011, Figure 3", f"{drawn} · {note}")


def _listed(values: pd.Series) -> str:
    return ", ".join(f"{value:g}" for value in sorted(values.unique()))


def _lowest(table: pd.DataFrame) -> pd.DataFrame:
    """Of the parabola through the networks of each seed: the lowest error, and at how many zeros."""
    rows = []
    for seed, networks in table.groupby("seed"):
        at, error = _fit(networks)
        rows.append({"seed": seed, "error": error.min(), "zeros": at[error.argmin()]})
    return pd.DataFrame(rows).set_index("seed")


def _figure3_cells(table: pd.DataFrame) -> list[Cell]:
    lowest, alike = _lowest(table), bool(table.as_published.all())
    error, zeros = (statistics.mean(lowest[name], within=PER_CENT) for name in ("error", "zeros"))
    n = len(lowest)
    return [
        Cell("lowest error of the parabola", FIT[79], error, n, "read off", "%", alike=alike),
        Cell("zeros at which it lies", 79, zeros, n, "read off", "%", digits=0, alike=alike),
    ]


def _at_strengths(table: pd.DataFrame, chosen: Sequence[float], names: Sequence[str]) -> pd.DataFrame:
    """Test errors at some strengths of the penalty, one row per seed."""
    error = table.pivot(index="seed", columns="l1", values="error")
    return pd.DataFrame({name: error[strength] for name, strength in zip(names, chosen, strict=True)})


def _sparsity_is_free(table: pd.DataFrame, where: str) -> list[Part]:
    zeros = table.groupby("l1").zeros.mean()
    penalised = zeros[(zeros.index > zeros.index.min()) & (zeros <= FREE)]
    if penalised.empty:
        return []  # the weakest penalty leaves more zeros than the claim speaks of
    sparse = penalised.index.max()
    names = f"L1 {sparse:g}, {zeros[sparse]:.0f} % zeros", "no L1"
    errors = _at_strengths(table, (sparse, zeros.index.min()), names)
    return differences(errors, where, "between penalties", [names], Range(high=0.1), "test error in points")


def _too_sparse_hurts(table: pd.DataFrame, where: str) -> list[Part]:
    zeros = table.groupby("l1").zeros.mean()
    sparsest, middle = zeros.idxmax(), (zeros - 79).abs().idxmin()
    names = f"{zeros[sparsest]:.0f} % zeros", f"{zeros[middle]:.0f} % zeros"
    errors = _at_strengths(table, (sparsest, middle), names)
    return differences(errors, where, "between penalties", [names], Range(low=0), "test error in points")


FIGURE3 = Item(
    name="figure3",
    shows="Test error of rectifier networks against their exact zeros, by the strength of the L1 penalty, MNIST.",
    paper_says="200 networks with different penalties. The parabola through them falls from 1.48 % at 72 % zeros to "
    "1.35 at 79 and rises to 1.42 at 85, 1.60 at 90, 1.89 at 95 and 2.31 at 100; the networks scatter between 1.22 and "
    "1.50 below 85 % zeros. Up to about 85 % zeros the error is flat.",
    scales={
        "paper": Scale(20, 33000, ("model.width=1000", "train.epochs=100", "learning_rate=[0.1,0.01]")),
        "desk": Scale(5, 33, ("model.width=300", "train.epochs=6", "learning_rate=0.1"),
                      "300 units a layer instead of 1000, 6 epochs, 5 seeds at each penalty, learning rate .1."),
        "smoke": Scale(2, 0.3, ("model.width=24", "train.epochs=3", "learning_rate=0.1", *DIGITS),
                       "24 units a layer, 3 epochs on 600 of the 8 x 8 digits, 2 seeds."),
    },
    plan=_figure3_plan,
    table=_figure3_table,
    figure=_figure3,
    cells=_figure3_cells,
    findings=(
        Finding(
            "glorot2011-sparsity-is-free",
            "Up to about 85 % zeros sparsity costs no accuracy.",
            "The test error with the strongest penalty that leaves at most 85 % zeros, less that without a penalty: "
            "below 0.1 points.",
            _sparsity_is_free,
        ),
        Finding(
            "glorot2011-too-sparse",
            "Beyond about 85 % zeros the error rises.",
            "The test error of the sparsest networks less that of those nearest to 79 % zeros: above 0.",
            _too_sparse_hurts,
        ),
    ),
    open_points="Which penalties the paper took is not known; the parabola is fitted to each seed's "
    "networks for the numbers and to all of them for the figure, without those whose units the penalty has put out (an "
    f"error above {FAILED:g} %).",
)  # fmt: skip

PAPER = Paper(
    name="glorot2011",
    reference="Glorot, Bordes & Bengio, 2011: Deep Sparse Rectifier Neural Networks, AISTATS",
    about="Rectifiers train deep networks without unsupervised pre-training, and what they learn is sparse: most "
    "outputs are exact zeros. Made again here is what the paper trains without pre-training on MNIST and CIFAR-10.",
    items=(TABLE1, FIGURE3),
    open_points="The paper multiplies the outputs of half of the rectifiers by -1. That is left out, for it changes "
    "nothing here: the sign of a unit can be moved to its outgoing weights, whose initial values are as likely with "
    "the one sign as with the other, and gradient descent goes the same way with both; the L1 penalty does not see it. "
    "Initialization (Glorot & Bengio's), the length of training and standardised pixels are ours. The learning rate is "
    "the one with the highest validation accuracy after training, of one rate for each activation and all seeds.",
)
