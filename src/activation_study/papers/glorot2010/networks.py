"""The networks that are trained: five hidden layers, batches of ten, no momentum, as in the paper."""

from collections.abc import Iterable, Mapping

import pandas as pd

from activation_study.papers.item import Made, Scale

SHALLOW = "sigmoid, 4 layers"
STANDARD, NORMALISED = "init=glorot_standard", "init=xavier"
PAPERS_OWN = {
    "sigmoid": f"activation=sigmoid {STANDARD}",
    "tanh": f"activation=tanh {STANDARD}",
    "tanh N": f"activation=tanh {NORMALISED}",
    "softsign": f"activation=softsign {STANDARD}",
    "softsign N": f"activation=softsign {NORMALISED}",
}
ADDED = {name: f"activation={name} init=he" for name in ("relu", "lrelu", "vlrelu", "prelu", "rrelu", "elu")}
KINDS = PAPERS_OWN | ADDED
FURTHER = {SHALLOW: f"{KINDS['sigmoid']} model.depth=4", "tanh, He": "activation=tanh init=he"}

SHARED = ("model=mlp", "model.depth=5", "train.batch_size=10", "optimizer.momentum=0")
RATE = 0.1  # where all have the same: with it a network of four layers of sigmoids leaves its plateau
# The paper's epoch is 20,000 updates, and its curves go up to 2.5 million.
OPTIONS = {
    "paper": ("dataset=mnist", "model.width=1000", "train.epochs=500", "train.record_every=20000", "probes.every=5000"),
    "desk": ("dataset=mnist", "model.width=200", "train.epochs=20", "train.record_every=5000", "probes.every=500"),
    "smoke": ("dataset=digits", "model.width=30", "train.epochs=1", "train.record_every=10", "probes.every=2",
              "dataset.train_limit=400"),
}  # fmt: skip
CUTS = {
    "paper": "MNIST instead of the paper's synthetic images.",
    "desk": "MNIST instead of the paper's synthetic images, a fifth of the width, 100,000 updates instead of 2.5 "
    "million, 3 networks of each kind.",
    "smoke": "30 units, 40 updates on 400 digits of 8x8 pixels, 2 networks of each kind.",
}
PIXELS = {"mnist": 784, "digits": 64}
SEEDS = {"paper": 5, "desk": 3, "smoke": 2}
OPEN = (
    "The paper chooses a learning rate for each network and does not give it. In figures 2 to 4, 9 and 11 all of ours "
    f"have {RATE:g}, and are trained on MNIST and not on the paper's synthetic images. Images are standardised."
)


def plan_of(kinds: Iterable[str]) -> dict[str, list[str]]:
    """What to train at the shared rate; items that name the same kind share its networks."""
    every = KINDS | FURTHER
    return {kind: [*SHARED, f"learning_rate={RATE:g}", "probes.also=distribution", *every[kind].split()]
            for kind in kinds}  # fmt: skip


def scales_of(minutes: Mapping[str, float]) -> dict[str, Scale]:
    """The scales of an item whose networks `plan_of` names."""
    return {scale: Scale(SEEDS[scale], minutes[scale], OPTIONS[scale], CUTS[scale]) for scale in OPTIONS}


def option(scale: Scale, key: str) -> str:
    """What a scale gives for a key of `train.py`."""
    return dict(text.split("=", 1) for text in scale.options)[key]


def hidden_layers(made: Made) -> pd.DataFrame:
    """What the probes saw in the hidden layers."""
    layers = made.table("layers")
    return layers[layers.hidden].rename(columns={"label": "kind"})
