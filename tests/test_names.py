"""Names of the user's own: on disk, of runs, and on any terminal."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from activation_study.commands import compare as comparing
from activation_study.errors import StudyError
from activation_study.names import path_part, printable, shortened
from activation_study.runs import read, read_runs
from activation_study.runs.groups import comparable
from activation_study.schema.kinds import PathTo
from activation_study.training.execute import execute

ROOT = Path(__file__).resolve().parents[1]


LATIN_1 = os.fsdecode(b"caf\xe9")  # no UTF-8


texts = st.text(st.characters(codec=None), max_size=300)  # with halves of pairs


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("mnist", "mnist"),
        ("café 花", "café 花"),
        (LATIN_1, r"caf\xe9"),
        ("a\nb\tc\x1b\u2028", r"a\nb\tc\x1b\u2028"),
        ("\ud800", r"\xed\xa0\x80"),
        ("caf\udcc3\udca9", "café"),  # UTF-8 as a system reads it whose language is C
    ],
)
def test_a_printable_name(name, shown) -> None:
    assert printable(name) == shown


@given(name=texts)
def test_every_name_becomes_one_line_that_utf_8_can_hold(name) -> None:
    shown = printable(name)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown


@given(name=texts.filter(bool))
def test_every_name_becomes_one_that_a_file_can_have(name) -> None:
    part = path_part(name)
    assert 0 < len(os.fsencode(part)) <= 120
    assert not part.startswith(".")
    assert "/" not in part
    assert path_part(part) == part


def test_long_names_are_told_apart_by_a_hash() -> None:
    one, other = shortened("n" * 230), shortened("n" * 229 + "m")
    assert one != other
    assert one[:100] == other[:100] == "n" * 100
    assert len(one) == 120
    assert shortened("花" * 100, 50).startswith("花" * 13 + "~")


# Runs -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of images of that name, with classes of nasty names; returns its path."""

    def make(name: bytes) -> str:
        root = os.fsencode(tmp_path) + b"/" + name
        for label, part in enumerate((b"_b\xe9te$1$", b"a|b_c^d%", "花\nx".encode())):
            os.makedirs(root + b"/" + part)
            for number in range(6):
                path = os.fsdecode(root + b"/" + part + b"/%d\xe9.png" % number)
                Image.fromarray(np.full((4, 4), 100 * label + number, np.uint8)).save(path)
        return os.fsdecode(root)

    return make


@pytest.mark.parametrize("name", [b"n" * 230, "花".encode() * 80, b".hidden", b"caf\xe9", b"two\nlines", b"a\\b"])
def test_a_run_on_a_folder_of_any_name_is_found_again(compose_settings, folder, tmp_path, name) -> None:
    settings = compose_settings("dataset=image_folder", f"dataset.root={tmp_path}", "dataset.size=4", "model.depth=1",
                                "model.width=4", "train.epochs=1", "seeds=1", "device=cpu", "keep_weights=true",
                                f"runs_dir={tmp_path / 'runs'}")  # fmt: skip
    settings["dataset"] |= {"root": folder(name), "folder": printable(os.fsdecode(name))}
    (run,) = execute(settings)
    assert len(os.fsencode(run.folder.name)) <= 143
    tables = read(tmp_path / "runs")
    assert tables.runs == [run]
    assert set(tables.metrics["run"]) == {run.name}
    assert set(tables.metrics["dataset"]) == {printable(os.fsdecode(name))}
    (group,) = comparable(tables.runs)
    assert len(os.fsencode(group)) < 143
    assert execute(settings) == [run]


def test_the_settings_name_a_folder_in_letters_that_every_text_can_hold(compose_settings, tmp_path) -> None:
    from hydra import compose, initialize_config_dir

    from activation_study.config import settings

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("train", ["dataset=image_folder", "dataset.root=x"])
    (tmp_path / LATIN_1).mkdir()
    config.dataset.root = str(tmp_path / LATIN_1)
    assert settings(config)["dataset"]["folder"] == r"caf\xe9"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    config.dataset.root = str(tmp_path / "loop")
    with pytest.raises(StudyError, match=r"dataset\.root=.*loop: "):
        settings(config)


def test_a_folder_for_results_is_checked_and_not_made(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for good in ("new", "new/newer", LATIN_1, "."):
        PathTo(is_written=True).read("out", tmp_path / good)
    for bad, says in (("file", "file is a file"), ("file/in", "file is a file"), ("a" * 256, "no file can have such a"),
                      ("new/" + "花" * 86, "no file can have such a name")):  # fmt: skip
        with pytest.raises(StudyError, match=rf"out=.*: .*{says}.*\.$"):
            PathTo(is_written=True).read("out", tmp_path / bad)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# A command ------------------------------------------------------------------------------------------------------------


def compare(root: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(ROOT / "experiments" / "compare.py"), "dataset=image_folder",
               f"dataset.root='{root}'", "dataset.size=4", "model.depth=1", "model.width=4", "train.epochs=1",
               "train.batch_size=4", "seeds=2", "device=cpu", "tune.rates=null", "activations=[relu,elu]",
               f"runs_dir={cwd / 'runs'}", *arguments]  # fmt: skip
    return subprocess.run(command, cwd=cwd, capture_output=True, env=os.environ | environment)


def test_a_comparison_on_a_folder_of_a_nasty_name(folder, tmp_path) -> None:
    """With stdout and the names of files in ASCII, as on a system whose language is C."""
    root = folder("cash$2024_a_b$x 花 %|^~".encode() + b"\xe9")
    out = os.fsdecode(os.fsencode(tmp_path) + b"/out\xe9_$a$")
    ended = compare(root, f"out='{out}'", cwd=tmp_path, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0",
                    PYTHONCOERCECLOCALE="0")  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    assert b"Traceback" not in ended.stderr
    assert rb"cash$2024_a_b$x \u82b1 %|^~\xe9, mlp (width 4)" in ended.stdout
    written = {path.name for path in Path(out).iterdir()}
    assert {"summary.md", "summary.tex", "differences.csv", "learning_curves.png", "learning_curves.pdf"} <= written
    page = (Path(out) / "summary.md").read_text("utf-8")
    assert page.startswith(r"# Which activation? cash\$2024\_a\_b\$x 花 %\|^\~\\xe9, mlp")
    assert set(read(tmp_path / "runs").metrics["dataset"]) == {r"cash$2024_a_b$x 花 %|^~\xe9"}


def test_results_are_saved_before_they_are_printed(tiny_settings, tmp_path, monkeypatch) -> None:
    tables = read_runs(execute(tiny_settings()))

    def fails(*texts: str, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("builtins.print", fails)
    asked = {"out": str(tmp_path / "out"), "target": None, "margin": None, "reference": None}
    with pytest.raises(OSError, match="No space"):
        comparing._report(comparing.Measured(tables, tables, None), asked, "the command")
    assert {"summary.md", "summary.csv", "final_accuracy.png"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_an_output_that_takes_no_more_ends_with_one_sentence() -> None:
    command = [sys.executable, str(ROOT / "experiments" / "data.py"), "datasets=[digits]"]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert ended.stderr == ("error: the output cannot be printed (No space left on device); results so far are kept.\n")


def test_a_folder_of_results_that_cannot_be_made_is_refused_before_training(folder, tmp_path) -> None:
    ended = compare(folder(b"pets"), f"out={tmp_path / ('o' * 300)}", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.decode().startswith(f"error: out={tmp_path}/ooo")
    assert "no file can have such a name; give a folder with another." in ended.stderr.decode()
    assert not list((tmp_path).glob("runs/*/config.yaml"))
