"""From the tables of many runs to the one table that compares activations."""

import re
from collections.abc import Callable, Collection, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from activation_study import quantities, selection
from activation_study.quantities import ACCURACY, DEAD, GAP, GRADIENT_RATIO, LOSS, SATURATED, TRAINING_LOSS
from activation_study.statistics import Estimate

if TYPE_CHECKING:
    from activation_study.runs import Run, Tables

BY = selection.BY
NOT_OPTIONS = ("name", "depth", "network", "source")  # of a model; the last two are a network of the user's own
OF_THE_BEST = 0.99  # share of the best activation's validation accuracy that is the target
AFTER_TRAINING = {"accuracy": ACCURACY, "loss": LOSS, "gap": GAP}
INSIDE = {"gradient_ratio": GRADIENT_RATIO, "saturated": SATURATED, "dead": DEAD}


def summary(
    tables: "Tables", tuning: "Tables | None" = None, target: float | None = None, fast: "Tables | None" = None
) -> pd.DataFrame:
    """One row for each activation and depth, in the order in which they come.

    Args:
        tables: the replicas that measure the activations.
        tuning: those that chose the learning rates, where they were tuned.
        target: validation accuracy up to which epochs are counted; None: OF_THE_BEST of the best activation's mean
            after training, at each depth.
        fast: the replicas at the rates that were chosen for speed, where they were tuned.

    Returns:
        Columns: activation, depth, learning_rate, n (replicas), diverged (of them), accuracy with accuracy_low and
        accuracy_high, loss (test) and gap likewise, target, reached (share of replicas that did), epochs_to_target
        (median; infinite where half of the replicas never reach it), training_loss (mean over the epochs) with its
        ends and fast_rate, the learning rate at which it was measured, off_by_one_step (validation accuracy lost where
        the rate is one step of the grid off), gradient_ratio (before training), saturated and dead (after training).
        What these are is in `quantities`; each is a mean over replicas, its ends those of its 95 % interval. What was
        not measured, for want of probes or of validation images, has no column, or no values.
    """
    fast = fast or tables
    lost = _by_key(quantities.diverged(tables.metrics))
    after = {name: _by_key(quantity.of(tables)) for name, quantity in AFTER_TRAINING.items()}
    inside = {name: _by_key(quantity.of(tables)) for name, quantity in INSIDE.items()} if len(tables.layers) else {}
    losses, grids = _by_key(TRAINING_LOSS.of(fast)), _grouped(tuning.metrics) if tuning else {}
    fast_rates = fast.metrics.drop_duplicates(BY).set_index(BY)["learning_rate"]
    epochs = _epochs_to_target(tables.metrics, target) if _has_validation(tables) else {}
    rows = []
    for key, group in _grouped(tables.metrics).items():
        rates = group["learning_rate"].unique()
        row = dict(zip(BY, key, strict=True)) | {"learning_rate": rates[0] if len(rates) == 1 else float("nan")}
        row |= {"n": len(lost[key]), "diverged": int(lost[key].sum())}
        for name, quantity in AFTER_TRAINING.items():
            row |= _with_ends(name, quantity.mean(after[name][key]))
        row |= epochs.get(key, {})
        row |= _with_ends("training_loss", TRAINING_LOSS.mean(losses[key])) | {"fast_rate": fast_rates[key]}
        if key in grids:
            row["off_by_one_step"] = selection.sensitivity(selection.scores(grids[key]))
        for name, quantity in INSIDE.items():
            if name in inside:
                row[name] = quantity.mean(inside[name][key]).value
        rows.append(row)
    return pd.DataFrame(rows)


def _grouped(metrics: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    return dict(list(metrics.groupby(BY, sort=False)))


def _by_key(values: pd.Series) -> dict[Any, pd.Series]:
    return dict(list(values.groupby(level=BY)))


def _with_ends(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _epochs_to_target(metrics: pd.DataFrame, target: float | None) -> dict[Any, dict[str, float]]:
    """The target, the share of replicas that reach it, and their median epochs, by activation and depth."""
    found = {}
    accuracy = quantities.VALIDATION_ACCURACY.per_replica(metrics)
    for depth, group in metrics.groupby("depth", sort=False):
        best = accuracy.xs(depth, level="depth").groupby("activation").mean().max()
        aim = OF_THE_BEST * float(best) if target is None else target
        for key, epochs in _by_key(quantities.epochs_to(group, aim)).items():
            reached = float(np.isfinite(epochs).mean())
            found[key] = {"target": aim, "reached": reached, "epochs_to_target": float(median(epochs))}
    return found


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The summary as a person reads it."""
    shown = pd.DataFrame({"activation": table["activation"], "depth": table["depth"]})
    if table["learning_rate"].nunique() > 1:
        shown["learning rate"] = table["learning_rate"].map("{:g}".format)
    shown["test accuracy %"] = percent(table["accuracy"], 1)
    shown["95 % interval"] = _interval(table, "accuracy", lambda shares: percent(shares, 1))
    shown["test loss"] = table["loss"].map(lambda loss: "-" if loss != loss else f"{loss:.3f}")
    shown["train - test, points"] = percent(table["gap"], 1)
    if "epochs_to_target" in table:
        shown["epochs to target"] = table["epochs_to_target"].map(_count)
    shown["training loss over the epochs"] = table["training_loss"].map("{:.3g}".format)
    if (table["fast_rate"] != table["learning_rate"]).any():
        shown["at learning rate"] = table["fast_rate"].map("{:g}".format)
    if "off_by_one_step" in table:
        shown["lost one rate step off, points"] = percent(table["off_by_one_step"], 1)
    if "gradient_ratio" in table:
        shown["gradient norm, first / last"] = table["gradient_ratio"].map("{:.1e}".format)
        shown["saturated %"] = percent(table["saturated"])
        if table["dead"].notna().any():
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
        "Mean test accuracy with its 95 % t interval over seeds, mean test loss in nats, training less test accuracy. "
        f"{_told_of_target(tables)}Training loss in nats, the mean over the epochs (area under its curve)"
        f"{', at the rate at which it is lowest on the tuning seeds' if tuning else ''}. {_told_of_layers(tables)}"
        f"Everywhere {quantities.RULE}; of what else is measured it has no value."
    )


def _has_validation(tables: "Tables") -> bool:
    return "valid" in set(tables.metrics["split"])


def _told_of_target(tables: "Tables") -> str:
    if not _has_validation(tables):
        return ""
    best = f"{100 * OF_THE_BEST:g} % of the best activation's mean validation accuracy"
    return f"Target: {best}, unless given; epochs until half of the networks are there. "


def _told_of_layers(tables: "Tables") -> str:
    if not len(tables.layers):
        return ""
    dead = ", and units that no validation image activates," if _has_validation(tables) else ""
    first = "Gradient norm of the first over the last hidden layer's weights before training"
    return f"{first}; saturated units{dead} after training. "


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
