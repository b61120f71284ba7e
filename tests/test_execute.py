"""Training what is asked for and not there yet, each replica once."""

import multiprocessing
import platform
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers import replicas_in

from activation_study.errors import StudyError
from activation_study.runs import Run, runs_in
from activation_study.runs.overview import overview
from activation_study.training import execute as executing
from activation_study.training.execute import asked_for, execute
from activation_study.training.trainer import Replica, Trainer

PROGRAM = """
import resource, torch
from activation_study.training.execute import keep_freed_memory

if {keeps}:
    keep_freed_memory()

def faults(blocks):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(blocks):
        torch.ones(12, 2**20)  # 48 MB, 12288 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults(15)  # small blocks that lie in between leave gaps at first
print(faults(5))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_a_freed_block_is_taken_again_without_new_pages() -> None:
    again, anew = (
        int(subprocess.run([sys.executable, "-c", PROGRAM.format(keeps=keeps)], capture_output=True, check=True).stdout)
        for keeps in (True, False)
    )
    assert again < anew / 10


def test_growing_a_study_trains_only_what_is_missing(tiny_settings, monkeypatch) -> None:
    trained: list[Replica] = []
    original = Trainer.__init__

    def counting(self, config, replicas, data) -> None:
        trained.extend(replicas)
        original(self, config, replicas, data)

    monkeypatch.setattr(Trainer, "__init__", counting)
    runs_dir = tiny_settings()["runs_dir"]
    execute(tiny_settings("seeds=2"))
    execute(tiny_settings("seeds=4"))
    assert [replica.seed for replica in trained] == [0, 1, 2, 3]
    execute(tiny_settings("seeds=4", "learning_rate=[0.01,0.1]"))
    assert trained[4:] == [Replica(seed, 0.1) for seed in range(4)]
    runs = execute(tiny_settings("seeds=[1,3]"))
    assert len(trained) == 8
    assert len(runs) == 2
    expected = sorted((seed, rate) for seed in range(4) for rate in (0.01, 0.1))
    assert replicas_in(runs_dir) == expected


def test_a_run_begun_by_fewer_seeds_is_continued_when_more_are_asked_for(tiny_settings) -> None:
    executing.register(tiny_settings("seeds=2"), asked_for(tiny_settings("seeds=2")))
    runs = execute(tiny_settings("seeds=3"))
    assert [run.config["replicas"] for run in runs] == [[[0, 0.01], [1, 0.01]], [[2, 0.01]]]


def test_changed_data_are_refused_by_name(tiny_settings, monkeypatch) -> None:
    execute(tiny_settings("seeds=1"))
    honest = executing.load_data
    monkeypatch.setattr(
        executing, "load_data", lambda *args: type(d := honest(*args))(**{**d.__dict__, "checksum": "another"})
    )
    with pytest.raises(StudyError, match=r"dataset=digits: the data in .* have the checksum another, but digits-mlp-2"):
        execute(tiny_settings("seeds=2"))


def test_divergence_is_a_result(tiny_settings) -> None:
    settings = tiny_settings("learning_rate=[0.01,1e30]", "seeds=1")
    (run,) = execute(settings)
    assert run.status["state"] == "diverged"
    assert list(run.status["diverged"]) == ["seed 0, learning rate 1e+30"]
    accuracy = run.table("metrics").query("split == 'test'").set_index("learning_rate")["accuracy"]
    assert accuracy[0.01] > 0
    assert pd.isna(accuracy[1e30])
    assert execute(settings) == [run]
    assert "diverged " + run.folder.name in overview(settings["runs_dir"])


def work(chosen: list[dict], trained: Path) -> None:
    """One worker among several: every run that it trains leaves a line."""
    torch.set_num_threads(1)
    original = executing.train

    def noting(settings, replicas) -> Run:
        run = original(settings, replicas)
        with trained.open("a") as lines:
            lines.write(f"{run.folder.name}\n")
        return run

    executing.train = noting
    for settings in chosen:
        execute(settings, wait=True)


def test_twenty_workers_on_one_folder_train_each_run_exactly_once(tiny_settings, tmp_path) -> None:
    chosen = [tiny_settings(f"activation={name}", "train.epochs=5") for name in ("relu", "elu", "tanh", "prelu")]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["activation_study.commands.sweeps", "activation_study.training.execute"])
    workers = [context.Process(target=work, args=(chosen, tmp_path / "trained")) for _ in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {worker.exitcode for worker in workers} == {0}
    assert sorted((tmp_path / "trained").read_text().split()) == sorted(
        run.folder.name for run in runs_in(Path(chosen[0]["runs_dir"]))
    )
