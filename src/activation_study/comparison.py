"""From the tables of many runs to the one table that compares activations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from activation_study import statistics
from activation_study.runs import Run, Tables, files

BY = ["activation", "depth"]


def summary(tables: Tables) -> pd.DataFrame:
    """One row for each activation and depth, in the order in which they come.

    Columns: activation, depth, n (replicas), diverged (of them), accuracy with accuracy_low and accuracy_high (mean
    test accuracy of the replicas that did not diverge and its 95 % bootstrap interval), gradient_ratio (gradient norm
    of the first layer over that of the last hidden layer on the initial weights, geometric mean), saturated (share of
    saturated units over all hidden layers at the end of training) and dead (share of units that no validation image
    activates, likewise).
    """
    rows = []
    layers = dict(list(tables.layers.groupby(BY, sort=False))) if len(tables.layers) else {}
    for key, metrics in tables.metrics.query("split == 'test'").groupby(BY, sort=False):
        accuracy = metrics["accuracy"]
        low, high = statistics.interval(accuracy)
        row = dict(zip(BY, key, strict=True)) | {
            "n": len(accuracy),
            "diverged": int(accuracy.isna().sum()),
            "accuracy": accuracy.mean(),
            "accuracy_low": low,
            "accuracy_high": high,
        }
        if key in layers:
            row |= _inside(layers[key])
        rows.append(row)
    return pd.DataFrame(rows)


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
    shown["test accuracy %"] = percent(table["accuracy"], 1)
    interval = percent(table["accuracy_low"], 1) + " to " + percent(table["accuracy_high"], 1)
    shown["95 % interval"] = interval.where(table["accuracy_low"].notna(), "-")
    if "gradient_ratio" in table:
        shown["gradient norm, first / last"] = table["gradient_ratio"].map("{:.1e}".format)
        shown["saturated %"] = percent(table["saturated"])
        shown["never active %"] = percent(table["dead"])
    if table["diverged"].any():
        shown["diverged"] = table["diverged"].astype(str) + " of " + table["n"].astype(str)
    return shown


def percent(shares: pd.Series, digits: int = 0) -> pd.Series:
    """Shares as texts in per cent; a dash where there is none."""
    return shares.map(lambda share: "-" if share != share else f"{100 * share:.{digits}f}")


def caption(tables: Tables) -> str:
    """What the numbers are and where they come from: n, scale and hardware, in one sentence each."""
    config = tables.runs[0].config["config"]
    rates = sorted(tables.metrics["learning_rate"].unique())
    seeds = tables.metrics.groupby(BY)["seed"].nunique()
    n = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    dataset, train = config["dataset"], config["train"]
    model = ", ".join(f"{key} {value}" for key, value in config["model"].items() if key not in ("name", "depth"))
    images = f" ({dataset['train_limit']} training images)" if dataset["train_limit"] else ""
    return (
        f"{dataset['name']}{images}, {config['model']['name']} ({model}), {train['epochs']} epochs in batches of "
        f"{train['batch_size']}, {config['optimizer']['name']} at learning rate "
        f"{', '.join(f'{rate:g}' for rate in rates)}, {config['init']['name']} initialization; {n} seeds; "
        f"scale {', '.join(sorted(tables.metrics['scale'].unique()))}; {', '.join(hardware(tables.runs))}. "
        "Mean test accuracy with its 95 % bootstrap interval over seeds; gradient norm of the first over the last "
        "hidden layer's weights before training; saturated units, and units that no validation image activates, after "
        "training."
    )


def hardware(runs: Sequence[Run]) -> list[str]:
    """The devices that the runs were made on."""
    return sorted({run.environment["device"] for run in runs})


def save_summary(table: pd.DataFrame, text: str, command: str, out: Path) -> list[Path]:
    """Writes the summary as summary.csv and, with its caption and the command that makes it again, as summary.md."""
    files.write_text(out / "summary.csv", table.to_csv(index=False, float_format="%.6g"))
    files.write_text(out / "summary.md", f"{text}\n\n{markdown(as_text(table))}\nMade by `{command}`.\n")
    return [out / "summary.csv", out / "summary.md"]


def markdown(table: pd.DataFrame) -> str:
    """A table of texts in Markdown."""
    lines: list[Sequence[Any]] = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
