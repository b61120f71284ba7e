"""Identity, growth, company, damage: what the folder of runs promises."""

import errno
import json
import multiprocessing
import os
import re
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
import torch

from activation_study.errors import StudyError
from activation_study.runs import Run, archive, comparable_hash, files, identity, read, runs_in
from activation_study.runs.identity import configuration_hash, label
from activation_study.runs.overview import overview
from activation_study.training import checkpoint, lock
from activation_study.training import execute as executing
from activation_study.training.execute import asked_for, execute
from activation_study.training.trainer import Replica, Trainer


def replicas_in(runs_dir: str) -> list[tuple[int, float]]:
    last = read(runs_dir).metrics.query("split == 'test'")
    return sorted(zip(last["seed"], last["learning_rate"], strict=True))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"name": "relu"}, "relu"),
        ({"name": "elu", "alpha": 1.0}, "elu"),
        ({"name": "elu", "alpha": 1}, "elu"),
        ({"name": "elu", "alpha": 0.5}, "elu(alpha=0.5)"),
        ({"name": "vlrelu", "slope": 1 / 5.5}, "vlrelu"),
        ({"name": "lrelu", "slope": 1 / 5.5}, "lrelu(slope=0.181818182)"),
        ({"name": "prelu", "init": 0.25, "shared": True}, "prelu(shared=True)"),
        ({"name": "rrelu", "lower": 5.0, "upper": 10.0, "variant": "torch"}, "rrelu(lower=5, upper=10, variant=torch)"),
        ({"name": "Hardswish"}, "Hardswish"),
        ({"name": "CELU", "alpha": 0.5}, "CELU(alpha=0.5)"),
        ({"name": "mine", "target": "activation_study.activations.rectified.ELU", "alpha": 1.0}, "mine(alpha=1)"),
    ],
)
def test_label_names_what_is_not_the_default(config, expected) -> None:
    assert label(config) == expected


def test_label_takes_no_class_of_torch_for_an_activation_of_the_study(tmp_path, monkeypatch) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "ELU.yaml").write_text("name: elu\nalpha: 0.5\n")  # as a Mac would find elu.yaml
    monkeypatch.setattr(identity, "CONF", tmp_path)
    assert label({"name": "ELU", "alpha": 0.5}) == "ELU(alpha=0.5)"


def test_reading_runs_does_without_torch(tiny_settings) -> None:
    execute(tiny_settings())
    code = "from activation_study.runs import read; read(sys.argv[1]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"import sys; {code}", tiny_settings()["runs_dir"]], check=True)


@pytest.mark.parametrize(
    "change",
    ["activation=elu", "activation=prelu activation.shared=true", "model.depth=3", "model.width=9", "init=xavier",
     "optimizer.momentum=0.5", "optimizer=adam", "train.epochs=3", "train.batch_size=16", "dataset.train_limit=90",
     "dataset.split_seed=1", "dataset.preprocessing=raw", "dataset.augment.flip=true", "probes.every=3",
     "objective=reconstruction", "objective.l1=0.1", "model.batch_norm=true", "model.dropout=0.5", "init.bias_std=0.1",
     "init.by_layer={1:0.1}", "optimizer.cosine=true", "optimizer.rate_by_kind={bias:2}", "train.record_every=2"],
)  # fmt: skip
def test_what_can_change_a_number_makes_another_run(tiny_settings, change) -> None:
    assert configuration_hash(tiny_settings(*change.split())) != configuration_hash(tiny_settings())


@pytest.mark.parametrize(
    "change",
    ["seeds=7", "learning_rate=1", "runs_dir=elsewhere", "data_dir=elsewhere", "device=cuda", "threads=2",
     "scale=paper", "export=tensorboard", "keep_weights=true", "checkpoint_seconds=1",
     "dataset.mirror=https://example.org", "optimizer.weight_decay=0"],
)  # fmt: skip
def test_what_cannot_change_a_number_does_not(tiny_settings, change) -> None:
    assert configuration_hash(tiny_settings(change)) == configuration_hash(tiny_settings())


def test_committed_runs_keep_their_identity(compose_settings) -> None:
    """Options that were added since do not count where they are what was done before there were any."""
    entries = json.loads((archive.RESULTS / "tables" / "mnist" / "runs.json").read_text())
    committed = {entry["config"]["hash"] for entry in entries}
    overrides = ("+experiment=mnist_tuned", "activation=relu")
    hashes = {configuration_hash(compose_settings(*overrides, f"model.depth={depth}")) for depth in (2, 8, 16)}
    assert len(hashes) == 3
    assert hashes <= committed


def test_comparable_runs_differ_in_activation_and_depth_alone(tiny_settings) -> None:
    base = comparable_hash(identity.scientific(tiny_settings()))
    assert comparable_hash(identity.scientific(tiny_settings("activation=elu", "model.depth=5"))) == base
    assert comparable_hash(identity.scientific(tiny_settings("model.width=5"))) != base


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


def test_no_table_holds_a_replica_twice(tiny_settings) -> None:
    """Runs that overlap, as two machines may have made them, side by side in one folder."""
    settings = tiny_settings()
    executing.train(settings, [Replica(0, 0.01), Replica(1, 0.01)])
    executing.train(settings, [Replica(1, 0.01), Replica(2, 0.01)])
    tables = read(settings["runs_dir"])
    assert len(tables.runs) == 2
    assert replicas_in(settings["runs_dir"]) == [(0, 0.01), (1, 0.01), (2, 0.01)]
    assert not tables.layers.duplicated(["seed", "learning_rate", "step", "layer"]).any()
    assert overview(settings["runs_dir"]).startswith("2 done")


def test_a_run_begun_by_fewer_seeds_is_continued_when_more_are_asked_for(tiny_settings) -> None:
    executing.register(tiny_settings("seeds=2"), asked_for(tiny_settings("seeds=2")))
    runs = execute(tiny_settings("seeds=3"))
    assert [run.config["replicas"] for run in runs] == [[[0, 0.01], [1, 0.01]], [[2, 0.01]]]


def test_a_table_has_the_columns_of_the_contract(tiny_settings) -> None:
    settings = tiny_settings("activation=prelu")
    execute(settings)
    tables = read(settings["runs_dir"])
    assert list(tables.metrics.columns) == [
        "run", "activation", "dataset", "model", "depth", "scale", "seed", "learning_rate", "epoch", "step", "split",
        "loss", "accuracy", "seconds",
    ]  # fmt: skip
    assert set(tables.layers.columns) == {
        "run", "activation", "dataset", "model", "depth", "scale", "seed", "learning_rate", "epoch", "step", "layer",
        "hidden", "grad_norm", "error_rms", "mean", "std", "slope_mean", "saturated", "inactive", "dead", "sparsity",
        "learned_slope",
    }  # fmt: skip
    environment = tables.runs[0].environment
    assert {"device", "torch", "python", "data"} <= environment.keys()


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


def test_replicas_that_another_process_is_to_train_are_left_to_it(tiny_settings, capsys) -> None:
    settings = tiny_settings()
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    with lock.locked(runs_dir, configuration):
        lock.announce(runs_dir, configuration, asked_for(tiny_settings("seeds=3")))
        assert execute(settings) == []
        assert lock.announced(runs_dir, configuration) == {Replica(seed, 0.01) for seed in range(3)}
    assert "another process trains this configuration; left to it" in capsys.readouterr().out
    assert lock.announced(runs_dir, configuration) == set()
    assert len(execute(settings)) == 1


@pytest.mark.parametrize("announced", ["seeds=1", None])
def test_for_the_training_of_other_replicas_it_waits(tiny_settings, capsys, monkeypatch, announced) -> None:
    """Another process has the lock, and gives it back while this one waits."""
    settings = tiny_settings("seeds=2")
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    other = ExitStack()
    other.enter_context(lock.locked(runs_dir, configuration))
    if announced:
        lock.announce(runs_dir, configuration, asked_for(tiny_settings(announced)))
    original, looks = executing.noted, []

    def looking(*args):
        looks.append(original(*args))
        if len(looks) == 3:
            other.close()
        return looks[-1]

    monkeypatch.setattr(executing, "noted", looking)
    monkeypatch.setattr(lock, "PATIENCE", 0)
    (run,) = execute(settings)
    assert run.config["replicas"] == [[0, 0.01], [1, 0.01]]
    assert len(looks) == 3
    assert capsys.readouterr().out.count("waiting for it") == (1 if announced else 0)


def test_what_is_trained_needs_no_lock(tiny_settings, capsys) -> None:
    settings = tiny_settings()
    runs = execute(settings)
    with lock.locked(Path(settings["runs_dir"]), configuration_hash(settings)):
        assert execute(settings, wait=True) == runs
    assert "trained already, nothing to do" in capsys.readouterr().out


def test_a_killed_process_leaves_no_announcement(tiny_settings) -> None:
    settings = tiny_settings()
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    lock.announce(runs_dir, configuration, asked_for(settings))
    with lock.locked(runs_dir, configuration):
        assert lock.announced(runs_dir, configuration) == set()


# Damage ---------------------------------------------------------------------------------------------------------------


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


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "file"
    files.write_text(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StudyError, match=r"file: it cannot be written \(No space left on device\)"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["file"]


# Status and exporters -------------------------------------------------------------------------------------------------


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


# File systems ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
@pytest.mark.parametrize("of", ["folders", "files and folders"])
def test_a_file_system_that_cannot_sync_holds_runs(tiny_settings, monkeypatch, number, of) -> None:
    honest = os.fsync

    def cannot(descriptor: int) -> None:
        if of != "folders" or stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        honest(descriptor)

    monkeypatch.setattr(os, "fsync", cannot)
    (run,) = execute(tiny_settings("seeds=1"))
    assert run.damaged_file() is None
    assert len(read(tiny_settings()["runs_dir"]).runs) == 1


def test_a_system_that_opens_no_folders_and_knows_no_modes_holds_files(tmp_path, monkeypatch) -> None:
    """Windows refuses to open a folder, and some mounts to set a file's mode."""
    honest = os.open

    def refuses(path, *args, **kwargs) -> int:
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *args, **kwargs)

    def no_modes(path, mode, **kwargs) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "open", refuses)
    monkeypatch.setattr(Path, "chmod", no_modes)
    files.write_text(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "new"


def test_every_file_and_its_folder_are_synced_where_they_can_be(tmp_path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    files.write_text(tmp_path / "file", "new")
    assert synced == [False, True]
