"""What the items share: Network in Network, its training, and how much of it is made at each scale."""

from activation_study.papers.item import Scale

PAPERS_OWN = {
    "relu": "activation=relu",
    "lrelu": "activation=lrelu",  # a = 100
    "vlrelu": "activation=vlrelu",  # a = 5.5
    "prelu": "activation=prelu",
    "rrelu": "activation=rrelu",
}
ADDED = {name: f"activation={name}" for name in ("sigmoid", "tanh", "elu")}
PUBLISHED_WIDTH, INIT_STD = 192, 0.05

TRAINING = ("model=nin", "dataset.preprocessing=standardize", "dataset.valid_size=0", "train.batch_size=128",
            "learning_rate=0.1", "optimizer.momentum=0.9", "optimizer.weight_decay=0.0001",
            "optimizer.rate_by_kind={bias:2,last:0.1}", "probes.every=0")  # fmt: skip


def nin(scale: Scale, dataset: str) -> list[str]:
    """What trains the network on a data set, whatever its activation."""
    width = int(scale.value("model.width") or PUBLISHED_WIDTH)
    std = INIT_STD * (PUBLISHED_WIDTH / width) ** 0.5  # the same share of a layer's variance passes as if it were wide
    own = scale.value("dataset") or dataset
    return [*TRAINING, f"dataset={own}", "init=normal", f"init.std={std:.6g}", f"init.by_layer={{1:{INIT_STD}}}",
            f"model.width={width}"]  # fmt: skip


PUBLISHED = ("train.epochs=307", "optimizer.milestones=[256]")  # 120,000 updates, the rate falls at 100,000
DESK = ("train.epochs=10", "optimizer.milestones=[8]", "model.width=32", "model.dropout=0.2")
DESK_CUT = "A sixth of the width, dropout of 0.2 instead of 0.5, 10 epochs instead of 307, 3 networks of each kind."
SMOKE = ("train.epochs=2", "optimizer.milestones=[1]", "model.width=6", "dataset=digits", "dataset.train_limit=320",
         "train.batch_size=32", "dataset.valid_size=100")  # fmt: skip
SMOKE_CUT = "6 channels in the first layer, 2 epochs on 320 digits of 8 x 8 pixels, 2 networks of each kind."
OPEN = (
    "The paper gives no schedule. Ours is that of Network in Network's authors for CIFAR-10: batches of 128, momentum "
    "0.9, a rate of 0.1 (biases twice that, last layer a tenth) that falls to a tenth after 100,000 of 120,000 "
    "updates, weight decay 0.0001 on weights, which begin with standard deviation 0.05; in narrower networks with "
    "more, so that as much of a signal passes. The second pooling takes the mean, as in the paper's table (from "
    "memory) and in Caffe's version, not the maximum; an activation stands behind the last 1x1 convolution too, as in "
    "the authors' configuration, so that with ReLU logits are never below zero. Pixels are standardised by channel "
    "and otherwise raw, images are neither moved nor flipped. All training images are learned; the errors on them are "
    "those of 10,000, in evaluation mode. Sigmoid, tanh and ELU are ours."
)


def kinds(scale: Scale) -> dict[str, str]:
    """Overrides of the activations that are trained at a scale; at desk scale, where hours are few, the paper's own."""
    return PAPERS_OWN if set(DESK) <= set(scale.options) else PAPERS_OWN | ADDED


def published(scale: Scale) -> bool:
    """Whether a scale is the paper's own set-up."""
    return scale.value("model.width") is None
