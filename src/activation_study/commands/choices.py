"""From what a comparison is asked for to the settings of every variant at every depth, all of them checked."""

import re
from collections.abc import Sequence
from typing import Any

from hydra import compose

from activation_study.commands.cli import MISTAKES, sentence
from activation_study.comparison.variants import labels
from activation_study.config import settings
from activation_study.errors import StudyError, refuse
from activation_study.runs.identity import SCIENTIFIC, configuration_hash
from activation_study.schema import refuse_added

VARIES = (*(group for group in SCIENTIFIC if group != "probes"), "learning_rate")  # what a variant may set
OF_A_DATASET = ("preprocessing", "augment")  # likewise; all else makes other images, or other splits of them


def choices(asked: dict[str, Any], given: Sequence[str]) -> list[dict[str, Any]]:
    """The settings of each variant at each depth: first all variants at the first depth.

    Args:
        asked: the settings of the comparison.
        given: what was given on the command line.

    Raises:
        StudyError: anything of it makes no sense, or two of them cannot be told apart.
    """
    variants = _variants(asked, given)
    depths = [[f"model.depth={depth}"] for depth in asked["depths"] or []] or [[]]
    found = [_composed([*given, *overrides, *depth]) for depth in depths for overrides in variants.values()]
    first = dict(zip(variants, found, strict=False))
    called = labels(list(first.values()))
    _refuse_unlike(first, asked)
    _refuse_twins(first, called, asked)
    if asked["reference"] not in (None, "relu", *called):
        text = f"it is not among the {_key(asked)}; choose one of {', '.join(called)}"
        refuse("reference", asked["reference"], text)
    return found


def _key(asked: dict[str, Any]) -> str:
    return "activations" if asked["variants"] is None else "variants"


def _variants(asked: dict[str, Any], given: Sequence[str]) -> dict[str, list[str]]:
    """The variants as they are written, and what each means on the command line."""
    keys = {key: value for key, _, value in (override.lstrip("+~").partition("=") for override in given)}
    if asked["variants"] is not None:
        if "activations" in keys:
            refuse("variants", asked["variants"], "activations is given as well; give one of the two")
        return {item: _overrides(item, asked) for item in asked["variants"]}
    for key, value in keys.items():
        if key.split(".")[0].split("@")[0] == "activation":
            refuse(key, value, "a comparison takes its activations as activations=[relu,'elu activation.alpha=0.5']")
    return {item: _of_activation(item, asked["activations"]) for item in asked["activations"]}


def _overrides(item: str, asked: dict[str, Any]) -> list[str]:
    """What a variant such as `init=xavier init.mode=fan_in` sets."""
    overrides = item.split()
    refuse_added("compare", overrides)
    for override in overrides:
        key, equals, _ = override.lstrip("+~").partition("=")
        group, _, option = key.partition(".")
        reason = ""
        if not equals and not override.startswith("~"):
            reason = "it is no choice; give a variant as on the command line, such as 'init=xavier init.mode=fan_in'"
        elif group.split("@")[0] not in VARIES:
            reason = f"it makes no other network; a variant sets {', '.join(VARIES)}, and all else is the same for all"
        elif key == "model.depth":
            reason = "every variant is compared at each depth; give depths=[2,8]"
        elif key in ("objective", "objective.name"):
            reason = "each objective has a score of its own, and variants are compared by one"
        elif group.split("@")[0] == "dataset" and option.split(".")[0] not in OF_A_DATASET:
            reason = "variants are compared on the same images; of a data set its preprocessing and augment may differ"
        elif key == "learning_rate" and asked["tune"]["rates"] is not None:
            reason = "the rate of every variant is tuned; to compare rates give tune.rates=null"
        if reason:
            refuse("variants", asked["variants"], f"{override}: {reason}")
    return overrides


def _of_activation(item: str, items: list[str]) -> list[str]:
    """What an item such as `elu activation.alpha=0.5` means on the command line."""
    name, *options = item.split()
    for option in item.split() if "=" in name else options:
        if not re.match(r"\+{0,2}activation\.[^=]+=", option):
            what = f"{option} is no option of an activation, and all else is the same for all of them"
            instead = "give options as 'elu activation.alpha=0.5', and what else is to differ as variants=[init=he,...]"
            refuse("activations", items, f"{what}; {instead}")
    return [f"activation={name}", *options]


def _composed(overrides: list[str]) -> dict[str, Any]:
    try:
        return settings(compose("compare", overrides), "compare")
    except MISTAKES as error:
        raise StudyError(sentence(error, "compare", overrides)) from None


def _refuse_unlike(variants: dict[str, dict[str, Any]], asked: dict[str, Any]) -> None:
    """Each variant must have one learning rate, unless it is tuned, and the depth of all the others."""
    depths: dict[Any, str] = {}
    for item, chosen in variants.items():
        if asked["tune"]["rates"] is None and len(chosen["learning_rate"]) > 1:
            refuse(_key(asked), list(variants), f"{item} has several learning rates; give each variant one")
        depths.setdefault(chosen["model"].get("depth"), item)
    if len(depths) > 1:
        told = " and ".join(f"{item} has depth {depth}" for depth, item in depths.items())
        text = f"{told}, and variants are compared at the same depth; give one as depths=[{min(depths)}], or several"
        refuse(_key(asked), list(variants), text)


def _refuse_twins(variants: dict[str, dict[str, Any]], called: list[str], asked: dict[str, Any]) -> None:
    """Variants that are the same, or are called the same, cannot be told apart."""
    seen: dict[Any, str] = {}
    for (item, chosen), name in zip(variants.items(), called, strict=True):
        same = (configuration_hash(chosen), *chosen["learning_rate"])
        if same in seen:
            refuse(_key(asked), list(variants), f"{seen[same]} and {item} are the same; give one of them")
        if name in seen:
            refuse(_key(asked), list(variants), f"{seen[name]} and {item} are both called {name}; give one of them")
        seen[same] = seen[name] = item
