"""Tables of a comparison as a person reads them: as texts, with what their columns mean, and in Markdown."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from activation_study.comparison.differences import has_interval
from activation_study.comparison.summary import BY, OF_THE_BEST
from activation_study.comparison.variants import WORDS, differing, kind, quoted, shared
from activation_study.runs.identity import names

if TYPE_CHECKING:
    from activation_study.runs import Run, Tables

NOT_OPTIONS = ("name", "network", "source")  # of a model; the last two are a network of the user's own
TRAINING = {"epochs": "{} epochs", "batch_size": "batches of {}"}


def of_summary(table: pd.DataFrame, compared: str = "activation") -> pd.DataFrame:
    """The summary as a person reads it; `compared` is the heading of what is compared, see `variants.kind`."""
    shown = pd.DataFrame({compared: table["variant"], "depth": table["depth"]})
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


def of_differences(table: pd.DataFrame, compared: str = "activation") -> pd.DataFrame:
    """The differences as a person reads them, without the reference's own row; `compared` as in `of_summary`."""
    others = table[table["variant"] != table["reference"]]
    if others.empty:
        return pd.DataFrame()
    shown = pd.DataFrame({compared: others["variant"], "depth": others["depth"]})
    shown["against"] = others["reference"]
    shown["difference, points"] = (100 * others["difference"]).map("{:+.2f}".format)
    ends = [(100 * others[end]).map("{:+.2f}".format) for end in ("low", "high")]
    shown["95 % interval, joint"] = (ends[0] + " to " + ends[1]).where(has_interval(others), "-")
    ends = [others[f"improvement_{end}"].map("{:.2f}".format) for end in ("low", "high")]
    shown["probability of improvement"] = (
        others["improvement"].map("{:.2f}".format) + " [" + ends[0] + ", " + ends[1] + "]"
    )
    shown["comes first %"] = (100 * others["first"]).map("{:.0f}".format)
    return shown


def percent(shares: pd.Series, digits: int = 0) -> pd.Series:
    """Shares as texts in per cent; a dash where there is none."""
    return shares.map(lambda share: "-" if share != share else f"{round(100 * share, digits) + 0.0:.{digits}f}")


def studied(metrics: pd.DataFrame) -> str:
    """The data set and the network that some metrics are of, or several."""
    return ", ".join(str(name) for key in ("dataset", "model") for name in metrics[key].unique())


def caption(tables: "Tables", tuning: "Tables | None" = None) -> str:
    """Where the numbers come from: what all share, what differs, n, scale and hardware."""
    seeds = tables.metrics.groupby(BY, dropna=False)["seed"].nunique()
    n = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    return (
        f"{', '.join(filter(None, _setting(tables, tuning)))}; {n} seed{'' if n == '1' else 's'}; "
        f"scale {', '.join(sorted(tables.metrics['scale'].unique()))}; {', '.join(hardware(tables.runs))}."
    )


def definitions(columns: Iterable[str], compared: str = "activation", target: float | None = None) -> dict[str, str]:
    """What columns of the two tables mean, by their headings; those that need no word are left out.

    Args:
        columns: headings of `of_summary` and `of_differences`.
        compared: as in `of_summary`.
        target: validation accuracy up to which epochs are counted, if one was given.
    """
    if target is None:
        aim = f"{100 * OF_THE_BEST:g} % of the mean validation accuracy of the best {compared}"
    else:
        aim = f"a validation accuracy of {100 * target:g} %"
    meanings = {
        "learning rate": f"the one that is best for each {compared} and depth, on validation images and other seeds.",
        "test accuracy %": "mean over the seeds, after the last epoch.",
        "95 % interval": "of this mean; Student's t over the seeds. None where a network diverged.",
        "test loss": "mean over the seeds, in nats.",
        "train - test, points": "training accuracy less test accuracy, in percentage points.",
        "epochs to target": f"epochs until half of the networks reach {aim}.",
        "training loss over the epochs": "mean over the epochs, in nats, without that before training: how "
        "fast it learns.",
        "at learning rate": "the rate at which that loss is lowest, on other seeds.",
        "lost one rate step off, points": "validation accuracy lost where the rate is one step of the grid off.",
        "gradient norm, first / last": "that of the weights of the first hidden layer over that of the last, before "
        "training. 1: the gradient stays about the same size. Near 0: it vanishes.",
        "saturated %": "share of units that are where the function is flat because it nears a bound, after training.",
        "never active %": "share of units that no validation image activates, after training.",
        "diverged": "networks whose loss is no longer finite. Each counts with accuracy 0, and with the training loss "
        "that it began with. It is left out of every other mean.",
        "difference, points": "test accuracy less that of the reference, in percentage points, paired by seed.",
        "95 % interval, joint": "holds for all differences at a depth together (Bonferroni). None where "
        "a network of the two diverged.",
        "probability of improvement": "that a network is better than one of the reference; bootstrap interval.",
        "comes first %": "share of bootstrap resamples of the seeds in which its mean is the highest.",
    }
    return {column: meanings[column] for column in columns if column in meanings}


def _setting(tables: "Tables", tuning: "Tables | None") -> Iterator[str]:
    """What all runs share, and then what differs among them."""
    configs = list({id(config): config for config in (run.config["config"] for run in tables.runs)}.values())
    same, compared = shared(configs), kind(tables.metrics)
    images = f" ({same['dataset']['train_limit']} training images)" if same["dataset"].get("train_limit") else ""
    yield f"{names(configs[0])[0]}{images}"
    options = ", ".join(f"{key} {value}" for key, value in same["model"].items() if key not in NOT_OPTIONS)
    if len(models := {names(config)[1] for config in configs}) == 1:
        yield f"{models.pop()}{f' ({options})' if options else ''}"
    elif options:
        yield options
    if compared == "variant" and len(activations := set(tables.metrics["activation"])) == 1:
        yield activations.pop()
    yield " in ".join(text.format(same["train"][key]) for key, text in TRAINING.items() if key in same["train"])
    yield " at ".join(filter(None, (same["optimizer"].get("name"), _rates(tables, tuning))))
    if "name" in same["init"]:
        yield f"{same['init']['name']} initialization"
    if compared == "variant":
        for group, called in differing(configs).items():
            yield f"{WORDS.get(group, group)} differs: {', '.join(map(quoted, dict.fromkeys(called)))}"


def _rates(tables: "Tables", tuning: "Tables | None") -> str:
    if tuning is None:
        rates = sorted(tables.metrics["learning_rate"].unique())
        return f"learning rate {', '.join(f'{rate:g}' for rate in rates)}"
    seeds = tuning.metrics["seed"].nunique()
    others = f"{seeds} other seed{'' if seeds == 1 else 's'}"
    return f"the learning rate that is best on validation data over {others}"


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
