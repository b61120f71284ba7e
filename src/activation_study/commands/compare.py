"""What `compare.py` does: it tunes, trains, compares and says what can be concluded."""

import shlex
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from omegaconf import DictConfig

from activation_study.commands import estimate
from activation_study.commands.choices import choices as choices_of
from activation_study.commands.cli import overrides_given
from activation_study.comparison import latex, selection, sentences, text
from activation_study.comparison.differences import differences, reference_of
from activation_study.comparison.selection import PURPOSES
from activation_study.comparison.summary import summary
from activation_study.comparison.variants import kind, labelled, labels
from activation_study.config import settings
from activation_study.errors import StudyError, refuse, shown
from activation_study.figures import draw, learning_rates, save
from activation_study.runs import Tables, files, read_runs
from activation_study.runs.identity import configuration_hash
from activation_study.training.holders import held, holders


def compare(config: DictConfig) -> None:
    """Tunes and trains each variant at each depth unless that is done already; prints and saves what comes out."""
    given = [one for one in overrides_given() if not one.startswith("missing=")]  # which changes no result
    asked, choices, tuning = prepared(config, given)  # a mistake ends the command before anything is trained
    if asked["missing"] == "train":
        print(estimate.sentence(choices, tuning), flush=True)
    measured = measure(choices, tuning, asked["missing"])
    _report(measured, asked, " ".join(["python experiments/compare.py", *map(shlex.quote, given)]))


class Measured(NamedTuple):
    """What a comparison is made of.

    Attributes:
        tables: the replicas that measure the variants, at the rates that are best for accuracy.
        fast: those at the rates that are best for speed.
        grids: those that chose the rates, where they were tuned.
    """

    tables: Tables
    fast: Tables
    grids: Tables | None


def measure(choices: Sequence[dict[str, Any]], tuning: dict[str, Any] | None, missing: str = "train") -> Measured:
    """Tunes each of the choices, and reads the replicas that measure it.

    Args:
        choices: settings of each variant at each depth.
        tuning: grid, seeds and widenings of the choice of the learning rate, if there is one.
        missing: what is done about replicas that are not trained yet: "train", or "refuse".
    """
    grids: list[Tables] = []
    measured: dict[str, list[Tables]] = {purpose: [] for purpose in PURPOSES}
    for chosen, variant in zip(choices, labels(choices), strict=True):
        rates = dict.fromkeys(PURPOSES, chosen["learning_rate"])
        if tuning:
            grid = tune(chosen, tuning["seeds"], tuning["rates"], tuning["widenings"], missing)
            grids.append(labelled(grid, variant))
            scores = selection.scores(grids[-1].metrics)
            rates = {purpose: [selection.best(scores, purpose)] for purpose in PURPOSES}
            chosen = chosen | {"learning_rate": sorted({rate for [rate] in rates.values()})}
        runs = labelled(read_runs(holders(chosen, missing)), variant)
        for purpose in PURPOSES:
            measured[purpose].append(selection.only(runs, chosen["seeds"], rates[purpose]))
    tables, fast = (selection.joined(measured[purpose]) for purpose in PURPOSES)
    _refuse_mixed_data(tables)
    return Measured(tables, fast, selection.joined(grids) if grids else None)


def prepared(
    config: DictConfig, given: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any] | None]:
    """The settings of a comparison, those of all that is to be trained, and how learning rates are tuned, if they are.

    Args:
        config: the composed configuration.
        given: the overrides that it was composed of.

    Raises:
        StudyError: anything of it makes no sense.
    """
    asked = settings(config, "compare")
    if (objective := asked["objective"]["name"]) != "classification":
        refuse("objective.name", objective, "a comparison judges by accuracy; train.py trains for other objectives")
    tuning = _tuning(asked)
    choices = choices_of(asked, given)
    _refuse_other_scales(choices)
    return asked, choices, tuning


def _report(measured: Measured, asked: dict[str, Any], command: str) -> None:
    """Saves everything, and only then prints it: a terminal that cannot show it loses nothing."""
    out, grids = Path(asked["out"]), measured.grids
    texts, said = written(measured, asked, command)
    for name, content in texts.items():
        files.write_text(out / name, content)
    paths = [out / name for name in texts]
    paths += draw(measured.tables, out, differences={"reference": asked["reference"]})
    if grids:
        paths.append(save(learning_rates(grids.metrics), out / "learning_rates")[0])
    print(f"{said}\n", *paths, sep="\n")


def written(measured: Measured, asked: dict[str, Any], command: str) -> tuple[dict[str, str], str]:
    """The files that a comparison writes, but for its figures, by name, and what it prints.

    Args:
        measured: what it is made of.
        asked: its settings.
        command: the one that made it.
    """
    tables, fast, grids = measured
    table = summary(tables, grids, asked["target"], fast)
    against = differences(tables.metrics, reference_of(tables.metrics, asked["reference"]))
    compared, setting = kind(tables.metrics), text.caption(tables, grids)
    shown = [text.of_summary(table, compared), text.of_differences(against, compared)]
    shown = [part for part in shown if len(part)]
    answers, limits = sentences.by_depth(against, tables, asked["margin"]), sentences.limits(tables, grids)
    meanings = text.definitions(chain.from_iterable(shown), compared, asked["target"])
    title = f"Which {compared}? {text.studied(tables.metrics)}"
    texts = {
        "summary.md": _page(title, answers, limits, setting, shown, meanings, command),
        "summary.tex": latex.table(table, against, compared, setting, Path(asked["out"]).name),
    }
    tidy = {"summary": table, "differences": against}
    if grids:
        tidy["learning_rates"] = pd.concat(
            selection.scores(group).assign(variant=key[0], depth=key[1])
            for key, group in grids.metrics.groupby(selection.BY, sort=False, dropna=False)
        )
    texts |= {f"{name}.csv": part.to_csv(index=False, float_format="%.6g") for name, part in tidy.items()}
    printed = [f"\n{part.to_string(index=False)}\n" for part in shown]
    return texts, "\n".join([*printed, *chain.from_iterable(answers), "", *limits, "", setting])


def _page(
    title: str, answers: Sequence[Sequence[str]], limits: Sequence[str], setting: str, shown: Sequence[pd.DataFrame],
    meanings: dict[str, str], command: str,
) -> str:  # fmt: skip
    """summary.md: the answer by depth, what it does not cover, the tables, and what their columns mean."""
    plain = text.as_markdown
    parts = [
        f"# {plain(title)}\n",
        *(f"{'  ' if number else ''}- {plain(one)}" for said in answers for number, one in enumerate(said)),
        "\n## Limits\n",
        *(f"- {plain(limit)}" for limit in limits),
        f"\n## Numbers\n\n{plain(setting)}\n",
        *map(text.markdown, shown),
        "## What the columns mean\n",
        *(f"- **{plain(column)}**: {plain(meaning)}" for column, meaning in meanings.items()),
        f"\nMade by {text.as_code(command)}.\n",
    ]
    return "\n".join(parts)


def tune(
    settings: dict[str, Any], seeds: Sequence[int], rates: Sequence[float], widenings: int, missing: str = "train"
) -> Tables:
    """Trains a grid of learning rates, as replicas of one run, and goes on while the best of them lies at an edge.

    Args:
        settings: one configuration, as `config.settings` gives it.
        seeds: the seeds that judge each rate.
        rates: the grid to begin with.
        widenings: how many rates may be added beyond the edges.
        missing: what is done about replicas that are not trained yet: "train", or "refuse".

    Returns:
        The replicas of the whole grid.
    """
    rates = sorted(rates)
    while True:
        asked = settings | {"seeds": list(seeds), "learning_rate": rates}
        tables = selection.only(read_runs(holders(asked, missing)), seeds, rates)
        table = selection.scores(tables.metrics)
        new = next(
            filter(None, (selection.beyond(rates, selection.best(table, purpose)) for purpose in PURPOSES)), None
        )
        if new is None or widenings == 0:
            return tables
        rates, widenings = sorted([*rates, new]), widenings - 1


def _tuning(asked: dict[str, Any]) -> dict[str, Any] | None:
    """The grid of learning rates and the seeds that judge it; None where no rate is tuned."""
    tune, rates = asked["tune"], asked["learning_rate"]
    if asked["dataset"]["valid_size"] == 0:
        without = "dataset.valid_size=0 leaves no validation images"
        if tune["rates"] is not None:
            refuse("tune.rates", tune["rates"], f"{without} to choose by; give tune.rates=null, or some of them")
        if asked["target"] is not None:
            refuse("target", asked["target"], f"{without} to reach it on; give target=null, or some of them")
    if tune["rates"] is None:
        if len(rates) > 1:
            text = f"without tuning a comparison has one rate; to choose among them give tune.rates={shown(rates)}"
            refuse("learning_rate", rates, text)
        return None
    if both := sorted(set(tune["seeds"]) & set(asked["seeds"])):
        text = f"{', '.join(map(str, both))} would choose the learning rate and measure it"
        refuse("tune.seeds", tune["seeds"], f"{text}; give seeds that are not in seeds")
    return tune | {"rates": [float(rate) for rate in tune["rates"]]}


def _refuse_other_scales(choices: Sequence[dict[str, Any]]) -> None:
    """The same configuration under the name of another scale would stand in a table that says this one."""
    for chosen in choices:
        for run in held(chosen["runs_dir"], configuration_hash(chosen)).values():
            if run.config["scale"] != chosen["scale"]:
                raise StudyError(
                    f"scale={chosen['scale']}: {run.folder.name} was trained with scale={run.config['scale']}, and "
                    "scales are not mixed; choose that one, or give another runs_dir."
                )


def _refuse_mixed_data(tables: Tables) -> None:
    """Variants are only compared on the same images."""
    by_checksum = {run.environment["data"]: run for run in tables.runs}
    if len(by_checksum) > 1:
        one, other, *_ = by_checksum.values()
        raise StudyError(
            f"dataset={one.config['config']['dataset']['name']}: {one.folder.name} and {other.folder.name} were "
            "trained on different data; give another runs_dir."
        )
