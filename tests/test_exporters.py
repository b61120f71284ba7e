"""Copies of a run's records for other tools."""

import os

import pytest

from activation_study.errors import StudyError
from activation_study.training.execute import execute

LATIN_1 = os.fsdecode(b"caf\xe9")  # no UTF-8


def test_tensorboard_gets_a_copy(tiny_settings) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = tiny_settings("export=tensorboard", "learning_rate=[0.01,0.1]")
    (run,) = execute(settings)
    events = event_accumulator.EventAccumulator(str(run.folder / "tensorboard")).Reload()
    assert "loss/valid/lr 0.01" in events.Tags()["scalars"]
    ours = run.table("metrics").query("split == 'valid' and learning_rate == 0.01").groupby("step")["loss"].mean()
    theirs = [event.value for event in events.Scalars("loss/valid/lr 0.01")]
    assert theirs == pytest.approx(list(ours))
    for rate in (0.01, 0.1):  # layer by layer too, no mean is taken over learning rates
        rows = run.table("layers").query(f"layer == 1 and learning_rate == {rate}").groupby("step")["grad_norm"].mean()
        theirs = [event.value for event in events.Scalars(f"grad_norm/layer 1/lr {rate}")]
        assert theirs == pytest.approx(list(rows))


def test_an_unknown_exporter_is_refused(tiny_settings) -> None:
    with pytest.raises(StudyError, match="export=wandb: no such exporter; choose one of null, tensorboard"):
        execute(tiny_settings("export=wandb"))


def test_tensorboard_refuses_a_folder_that_it_cannot_write_to(tiny_settings, tmp_path) -> None:
    pytest.importorskip("tensorboard")
    settings = tiny_settings("export=tensorboard") | {"runs_dir": str(tmp_path / LATIN_1)}
    with pytest.raises(
        StudyError, match=r"export=tensorboard: TensorBoard cannot write to .*, whose name is not UTF-8"
    ):
        execute(settings)
