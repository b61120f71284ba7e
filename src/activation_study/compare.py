"""What `compare.py` does: it tunes, trains, compares and says what can be concluded."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from activation_study import comparison, estimate, selection, verdict
from activation_study import config as configuration
from activation_study.config import listed, settings
from activation_study.errors import StudyError
from activation_study.figures import learning_rates, save
from activation_study.report import draw
from activation_study.runs import Tables, files, read_runs
from activation_study.runs.execute import execute
from activation_study.runs.identity import configuration_hash, label
from activation_study.runs.planning import finished
from activation_study.selection import PURPOSES


def compare(config: DictConfig) -> None:
    """Tunes and trains each activation at each depth unless that is done already; prints and saves what comes out."""
    given: list[str] = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)  # type: ignore[assignment]
    choices, tuning = prepared(config, given)  # a mistake ends the command before anything is trained
    print(estimate.sentence(choices, tuning), flush=True)
    grids: list[Tables] = []
    measured: dict[str, list[Tables]] = {purpose: [] for purpose in PURPOSES}
    for chosen in choices:
        rates = dict.fromkeys(PURPOSES, chosen["learning_rate"])
        if tuning:
            grids.append(selection.tune(chosen, tuning["seeds"], tuning["rates"], tuning["widenings"]))
            scores = selection.scores(grids[-1].metrics)
            rates = {purpose: [selection.best(scores, purpose)] for purpose in PURPOSES}
            chosen["learning_rate"] = sorted({rate for [rate] in rates.values()})
        runs = read_runs(execute(chosen, wait=True))
        for purpose in PURPOSES:
            measured[purpose].append(selection.only(runs, chosen["seeds"], rates[purpose]))
    command = " ".join(["python experiments/compare.py", *map(shlex.quote, given)])
    tables, fast = (_joined(measured[purpose]) for purpose in PURPOSES)
    _refuse_mixed_data(tables)
    _report(tables, fast, _joined(grids) if grids else None, config, command)


def prepared(config: DictConfig, given: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The settings of what is to be trained, and how its learning rates are tuned, if they are.

    Args:
        config: the composed configuration.
        given: the overrides that it was composed of.

    Raises:
        StudyError: anything of it makes no sense.
    """
    settings(config)
    tuning = _tuning(config)
    if config.target is not None:
        configuration.check_number("target", config.target, 0, 1)
    depths = listed(config.depths or [config.model.get("depth")])
    choices = [
        settings(compose("compare", [*given, *_overrides(activation, depth)]))
        for depth in depths
        for activation in listed(config.activations)
    ]
    labels = list(dict.fromkeys(label(chosen["activation"]) for chosen in choices))
    if config.reference not in (None, "relu", *labels):
        raise StudyError(
            f"reference={config.reference}: it is not among the activations; choose one of {', '.join(labels)}."
        )
    _refuse_other_scales(choices)
    files.check_folder("out", Path(config.out))
    return choices, tuning


def _report(tables: Tables, fast: Tables, grids: Tables | None, config: DictConfig, command: str) -> None:
    """Saves everything, and only then prints it: a terminal that cannot show it loses nothing."""
    out, metrics = Path(config.out), tables.metrics
    table = comparison.summary(tables, grids, config.target, fast)
    differences = verdict.differences(metrics, verdict.reference_of(metrics, config.reference))
    text = comparison.caption(tables, grids)
    texts = {"summary": comparison.as_text(table), "differences": verdict.as_text(differences)}
    shown = {name: part for name, part in texts.items() if len(part)}
    sentences = verdict.conclusions(differences, tables, grids)
    tidy = {"summary": table, "differences": differences}
    if grids:
        tidy["learning_rates"] = pd.concat(
            selection.scores(group).assign(activation=key[0], depth=key[1])
            for key, group in grids.metrics.groupby(comparison.BY, sort=False, dropna=False)
        )
    for name, part in tidy.items():
        files.write_text(out / f"{name}.csv", part.to_csv(index=False, float_format="%.6g"))
    for name, part in shown.items():
        files.write_text(out / f"{name}.tex", comparison.latex(part))
    body = "\n".join(comparison.markdown(part) for part in shown.values())
    listing = "".join(f"- {comparison.as_markdown(sentence)}\n" for sentence in sentences)
    page = f"{comparison.as_markdown(text)}\n\n{listing}\n{body}\nMade by {comparison.as_code(command)}.\n"
    files.write_text(out / "summary.md", page)
    paths = [out / "summary.md", *(out / f"{name}.csv" for name in tidy), *(out / f"{name}.tex" for name in shown)]
    paths += draw(tables, out, differences={"reference": config.reference})
    if grids:
        paths.append(save(learning_rates(grids.metrics), out / "learning_rates")[0])
    for part in shown.values():
        print(f"\n{part.to_string(index=False)}")
    print("\n" + "\n".join(sentences) + f"\n\n{text}\n", *paths, sep="\n")


def _tuning(config: DictConfig) -> dict[str, Any] | None:
    """The grid of learning rates and the seeds that judge it; None where no rate is tuned."""
    if config.tune.rates is None:
        return None
    tune: dict[str, Any] = OmegaConf.to_container(config.tune, resolve=True)  # type: ignore[assignment]
    configuration.check_number("tune.widenings", tune["widenings"], 0, whole=True)
    tune["seeds"] = configuration.seeds(tune["seeds"], "tune.seeds")
    tune["rates"] = configuration.learning_rates(tune["rates"], "tune.rates")
    if both := sorted(set(tune["seeds"]) & set(configuration.seeds(config.seeds))):
        raise StudyError(
            f"tune.seeds={tune['seeds']}: {', '.join(map(str, both))} would choose the learning rate and measure it; "
            "give seeds that are not in seeds."
        )
    return tune


def _overrides(activation: str, depth: int | None) -> list[str]:
    name, *options = str(activation).split()
    return [f"activation={name}", *options, *([f"model.depth={depth}"] if depth is not None else [])]


def _refuse_other_scales(choices: Sequence[dict[str, Any]]) -> None:
    """The same configuration under the name of another scale would stand in a table that says this one."""
    for chosen in choices:
        for run in finished(Path(chosen["runs_dir"]), configuration_hash(chosen)).values():
            if run.config["scale"] != chosen["scale"]:
                raise StudyError(
                    f"scale={chosen['scale']}: {run.folder.name} was trained with scale={run.config['scale']}, and "
                    "scales are not mixed; choose that one, or give another runs_dir."
                )


def _refuse_mixed_data(tables: Tables) -> None:
    """Activations are only compared on the same images."""
    by_checksum = {run.environment["data"]: run for run in tables.runs}
    if len(by_checksum) > 1:
        one, other, *_ = by_checksum.values()
        raise StudyError(
            f"dataset={one.config['config']['dataset']['name']}: {one.folder.name} and {other.folder.name} were "
            "trained on different data; give another runs_dir."
        )


def _joined(parts: Sequence[Tables]) -> Tables:
    return Tables(
        pd.concat([part.metrics for part in parts], ignore_index=True),
        pd.concat([part.layers for part in parts], ignore_index=True),
        list(dict.fromkeys(run for part in parts for run in part.runs)),
    )
