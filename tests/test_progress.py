"""A bar on a terminal, whole lines anywhere else."""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from activation_study.progress import EVERY, progress

ROOT = Path(__file__).resolve().parents[1]
TRAIN = [sys.executable, str(ROOT / "experiments" / "train.py"), "model.depth=2", "model.width=8", "train.epochs=3",
         "seeds=1", "device=cpu"]  # fmt: skip


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tqdm.std.time", clock)
    return clock


def written(monkeypatch: pytest.MonkeyPatch, clock: Clock, seconds: float, **options) -> str:
    """What work that goes on by ten steps a second writes to a stderr that is no terminal."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress(desc="work", total=int(seconds * 10), unit="step", **options) as bar:
        for _ in range(int(seconds * 10)):
            clock.now += 0.1
            bar.set_postfix_str("all is well", refresh=False)
            bar.update(1)
    return sys.stderr.getvalue()


@pytest.mark.parametrize("seconds", [0, 1, 29, 31, 600])
def test_a_log_gets_the_first_line_one_every_half_minute_and_the_last(monkeypatch, clock, seconds) -> None:
    text = written(monkeypatch, clock, seconds)
    lines = text.splitlines()
    assert len(lines) - 2 <= seconds / EVERY < len(lines) - 2 + 1.1
    assert "\r" not in text
    assert lines[0].startswith("work: 0/")
    assert lines[-1].startswith(f"work: {seconds * 10}/{seconds * 10} ")
    assert all("all is well" in line for line in lines[1:]) == (seconds > 0)


@pytest.mark.parametrize(("seconds", "lines"), [(1, 0), (29, 0), (31, 2), (95, 4)])
def test_what_may_be_silent_says_nothing_where_it_is_over_soon(monkeypatch, clock, seconds, lines) -> None:
    text = written(monkeypatch, clock, seconds, may_be_silent=True)
    assert len(text.splitlines()) == lines
    assert "\r" not in text


def test_what_is_gone_through_comes_out_whole(monkeypatch, clock, capsys) -> None:
    assert list(progress(iter("abc"), total=3, desc="letters", unit="letter")) == list("abc")
    assert [line.split(" [")[0] for line in capsys.readouterr().err.splitlines()] == ["letters: 0/3", "letters: 3/3"]


def test_a_run_with_its_output_in_a_pipe(tmp_path) -> None:
    ended = subprocess.run([*TRAIN, f"runs_dir={tmp_path}"], capture_output=True)
    assert ended.returncode == 0, ended.stderr
    assert b"\r" not in ended.stdout + ended.stderr
    first, last = ended.stderr.decode().splitlines()
    assert first.startswith("digits-mlp-2-relu-")
    assert ": 0/54 [" in first
    assert ": 54/54 [" in last
    assert "gradient norm" in last


def test_a_run_on_a_terminal_has_its_bar(tmp_path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, 200, 0, 0))
    with subprocess.Popen([*TRAIN, f"runs_dir={tmp_path}"], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 1 << 16):
                shown += part
        except OSError:  # Linux says so when the other side is closed
            pass
        process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, shown
    assert b"\r" in shown.rstrip()
    assert b"100%|" in shown
    assert b"gradient norm" in shown
