"""From the tables of many runs to the one table that compares activations."""

import re
from collections.abc import Callable, Collection, Sequence
from statistics import median
from typing import TYPE_CHECKING

import pandas as pd

from activation_study import selection, statistics

if TYPE_CHECKING:
    from activation_study.runs import Run, Tables

BY = selection.BY
METRICS = ("run", "seed", "learning_rate", "epoch", "split", "loss", "accuracy", "seconds")  # what a summary is made of
LAYERS = ("seed", "learning_rate", "step", "layer", "grad_norm", "saturated", "dead")  # likewise
NOT_OPTIONS = ("name", "depth", "network", "source")  # of a model; the last two are a network of the user's own
OF_THE_BEST = 0.99  # share of the best activation's validation accuracy that is the target


def summary(tables: "Tables", tuning: "Tables | None" = None, target: float | None = None) -> pd.DataFrame:
    """One row for each activation and depth, in the order in which they come.

    Args:
        tables: the replicas that measure the activations.
        tuning: those that chose the learning rates, where they were tuned.
        target: validation accuracy up to which epochs and seconds are counted; None: OF_THE_BEST of the best
            activation's mean after training, at each depth.

    Returns:
        Columns: activation, depth, learning_rate, n (replicas), diverged (of them), accuracy with accuracy_low and
        accuracy_high (mean test accuracy of the replicas that did not diverge and its 95 % bootstrap interval), loss
        likewise (test, nats), gap likewise (accuracy on training data less that on test data), target,
        reached (share of replicas that did), epochs_to_target and seconds_to_target (median; infinite where half of the
        replicas never reach it; seconds a network), off_by_one_step (validation accuracy lost where the rate is one
        step of the grid off), gradient_ratio (gradient norm of the first layer over that of the last hidden layer on
        the initial weights, geometric mean), saturated (share of saturated units over all hidden layers at the end of
        training) and dead (share of units that no validation image activates, likewise).
    """
    metrics = tables.metrics[[*BY, *METRICS]]
    targets = {depth: target or _target(group) for depth, group in metrics.groupby("depth", dropna=False)}
    layers = tables.layers[[*BY, *LAYERS]].groupby(BY, sort=False, dropna=False) if len(tables.layers) else ()
    inside = {key: _inside(group) for key, group in layers}
    grids = dict(list(tuning.metrics.groupby(BY, sort=False, dropna=False))) if tuning else {}
    together = pd.Series({run.name: float(len(run.config["replicas"])) for run in tables.runs})
    groups = list(metrics.groupby(BY, sort=False, dropna=False))
    samples = [_after_training(group) for _, group in groups]
    ends = iter(statistics.intervals(values for sample in samples for values in sample.values()))
    rows = []
    for (key, group), sample in zip(groups, samples, strict=True):
        rates, accuracy = group["learning_rate"].unique(), sample["accuracy"]
        row = dict(zip(BY, key, strict=True)) | {"learning_rate": rates[0] if len(rates) == 1 else float("nan")}
        row |= {"n": len(accuracy), "diverged": int(accuracy.isna().sum())}
        for name, values in sample.items():
            row[name] = values.mean()
            row[f"{name}_low"], row[f"{name}_high"] = next(ends)
        row |= _to_target(group, targets[key[1]], together)
        if key in grids:
            row["off_by_one_step"] = selection.sensitivity(selection.scores(grids[key]))
        rows.append(row | inside.get(key, {}))
    return pd.DataFrame(rows)


def _after_training(metrics: pd.DataFrame) -> dict[str, pd.Series]:
    """Test accuracy, test loss, and training less test accuracy, one number a replica."""
    last = metrics[metrics["epoch"] == metrics["epoch"].max()].set_index(["seed", "learning_rate"])
    test, train = last[last["split"] == "test"], last[last["split"] == "train"]
    return {"accuracy": test["accuracy"], "loss": test["loss"], "gap": train["accuracy"] - test["accuracy"]}


def _target(metrics: pd.DataFrame) -> float:
    last = metrics[(metrics["epoch"] == metrics["epoch"].max()) & (metrics["split"] == "valid")]
    return OF_THE_BEST * float(last.groupby("activation")["accuracy"].mean().max())


def _to_target(metrics: pd.DataFrame, target: float, together: pd.Series) -> dict[str, float]:
    """Median epochs and seconds until a replica's validation accuracy first reaches the target."""
    valid, replica = metrics[metrics["split"] == "valid"].sort_values("epoch"), ["seed", "learning_rate"]
    reached = valid[valid["accuracy"] >= target].drop_duplicates(replica)
    never = [float("inf")] * (len(valid.drop_duplicates(replica)) - len(reached))
    seconds = reached["seconds"] / reached["run"].map(together).astype(float)
    return {
        "target": target,
        "reached": len(reached) / (len(reached) + len(never)),
        "epochs_to_target": float(median([*reached["epoch"], *never])),
        "seconds_to_target": float(median([*seconds, *never])),
    }


def _inside(layers: pd.DataFrame) -> dict[str, float]:
    hidden = layers[layers["layer"] < layers["layer"].max()]
    last = hidden[hidden["step"] == hidden["step"].max()]
    return {
        "gradient_ratio": statistics.geometric_mean(gradient_ratios(hidden[hidden["step"] == 0])),
        "saturated": last["saturated"].mean(),
        "dead": last["dead"].mean(),
    }


def gradient_ratios(hidden: pd.DataFrame) -> pd.Series:
    """Gradient norm of the first layer over that of the last hidden layer, one a replica, at one step."""
    norms = hidden.pivot(index=["seed", "learning_rate"], columns="layer", values="grad_norm")
    return norms.iloc[:, 0] / norms.iloc[:, -1]


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The summary as a person reads it."""
    shown = pd.DataFrame({"activation": table["activation"], "depth": table["depth"]})
    if table["learning_rate"].nunique() > 1:
        shown["learning rate"] = table["learning_rate"].map("{:g}".format)
    shown["test accuracy %"] = percent(table["accuracy"], 1)
    shown["95 % interval"] = _interval(table, "accuracy", lambda shares: percent(shares, 1))
    shown["test loss"] = table["loss"].map(lambda loss: "-" if loss != loss else f"{loss:.3f}")
    shown["train - test, points"] = percent(table["gap"], 1)
    shown["epochs to target"] = table["epochs_to_target"].map(_count)
    shown["seconds to target"] = table["seconds_to_target"].map(lambda s: "never" if s == float("inf") else f"{s:.2g}")
    if "off_by_one_step" in table:
        shown["lost one rate step off, points"] = percent(table["off_by_one_step"], 1)
    if "gradient_ratio" in table:
        shown["gradient norm, first / last"] = table["gradient_ratio"].map("{:.1e}".format)
        shown["saturated %"] = percent(table["saturated"])
        shown["never active %"] = percent(table["dead"])
    if table["diverged"].any():
        shown["diverged"] = table["diverged"].astype(str) + " of " + table["n"].astype(str)
    return shown


def _interval(table: pd.DataFrame, name: str, text: Callable[[pd.Series], pd.Series]) -> pd.Series:
    both = text(table[f"{name}_low"]) + " to " + text(table[f"{name}_high"])
    return both.where(table[f"{name}_low"].notna(), "-")


def _count(epochs: float) -> str:
    return "never" if epochs == float("inf") else f"{epochs:g}"


def percent(shares: pd.Series, digits: int = 0) -> pd.Series:
    """Shares as texts in per cent; a dash where there is none."""
    return shares.map(lambda share: "-" if share != share else f"{round(100 * share, digits) + 0.0:.{digits}f}")


def caption(tables: "Tables", tuning: "Tables | None" = None) -> str:
    """What the numbers are and where they come from: n, scale and hardware, in one sentence each."""
    from activation_study.runs.identity import names  # its package brings torch, which figures do without

    config = tables.runs[0].config["config"]
    seeds = tables.metrics.groupby(BY, dropna=False)["seed"].nunique()
    n = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    dataset, train = config["dataset"], config["train"]
    options = {key: value for key, value in config["model"].items() if key not in NOT_OPTIONS}
    model = ", ".join(f"{key} {value}" for key, value in options.items())
    dataset_name, model_name = names(config)
    images = f" ({dataset['train_limit']} training images)" if dataset.get("train_limit") else ""
    return (
        f"{dataset_name}{images}, {model_name}{f' ({model})' if model else ''}, {train['epochs']} epochs in batches of "
        f"{train['batch_size']}, {config['optimizer']['name']} at {_rates(tables, tuning)}, {config['init']['name']} "
        f"initialization; {n} seeds; scale {', '.join(sorted(tables.metrics['scale'].unique()))}; "
        f"{', '.join(hardware(tables.runs))}. "
        "Mean test accuracy with its 95 % bootstrap interval over seeds, mean test loss in nats, training less test "
        "accuracy; a diverged network has none of them and is counted. Target: "
        f"{100 * OF_THE_BEST:g} % of the best activation's mean validation accuracy, unless given; epochs, and seconds "
        "a network on the machine as loaded as it was, until half of the networks are there. Gradient norm of the "
        "first over the last hidden layer's weights before training; saturated units, and units that no validation "
        "image activates, after training."
    )


def _rates(tables: "Tables", tuning: "Tables | None") -> str:
    if tuning is None:
        rates = sorted(tables.metrics["learning_rate"].unique())
        return f"learning rate {', '.join(f'{rate:g}' for rate in rates)}"
    seeds = tuning.metrics["seed"].nunique()
    return f"the learning rate that is best on validation data over {seeds} other seeds"


def hardware(runs: "Sequence[Run]") -> list[str]:
    """The devices that the runs were made on."""
    return sorted({run.environment["device"] for run in runs})


def markdown(table: pd.DataFrame, markup: Collection[str] = ()) -> str:
    """A table of texts in Markdown.

    Args:
        table: its cells and columns may hold any letters.
        markup: columns that are in Markdown already.
    """
    escape = [_in_cell if column in markup else as_markdown for column in table.columns]
    rows = [[change(cell) for change, cell in zip(escape, row, strict=True)] for row in table.astype(str).to_numpy()]
    lines: list[Sequence[str]] = [[as_markdown(str(name)) for name in table.columns], ["---"] * len(escape), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_markdown(text: str) -> str:
    """A text such that Markdown shows it as it is: `$` starts no formula, `_` nothing slanted, `|` no new cell."""
    return " ".join(re.sub(r"([\\`*_$<|~]|\](?=\())", r"\\\1", text).splitlines())


def as_code(text: str) -> str:
    """A text as code in a line of Markdown, between more backticks than it holds side by side."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}{text}{ticks}" if ticks == "`" else f"{ticks} {text} {ticks}"


def _in_cell(markup: str) -> str:
    return " ".join(markup.replace("|", r"\|").splitlines())


LATEX = {
    **{letter: rf"\{letter}" for letter in "{}$&%#_"},
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "\n": " ",
}  # fmt: skip


def latex(table: pd.DataFrame) -> str:
    """A table of texts, of any letters, as a LaTeX tabular with booktabs' rules."""
    header, *rows = [" & ".join(map(_as_latex, line)) + r" \\" for line in [table.columns, *table.to_numpy()]]
    lines = [rf"\begin{{tabular}}{{{'l' * len(table.columns)}}}", r"\toprule", header, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _as_latex(cell: object) -> str:
    text = "".join(LATEX.get(letter, letter) for letter in str(cell))
    return re.sub(r"^([\[*])", r"{\1}", text)  # behind the end of a row these would be its options
