"""Checkpoints that are damaged or another run's are never read as a state."""

import pytest
import torch

from activation_study.training import checkpoint


@pytest.fixture
def state() -> dict:
    return {"run": "a-run", "trainer": {"step": 3, "network": {"weight": torch.arange(40.0)}}}


def test_every_flipped_byte_of_a_checkpoint_is_found(state) -> None:
    whole = checkpoint.to_bytes(state)
    assert torch.equal(checkpoint.from_bytes(whole)["trainer"]["network"]["weight"], torch.arange(40.0))
    for position in range(0, len(whole), 10):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        with pytest.raises(ValueError, match=r"checksum is wrong|not a checkpoint"):
            checkpoint.from_bytes(bytes(broken))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"PK\x03\x04 something else",
        lambda content: checkpoint.to_bytes({"run": "another-run"}),
        lambda content: checkpoint.HEADER + b"0" * 64 + b"\n",
    ],
    ids=["truncated", "empty", "foreign format", "foreign run", "without payload"],
)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(state, tmp_path, capsys, damage) -> None:
    folder = tmp_path / "a-run"
    checkpoint.save(folder, state)
    checkpoint.save(folder, {**state, "trainer": {"step": 6}})
    newest = folder / "checkpoint.pt"
    assert checkpoint.newest(folder)["trainer"]["step"] == 6
    newest.write_bytes(damage(newest.read_bytes()))
    assert checkpoint.newest(folder)["trainer"]["step"] == 3
    assert f"warning: {newest}:" in capsys.readouterr().err
    assert (folder / "checkpoint.pt.damaged").exists()
    previous = folder / "checkpoint.previous.pt"
    previous.write_bytes(damage(previous.read_bytes()))
    assert checkpoint.newest(folder) is None
