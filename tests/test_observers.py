"""The further tables of a run, against what the definitions give."""

import numpy as np
import pytest
import torch

from activation_study.training.execute import execute
from activation_study.training.trainer import Replica, Trainer


@pytest.mark.parametrize(
    ("activation", "low", "high", "is_flat"),
    [("tanh", -1.8318, 1.8318, lambda z: z.abs() > 4.1471), ("relu", 0, np.inf, lambda z: z <= 0)],
)
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_units_are_counted_one_by_one(tiny_settings, blobs, activation, low, high, is_flat, model):
    settings = tiny_settings(f"activation={activation}", f"model={model}", "probes.also=units", "train.epochs=0")
    trainer = Trainer(settings, [Replica(0, 0.1), Replica(1, 0.1)], blobs)
    (record,) = trainer.records()
    table = record.others["units"]
    assert len(table) == 2 * sum(layer.affine.bias[0].numel() for layer in trainer.probe.layers[:-1])
    seen = []
    for layer in trainer.probe.layers[:-1]:
        layer.activation.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    with torch.no_grad():
        trainer.network.eval()(blobs.valid.images.expand(2, -1, -1, -1, -1))
    for number, (z, output) in enumerate(seen, 1):
        for unit in (0, z.shape[2] - 1):
            z_of, f_of = (values[1, :, unit].double().flatten() for values in (z, output))
            row = table.query(f"seed == 1 and layer == {number} and unit == {unit}").iloc[0]
            expected = [f_of.mean(), f_of.abs().mean(), (z_of > 0).double().mean(), (z_of > low).double().mean(),
                        ((z_of > low) & (z_of < high)).double().mean(), is_flat(z_of).double().mean()]  # fmt: skip
            ours = row[["mean", "size", "active", "above", "free", "dead_band"]].astype(float)
            assert ours.to_list() == pytest.approx([float(value) for value in expected], abs=1e-5)


def test_the_distribution_is_that_of_the_ranked_activations(tiny_settings, blobs):
    settings = tiny_settings("activation=tanh", "probes.also=distribution", "train.epochs=0")
    trainer = Trainer(settings, [Replica(0, 0.1)], blobs)
    (record,) = trainer.records()
    first = record.others["distribution"].query("layer == 1").set_index("level")
    with torch.no_grad():
        z = trainer.network[1](trainer.network[0](blobs.valid.images[None])).flatten().numpy()
    levels = [0, 2, 50, 98, 100]
    expected = np.percentile(z, levels, method="nearest")
    assert first.pre_activation.loc[levels].to_list() == pytest.approx(expected.tolist(), abs=1e-3)
    assert first.activation.loc[levels].to_list() == pytest.approx(np.tanh(expected).tolist(), abs=1e-3)


def test_a_run_keeps_them_sealed_and_resumes_them(tiny_settings):
    settings = tiny_settings("dataset=digits", "probes.also=[units,distribution]", "probes.also_every=3",
                             "train.epochs=4", "train.batch_size=48", "train.record_every=1")  # fmt: skip
    (run,) = execute(settings)
    assert sorted(set(run.table("units")["step"])) == [0, 3, 6, 8]
    assert len(run.table("distribution")) == 4 * 2 * 2 * 101
    assert run.damaged_file() is None
    path = run.folder / "units.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert run.damaged_file() == path
