"""What a film shows at one of its frames, as panels."""

from collections.abc import Callable

import numpy as np

from activation_study.figures.style import layer_ticks
from activation_study.notebook.filming import Film
from activation_study.notebook.panels import BLUE, ORANGE, Bars, Line, Panel, Panels

CHANCE = 10.0  # per cent that guessing one of ten classes gets right
BINS = 40
MOST = 8  # layers whose histograms have room


def gradients(film: Film, at: int = -1) -> Panels:
    """Gradient norm by layer, before training and at a frame, and the accuracy up to it."""
    frames = film.frames[: at % len(film.frames) + 1]
    first, now, last = frames[0], frames[-1], film.frames[-1]
    layers = np.arange(1, len(now.norms) + 1)
    norms = np.concatenate([frame.norms for frame in film.frames])
    norms = norms[np.isfinite(norms) & (norms > 0)]
    low, high = (np.floor(np.log10(norms.min())), np.ceil(np.log10(norms.max()))) if len(norms) else (-1.0, 0.0)
    epochs = [frame.epoch for frame in frames]
    panels = [
        Panel("gradient norm", "layer (1 = at the input)", "gradient norm",
              [Line(layers, first.norms, "before training", dashed=True),
               Line(layers, now.norms, "now", BLUE, marked=True)],
              (0.7, len(layers) + 0.3), (10**low, 10 ** max(high, low + 1)), True,
              layer_ticks(len(layers) - 1, output=True)),
        Panel("accuracy", "epoch", "accuracy (%)",
              [Line(epochs, [100 * frame.train for frame in frames], "training", BLUE),
               Line(epochs, [100 * frame.valid for frame in frames], "validation", ORANGE, dashed=True),
               Line([0, last.epoch], [CHANCE, CHANCE], "guessing")],
              (0, max(last.epoch, 1e-9)), (0, 105)),
    ]  # fmt: skip
    ratio = now.norms[0] / now.norms[-2] if len(now.norms) > 1 and now.norms[-2] else float("nan")
    told = f"first over last hidden layer's gradient {ratio:.1e}, validation accuracy {100 * now.valid:.1f} %"
    return Panels("Gradient norm by layer, and accuracy", f"{_moment(film, at)}: {told}", panels)


def histograms(film: Film, at: int = -1) -> Panels:
    """The distribution of each hidden layer's activations at a frame, of at most MOST layers."""
    now = film.frames[at]
    quantiles = {layer: rows["activation"].to_numpy() for layer, rows in now.distribution.groupby("layer")}
    shown = [int(layer) for layer in np.unique(np.linspace(1, len(quantiles), min(MOST, len(quantiles))).round())]
    ends = [frame.distribution["activation"] for frame in film.frames]
    low, high = (float(np.nanquantile(np.concatenate(ends), share)) for share in (0.002, 0.998))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    panels = [
        Panel(f"layer {layer}", "activation f(z)", "share (%)",
              [Bars(edges, 100 * np.histogram(quantiles[layer], edges)[0] / len(quantiles[layer]))],
              (edges[0], edges[-1]), (0, 60))
        for layer in shown
    ]  # fmt: skip
    left_out = f", {len(shown)} of {len(quantiles)} layers" if len(shown) < len(quantiles) else ""
    return Panels("Activations by layer", f"{_moment(film, at)}{left_out}: from 101 quantiles a layer", panels)


VIEWS: dict[str, Callable[..., Panels]] = {"gradients": gradients, "histograms": histograms}


def _moment(film: Film, at: int) -> str:
    frame = film.frames[at]
    return f"{film.choices}; epoch {frame.epoch:.1f}, step {frame.step}"
