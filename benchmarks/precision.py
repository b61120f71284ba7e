"""How far results move where layers are computed in bfloat16 instead of float32."""

import pandas as pd
from mnist import configured, load_mnist
from setting import Setting

from activation_study import activations
from activation_study.comparison import statistics
from activation_study.datasets import Dataset
from activation_study.training.precision import has_bfloat16
from activation_study.training.trainer import Replica, Trainer

ABOUT = """
Not a time but a difference: 4 layers of 128 units trained on MNIST for half an epoch (469 steps) in float32 and in
bfloat16, from the same weights and with the same batches. *Moved* is the test accuracy in bfloat16 less that in
float32, in points, with the 95 % interval of its mean over 5 seeds; *spread* is the standard deviation of float32's
accuracy over the seeds, by which one run is uncertain anyway. *Gradient ratio* is the first layer's gradient norm at
the end in bfloat16 over that in float32, the geometric mean. Where *emulated* the processor has no bfloat16, which
changes the time and not the roundings; the commands refuse it there.
"""
EPOCHS, SEEDS, RATE = 0.5, 5, 0.03


def measure(setting: Setting) -> pd.DataFrame:
    """A row an activation: how its accuracy and its first layer's gradient move."""
    data, names = load_mnist(setting), setting.choose(activations.names(), ["relu"])
    epochs = setting.choose(EPOCHS, 0.02)
    return pd.DataFrame([moved(name, data, epochs, not has_bfloat16(setting.device)) for name in names])


def moved(name: str, data: Dataset, epochs: float, is_emulated: bool) -> dict[str, object]:
    """What becomes of an activation's networks in either precision, with the same seeds."""
    float32, bfloat16 = (ends(name, data, epochs, precision) for precision in ("float32", "bfloat16"))
    points = 100 * (bfloat16["accuracy"] - float32["accuracy"])
    moved = statistics.mean(points)
    return {
        "activation": name,
        "accuracy": float32["accuracy"].mean(),
        "moved_points": moved.value,
        "low": moved.low,
        "high": moved.high,
        "spread_points": 100 * float32["accuracy"].std(),
        "gradient_ratio": statistics.geometric_mean(bfloat16["grad_norm"] / float32["grad_norm"]).value,
        "emulated": is_emulated,
    }


def ends(name: str, data: Dataset, epochs: float, precision: str) -> pd.DataFrame:
    """The last test accuracy and the first layer's last gradient norm, by seed."""
    config = configured(f"activation={name}", f"train.epochs={epochs}", "model.depth=4", "probes.every=10")
    config["train"]["precision"] = precision  # past the check, which refuses what is only emulated
    replicas = [Replica(seed, RATE) for seed in range(SEEDS)]
    records = list(Trainer(config, replicas, data).records())
    layers = pd.concat([record.layers for record in records])
    first = layers[layers["layer"] == layers["layer"].min()].sort_values("step").groupby("seed")["grad_norm"].last()
    accuracy = records[-1].metrics.query("split == 'test'").set_index("seed")["accuracy"]
    return pd.concat([accuracy, first], axis=1)
