"""The folder of a run, whole and damaged."""

import pytest

from activation_study.runs import read
from activation_study.training.execute import execute


@pytest.mark.parametrize(
    "name", ["config.yaml", "environment.json", "metrics.parquet", "layers.parquet", "status.json"]
)
@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "delete"])
def test_damage_to_a_finished_run_is_named_and_the_run_made_again(tiny_settings, capsys, name, damage) -> None:
    settings = tiny_settings()
    (run,) = execute(settings)
    before = run.table("metrics").drop(columns="seconds")
    path = run.folder / name
    content = path.read_bytes()
    if damage == "delete":
        path.unlink()
    else:
        flipped = bytearray(content)
        flipped[len(content) // 2] ^= 4
        path.write_bytes({"truncate": content[:-9], "flip": bytes(flipped), "empty": b""}[damage])
    if name.endswith(".parquet"):
        assert len(read(settings["runs_dir"]).runs) == 0
        assert str(path) in capsys.readouterr().err
    (again,) = execute(settings)
    if damage != "delete":
        assert str(path) in capsys.readouterr().err
    assert again.damaged_file() is None
    assert again.table("metrics").drop(columns="seconds").equals(before)
    assert len(read(settings["runs_dir"]).runs) == 1
