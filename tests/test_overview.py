"""How the runs in a folder stand."""

import json
import re

from activation_study.runs import files
from activation_study.runs.overview import overview
from activation_study.training import execute as executing
from activation_study.training.execute import asked_for, execute


def test_the_overview_counts_and_estimates(tiny_settings) -> None:
    settings = tiny_settings()
    runs_dir = settings["runs_dir"]
    assert overview(runs_dir) == "0 done, 0 running, 0 pending, 0 diverged, 0 failed"
    execute(settings)
    waiting = tiny_settings("activation=elu")
    run = executing.register(waiting, asked_for(waiting))
    assert "1 done, 0 running, 1 pending" in overview(runs_dir)
    assert re.search(r"time left: about \d+ s with 1 worker$", overview(runs_dir))
    run.write_status("running", epoch=1, step=3, steps=6, seconds=1.5)
    assert "2.0 steps/s, 2 s left" in overview(runs_dir)
    status = json.loads((run.folder / "status.json").read_text())
    gone = {key: value for key, value in status.items() if key not in ("checksum", "state", "pid", "host", "updated")}
    assert run.is_alive
    files.write_json(run.folder / "status.json", {"state": "running"})  # no checksum: not trusted
    assert "0 running, 1 pending" in overview(runs_dir)
    run.write_status("failed", **gone, error="the disk is full")
    assert f"failed   {run.folder.name}: the disk is full" in overview(runs_dir)
