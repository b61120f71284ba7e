"""What the items share: the networks, the data that stand for speech, and how much of it is made at each scale."""

from collections.abc import Sequence

from activation_study.papers.item import Scale

PAPERS_OWN = ("tanh", "relu", "lrelu")
ADDED = ("sigmoid", "vlrelu", "prelu", "rrelu", "elu")
AT_EVERY_DEPTH = (*PAPERS_OWN, "sigmoid")
DEPTHS = (2, 3, 4)  # hidden layers
DATASETS = ("mnist", "cifar10")


def networks(scale: Scale, depths: Sequence[int], names: Sequence[str]) -> dict[str, list[str]]:
    """What trains them, by labels such as "mnist 4 relu"."""
    shared = ("model=mlp", "init=xavier", "optimizer.momentum=0.9", "optimizer.cosine=true", "train.batch_size=256",
              "probes.every=0", "probes.also=units", "probes.also_every=1000")  # fmt: skip
    own = scale.value("dataset")
    return {
        f"{dataset} {depth} {name}": [*shared, f"model.depth={depth}", f"activation={name}", f"dataset={dataset}"]
        for dataset in ([own] if own else DATASETS)
        for depth in depths
        for name in names
    }


TRAINING = (
    "Momentum is 0.9 and the batch 256, both from memory; the learning rate is the best of those tried on validation "
    "images, and falls along half a cosine, where the paper halves it after each pass (from memory). Initialization is "
    "Glorot & Bengio's, the same draw for every activation."
)
PUBLISHED = ("model.width=2048", "train.epochs=30", "learning_rate=[0.1,0.03,0.01]")
SMOKE = Scale(2, 0.3, ("model.width=24", "train.epochs=2", "learning_rate=[0.1,0.03]", "dataset=digits",
                       "train.batch_size=32"), "24 units a layer, 2 epochs on the 8 x 8 digits, 2 seeds.")  # fmt: skip
DESK = ("model.width=512", "train.epochs=5", "learning_rate=[0.1,0.03]", "dataset.train_limit=20000")
DESK_CUT = "512 units a layer instead of 2048, 5 epochs on 20,000 images."
