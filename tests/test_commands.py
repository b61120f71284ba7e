"""The commands as a user runs them, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from activation_study.runs import read

ROOT = Path(__file__).resolve().parents[1]
TINY = ["model.depth=2", "model.width=8", "train.epochs=1", "train.batch_size=32", "seeds=2", "device=cpu",
        "dataset.train_limit=64"]  # fmt: skip


def run(command: str, *arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "experiments" / f"{command}.py"), *arguments],
        cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_help_answers_without_torch(tmp_path) -> None:
    """`--help` shows the groups, and works where importing torch would be an error."""
    (tmp_path / "torch.py").write_text("raise ImportError('torch must not be imported')")
    shown = run("train", "--help", PYTHONPATH=str(tmp_path))
    assert shown.returncode == 0, shown.stderr
    assert "activation: centred_elu, elu, gelu" in shown.stdout
    assert "learning_rate: 0.01" in shown.stdout


def test_train_leaves_a_run_folder_and_a_second_time_does_nothing(tmp_path) -> None:
    arguments = [*TINY, "activation=elu", "learning_rate=[0.1,0.01]", f"runs_dir={tmp_path / 'runs'}"]
    first = run("train", *arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "gradient norm" in first.stderr  # the progress bar
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if path.name.startswith("digits-mlp-2-elu-"))
    names = {"config.yaml", "status.json", "environment.json", "metrics.parquet", "layers.parquet"}
    assert names <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "status.json").read_text())["state"] == "done"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    second = run("train", *arguments, cwd=tmp_path)
    assert second.returncode == 0
    assert "trained already, nothing to do" in second.stdout
    assert len(re.findall(r"gradient norm by layer, step \d, learning rate", first.stdout)) == 2
    assert len(first.stdout.splitlines()) == 2 * 4  # of two hidden layers and the output layer, and a head
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_sweep_with_a_mistake_in_one_job_is_refused_before_it_begins(tmp_path) -> None:
    ended = run("train", "-m", *TINY, "model.depth=1,0,3", f"runs_dir={tmp_path}")
    assert ended.returncode == 1
    assert ended.stderr == "error: model.depth=0: give a whole number of at least 1.\n"
    assert not list(tmp_path.glob("*/config.yaml"))


def test_a_sweep_goes_on_after_a_failure_and_lists_it_at_the_end(tmp_path) -> None:
    """A data set that is not there fails its own run only."""
    choices = ["dataset=digits,mnist", f"data_dir={tmp_path / 'none'}", "dataset.valid_size=50"]
    ended = run("train", "-m", *TINY, *choices, f"runs_dir={tmp_path / 'runs'}")
    assert ended.returncode == 1
    assert "1 done, 1 failed" in ended.stdout
    assert "1 of 2 runs failed; the others are kept.\n  mnist-mlp-2-relu-" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(read(tmp_path / "runs").metrics["dataset"].unique()) == ["digits"]
    status = run("status", f"runs_dir={tmp_path / 'runs'}")
    assert "1 done, 0 running, 0 pending, 0 diverged, 1 failed" in status.stdout
    assert "mnist" in status.stdout


def test_compare_trains_prints_and_draws(tmp_path) -> None:
    choices = ["activations=[relu,'elu activation.alpha=0.5']", "depths=[2,3]", "seeds=3", "tune.rates=null"]
    ended = run("compare", *TINY, *choices, f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path / 'out'}")
    assert ended.returncode == 0, ended.stderr
    assert "elu(alpha=0.5)" in ended.stdout
    assert "95 % interval" in ended.stdout
    assert "3 seeds; scale desk" in ended.stdout
    written = [Path(line) for line in ended.stdout.splitlines() if line.startswith(str(tmp_path / "out"))]
    assert {"summary.csv", "summary.md", "gradient_ratio.png", "final_accuracy.png"} <= {path.name for path in written}
    assert all(path.stat().st_size > 0 for path in written)
    again = run("figures", "figure=gradient_ratio", f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path / 'again'}")
    assert again.returncode == 0, again.stderr
    assert tree(tmp_path / "again") == {
        "digits-mlp", "digits-mlp/gradient_ratio.png", "digits-mlp/gradient_ratio.pdf"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("activation=foo", "activation=foo: no such choice; choose one of centred_elu, elu, gelu, lrelu"),
        ("model.depth=0", "model.depth=0: give a whole number of at least 1"),
        ("model.depth=-3", "model.depth=-3: give a whole number of at least 1"),
        ("learning_rate=abc", "learning_rate=abc: give a number above 0"),
        ("seeds=[]", "seeds=[]: give a number of seeds"),
        ("model.dept=3", "model.dept=3: no such key; the nearest are model.depth"),
        ("scale=huge", "scale=huge: no such scale; choose one of paper, desk, smoke"),
        ("activation=torch", "activation.name: a value is missing"),
        ("+experiment=none", "experiment=none: no such choice; choose one of causes, cifar10_mlp"),
        ("device=cuda:99", "device=cuda:99: there is no such device here"),
        ("dataset=mnist data_dir=/dev/null/data", "data_dir=/dev/null/data"),
        ("runs_dir=/dev/null/runs", "/dev/null/runs"),
    ],
)
def test_a_mistake_ends_with_one_sentence(tmp_path, argument, sentence) -> None:
    ended = run("train", f"runs_dir={tmp_path}", *argument.split())
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert sentence in ended.stderr
    assert {path for path in tree(tmp_path) if not path.startswith(".locks")} == set()


def test_a_mistake_in_a_comparison_ends_with_one_sentence(tmp_path) -> None:
    ended = run("compare", "activations=[relu,foo]", f"runs_dir={tmp_path}", f"out={tmp_path}")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: activation=foo: no such choice; choose one of centred_elu, elu, gelu")
    assert len(ended.stderr.splitlines()) == 1
    assert not tree(tmp_path)


def test_a_full_disk_ends_with_one_sentence_and_keeps_what_was_there(tmp_path) -> None:
    """A file-size limit makes every write fail as a full disk does."""
    finished = run("train", *TINY, "activation=relu", f"runs_dir={tmp_path}")
    assert finished.returncode == 0, finished.stderr
    before = tree(tmp_path)
    command = f"ulimit -f 0; exec {sys.executable} {ROOT / 'experiments' / 'train.py'} "
    ended = subprocess.run(
        ["bash", "-c", command + " ".join([*TINY, "activation=elu", f"runs_dir={tmp_path}"])],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "it cannot be written" in ended.stderr.splitlines()[-1]
    new = {path for path in tree(tmp_path) - before if (tmp_path / path).is_file() and not path.startswith(".locks")}
    assert new == set()
    assert len(read(tmp_path).runs) == 1


TUNED = [*TINY, "activations=[relu,elu]", "tune.rates=[0.01,0.1]", "tune.widenings=1"]


def test_compare_tunes_measures_with_fresh_seeds_and_concludes(tmp_path) -> None:
    arguments = [*TUNED, f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path / 'out'}", "reference=elu", "target=0.2"]
    ended = run("compare", *arguments)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("About ")
    assert "At depth 2, " in ended.stdout
    assert "Compared with elu, relu " in ended.stdout
    written = {path.name for path in (tmp_path / "out").iterdir()}
    names = {"summary.csv", "summary.md", "summary.tex", "differences.csv", "differences.tex", "learning_rates.csv"}
    assert names <= written
    assert {"ranks.png", "ranks.pdf", "differences.png", "learning_rates.png"} <= written
    summary = pd.read_csv(tmp_path / "out" / "summary.csv").set_index("variant")
    rates = pd.read_csv(tmp_path / "out" / "learning_rates.csv")
    for variant, group in rates.groupby("variant"):
        assert summary.loc[variant, "learning_rate"] == group.loc[group["accuracy"].idxmax(), "learning_rate"]
    assert set(rates["n"]) == {2}
    assert set(read(tmp_path / "runs").metrics["seed"]) == {0, 1, 1000, 1001}
    before, page = tree(tmp_path), (tmp_path / "out" / "summary.md").read_text()
    again = run("compare", *arguments)
    assert again.stdout.startswith("Everything is trained already.")
    assert run("compare", *arguments, "missing=refuse").returncode == 0
    assert tree(tmp_path) == before
    assert (tmp_path / "out" / "summary.md").read_text() == page
    drawn = run("figures", "figure=ranks", f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path / 'again'}")
    assert drawn.returncode == 0, drawn.stderr  # of the several learning rates it takes the chosen one


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("tune.rates=[0.1,-1]", "tune.rates=[0.1,-1]: give a number above 0"),
        ("tune.seeds=[0,7]", "tune.seeds=[0,7]: 0 would choose the learning rate and measure it"),
        ("tune.widenings=-1", "tune.widenings=-1: give a whole number of at least 0"),
        ("reference=tanh", "reference=tanh: it is not among the activations; choose one of relu, elu"),
        ("target=2", "target=2: give a number from 0 to 1"),
    ],
)
def test_a_mistake_in_the_tuning_ends_with_one_sentence(tmp_path, argument, sentence) -> None:
    ended = run("compare", *TUNED, f"runs_dir={tmp_path}", f"out={tmp_path}", argument)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: {sentence}")
    assert len(ended.stderr.splitlines()) == 1
    assert not tree(tmp_path)


def test_scales_are_not_mixed(tmp_path) -> None:
    arguments = [*TINY, "activations=[relu]", "tune.rates=null", f"runs_dir={tmp_path / 'runs'}"]
    trained = run("train", *TINY, "activation=relu", f"runs_dir={tmp_path / 'runs'}", "scale=smoke")
    assert trained.returncode == 0, trained.stderr
    ended = run("compare", *arguments, f"out={tmp_path / 'out'}")
    assert ended.returncode == 1
    assert "scale=desk: digits-mlp-2-relu-" in ended.stderr
    assert "was trained with scale=smoke, and scales are not mixed" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_different_data_are_not_compared(tmp_path) -> None:
    """The checksum of the data stands in every run's environment."""
    arguments = [*TINY, "activations=[relu,elu]", "tune.rates=null", f"runs_dir={tmp_path / 'runs'}"]
    assert run("train", *TINY, "activation=relu", f"runs_dir={tmp_path / 'runs'}").returncode == 0
    (folder,) = (path for path in (tmp_path / "runs").glob("digits-*"))
    (one,) = read(tmp_path / "runs").runs
    details = {key: one.status[key] for key in ("epoch", "step", "steps", "seconds", "diverged")}
    (folder / "environment.json").write_text(json.dumps(one.environment | {"data": "other"}))
    one.finish(**details)
    ended = run("compare", *arguments, f"out={tmp_path / 'out'}")
    assert ended.returncode == 1
    assert "were trained on different data" in ended.stderr


def test_one_activation_alone_has_nothing_to_be_compared_with(tmp_path) -> None:
    arguments = [*TINY, "activations=[relu]", "tune.rates=null", "seeds=1", f"runs_dir={tmp_path}", f"out={tmp_path}"]
    ended = run("compare", *arguments)
    assert ended.returncode == 0, ended.stderr
    assert "There is nothing to compare relu with." in ended.stdout
    assert not (tmp_path / "differences.tex").exists()
