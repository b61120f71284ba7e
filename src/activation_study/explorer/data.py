"""What the page shows of the runs: their numbers by replica, and what Python concludes from them.

Every number comes from the definitions in `comparison.quantities`, every difference and sentence of the whole selection
from `comparison.differences` and `comparison.sentences`. The page itself computes means, paired intervals and sentences
only where a reader leaves something out, by the same rules, with the quantiles of Student's t that it finds here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from activation_study.activations import build
from activation_study.comparison import quantities, selection, statistics, text
from activation_study.comparison.differences import differences, reference_of
from activation_study.comparison.quantities import ACCURACY, DEAD, GRADIENT_RATIO, SATURATED
from activation_study.comparison.sentences import conclusions
from activation_study.errors import StudyError
from activation_study.explorer.overrides import overrides
from activation_study.explorer.packing import COARSE, FINE, Packed
from activation_study.networks.initialization import Initialization
from activation_study.networks.mean_field import WideNetwork
from activation_study.runs import Run, Tables, read_runs
from activation_study.runs.groups import comparable
from activation_study.runs.identity import names

MOMENTS = 21  # of a training at which measurements by layer are kept
BY_EPOCH = {"train": ("accuracy", "loss"), "valid": ("accuracy", "loss")}
BY_LAYER = {"grad_norm": True, "error_rms": True, "saturated": False, "dead": False, "mean": False}  # logarithmic?
INSIDE = {"ratio": GRADIENT_RATIO, "saturated": SATURATED, "dead": DEAD}
REPLICA = ["variant", "depth", "learning_rate", "seed"]
Replica = tuple[str, int, float, int]


def study(runs: Sequence[Run], tuning_seeds: Sequence[int], packed: Packed) -> list[dict[str, Any]]:
    """Everything about comparable runs, group by group, as plain values; their arrays go into `packed`.

    Args:
        runs: finished ones; what the page cannot show, such as networks that are not judged by accuracy, is left out.
        tuning_seeds: the seeds that chose learning rates; what they measured counts where nothing else was.
        packed: gets the arrays.
    """
    shown = [run for run in runs if run.is_finished and _can_be_shown(run.config["config"])]
    groups = [_group(name, members, tuning_seeds, packed) for name, members in comparable(shown).items()]
    return sorted(filter(None, groups), key=lambda group: -len(group["replicas"]["seed"]))  # what has most comes first


def t_quantiles(most: int = 32) -> list[list[float]]:
    """Student's t by replicas (from 2) and by intervals that are to hold jointly (from 1)."""
    return [[statistics.quantile(n, k) for k in range(1, most + 1)] for n in range(2, most + 1)]


def _can_be_shown(config: dict[str, Any]) -> bool:
    return config.get("objective", {}).get("name", "classification") == "classification" and "depth" in config["model"]


def _group(name: str, runs: Sequence[Run], tuning_seeds: Sequence[int], packed: Packed) -> dict[str, Any] | None:
    tables = read_runs(runs)
    if not len(tables.metrics):
        return None
    config = runs[0].config["config"]
    dataset, network = names(config)
    metrics = quantities.counted(tables.metrics)
    replicas = [
        (str(variant), int(depth), float(rate), int(seed))
        for variant, depth, rate, seed in metrics[REPLICA].drop_duplicates().itertuples(index=False, name=None)
    ]
    epochs = sorted(float(epoch) for epoch in metrics["epoch"].unique())
    moments = _moments(tables.layers)
    steps = float(metrics["step"].max()) / max(max(epochs), 1e-9)
    labels = dict(tables.metrics.drop_duplicates("variant").set_index("variant")["run"])
    held = {run.name: run for run in tables.runs}
    return {
        "name": name,
        "dataset": dataset,
        "network": name.removeprefix(f"{dataset}-") or network,
        "about": f"{', '.join(text.hardware(tables.runs))}; scale {', '.join(sorted(metrics['scale'].unique()))}",
        "variants": list(labels),
        "depths": sorted({depth for _, depth, _, _ in replicas}),
        "epochs": epochs,
        "moments": [step / steps if steps else 0.0 for step in moments],
        "replicas": _columns(replicas, tables, tuning_seeds),
        "curves": {
            f"{split} {value}": packed.add(_by_epoch(metrics, replicas, split, value, epochs), FINE, False)
            for split, values in BY_EPOCH.items()
            for value in values
        },
        "layers": _by_layer(tables.layers, replicas, moments, packed),
        "theory": {label: _theory(held[run].config["config"]) for label, run in labels.items()},
        "overrides": {label: overrides(held[run].config) for label, run in labels.items()},
        "verdicts": _verdicts(tables, tuning_seeds),
    }


def _columns(replicas: Sequence[Replica], tables: Tables, tuning_seeds: Sequence[int]) -> dict[str, list[Any]]:
    """One value per replica: what it is, what it came to, and whether it measures its variant at the chosen rate."""
    found: dict[str, dict[Replica, float]] = {key: {} for key in ("test", *INSIDE)}
    lost: dict[Replica, bool] = {}
    for rate, metrics in tables.metrics.groupby("learning_rate"):
        found["test"] |= _keyed(ACCURACY.per_replica(metrics), rate)
        lost |= _keyed(quantities.diverged(metrics), rate)
        if len(tables.layers):
            layers = tables.layers[tables.layers["learning_rate"] == rate]
            for key, quantity in INSIDE.items():
                found[key] |= _keyed(quantity.per_replica(layers), rate)
    measuring = {*_chosen(tables, tuning_seeds).metrics[REPLICA].itertuples(index=False, name=None)}
    numbers = {key: [_plain(values.get(replica)) for replica in replicas] for key, values in found.items()}
    what = dict(zip(("variant", "depth", "rate", "seed"), map(list, zip(*replicas, strict=True)), strict=True))
    return what | numbers | {
        "diverged": [int(bool(lost.get(replica))) for replica in replicas],
        "chosen": [int(replica in measuring) for replica in replicas],
    }  # fmt: skip


def _keyed(values: pd.Series, rate: Any) -> dict[Replica, Any]:
    return {(str(v), int(d), float(rate), int(s)): value for (v, d, s), value in values.items()}


def _plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.9g}")


def _chosen(tables: Tables, tuning_seeds: Sequence[int]) -> Tables:
    """The replicas at each variant's best rate; all of them where nothing can choose among several."""
    try:
        return selection.chosen(tables, tuning_seeds)
    except StudyError:
        return tables


def _moments(layers: pd.DataFrame) -> list[float]:
    """Steps at which measurements are kept: the first, the last, and others evenly between."""
    if not len(layers):
        return []
    steps = np.sort(layers["step"].unique())
    return [float(step) for step in steps[np.unique(np.linspace(0, len(steps) - 1, MOMENTS).round().astype(int))]]


def _by_epoch(
    metrics: pd.DataFrame, replicas: Sequence[Replica], split: str, value: str, epochs: Sequence[float]
) -> NDArray[np.float64]:
    """One row per replica, one column per epoch."""
    rows = metrics[metrics["split"] == split]
    wide = rows.pivot_table(index=REPLICA, columns="epoch", values=value, aggfunc="first")
    return wide.reindex(index=pd.MultiIndex.from_tuples(replicas), columns=epochs).to_numpy(dtype=float)


def _by_layer(
    layers: pd.DataFrame, replicas: Sequence[Replica], moments: Sequence[float], packed: Packed
) -> dict[str, Any]:
    """Each quantity: for every replica a table of moments by layers, the output layer last; and where each begins."""
    if not moments:
        return {}
    kept = layers[layers["step"].isin(moments)]
    kept = kept.assign(dead=quantities.dead_share(kept))
    depth = {key: int(group["layer"].max()) for key, group in kept.groupby("depth")}
    sizes = [len(moments) * depth.get(replica[1], 0) for replica in replicas]
    ends = [int(end) for end in np.cumsum(sizes)]
    begins, end = [0, *ends[:-1]], ends[-1]
    first = pd.Series(begins, pd.MultiIndex.from_tuples(replicas, names=REPLICA))
    first = first.reindex(pd.MultiIndex.from_frame(kept[REPLICA])).to_numpy(dtype=int)
    row = np.searchsorted(moments, kept["step"].to_numpy(dtype=float))
    places = first + row * kept["depth"].map(depth).to_numpy(dtype=int) + kept["layer"].to_numpy(dtype=int) - 1
    found: dict[str, Any] = {"begins": begins, "layers": {str(key): value for key, value in depth.items()}}
    for quantity, logarithmic in BY_LAYER.items():
        values = np.full(end, np.nan)
        values[places] = kept[quantity].to_numpy(dtype=float)
        found[quantity] = packed.add(values, COARSE, logarithmic)
    return found


def _theory(config: dict[str, Any]) -> float | None:
    """By how much the error grows from a layer to the one below in a wide network of these weights, before training.

    It is the square root of chi (Schoenholz et al. 2017). None where that says nothing: of convolutions and normalised
    networks, and of activations that cannot be made here.
    """
    if config["model"]["name"] != "mlp" or config["model"].get("batch_norm") or config["model"].get("dropout"):
        return None
    try:
        activation = build(**config["activation"]).double().eval()
        rule = Initialization.checked(config["init"])
        width = int(config["model"]["width"])
        sigma = rule.standard_deviation(width, width, activation) * width**0.5
        chi = WideNetwork(activation, sigma, rule.bias_std).chi
    except (StudyError, ArithmeticError, TypeError):
        return None
    return float(chi**0.5) if np.isfinite(chi) else None


def _verdicts(tables: Tables, tuning_seeds: Sequence[int]) -> dict[str, Any]:
    """By depth, of all variants at their chosen rates: the differences to the usual reference, and the sentences."""
    measured = _chosen(tables, tuning_seeds)
    tuned = selection.only(tables, tuning_seeds, sorted(tables.metrics["learning_rate"].unique()))
    several = len(tuned.metrics) and tuned.metrics.groupby(selection.BY)["learning_rate"].nunique().max() > 1
    found = {}
    for depth, metrics in measured.metrics.groupby("depth"):
        at = measured._replace(metrics=metrics)
        grid = tuned._replace(metrics=tuned.metrics[tuned.metrics["depth"] == depth]) if several else None
        table = differences(metrics, reference_of(metrics))
        others = table[table["variant"] != table["reference"]]
        found[str(depth)] = {
            "reference": str(table["reference"].iloc[0]),
            "variants": [str(variant) for variant in metrics["variant"].unique()],
            "sentences": conclusions(table, at, grid),
            "differences": [
                {"variant": str(row.variant), "n": int(row.n), **{end: _plain(getattr(row, end))
                 for end in ("difference", "low", "high")}} for row in others.itertuples()
            ],
        }  # fmt: skip
    return found
