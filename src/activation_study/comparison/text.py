"""Tables of a comparison as a person reads them: as texts, captions, Markdown and LaTeX."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from activation_study.comparison import quantities
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
    shown["95 % interval, joint"] = (ends[0] + " to " + ends[1]).where(others["low"].notna(), "-")
    ends = [others[f"improvement_{end}"].map("{:.2f}".format) for end in ("low", "high")]
    shown["probability of improvement"] = (
        others["improvement"].map("{:.2f}".format) + " [" + ends[0] + ", " + ends[1] + "]"
    )
    shown["comes first %"] = (100 * others["first"]).map("{:.0f}".format)
    return shown


def percent(shares: pd.Series, digits: int = 0) -> pd.Series:
    """Shares as texts in per cent; a dash where there is none."""
    return shares.map(lambda share: "-" if share != share else f"{round(100 * share, digits) + 0.0:.{digits}f}")


def caption(tables: "Tables", tuning: "Tables | None" = None) -> str:
    """What the numbers are and where they come from: what all share, what differs, n, scale and hardware."""
    seeds = tables.metrics.groupby(BY, dropna=False)["seed"].nunique()
    n = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    return (
        f"{', '.join(filter(None, _setting(tables, tuning)))}; {n} seeds; "
        f"scale {', '.join(sorted(tables.metrics['scale'].unique()))}; {', '.join(hardware(tables.runs))}. "
        "Mean test accuracy with its 95 % t interval over seeds, mean test loss in nats, training less test accuracy. "
        f"{_told_of_target(tables)}Training loss in nats, the mean over the epochs (area under its curve)"
        f"{', at the rate at which it is lowest on the tuning seeds' if tuning else ''}. {_told_of_layers(tables)}"
        f"Everywhere {quantities.RULE}; of what else is measured it has no value."
    )


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


def _has_validation(tables: "Tables") -> bool:
    return "valid" in set(tables.metrics["split"])


def _told_of_target(tables: "Tables") -> str:
    if not _has_validation(tables):
        return ""
    best = f"{100 * OF_THE_BEST:g} % of the best {kind(tables.metrics)}'s mean validation accuracy"
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
