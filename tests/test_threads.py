"""One thread or all: what is said is obeyed, else times decide, once a training."""

import os
import runpy
import subprocess
import sys

import pytest
import torch
from test_resume import Killed, kill_at
from test_resume import same as same_bytes

import activation_study
from activation_study.commands.estimate import seconds_per_network
from activation_study.runs import runs_in
from activation_study.training import checkpoint, threads
from activation_study.training.execute import execute
from activation_study.training.threads import FIRST, TIMED, Threads
from activation_study.training.trainer import Replica, Trainer

END = FIRST + TIMED
FREE = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}


@pytest.fixture
def two(monkeypatch):
    """As on a machine of two cores, where nothing is said of threads."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(threads, "DEFAULT", 2)
    torch.set_num_threads(2)
    yield monkeypatch
    torch.set_num_threads(1)


def time(chosen: Threads, one: float, both: float, odd: float = 1.0) -> None:
    """Tells of the first steps of a training, two of which take `odd` times as long."""
    for step in range(END):
        chosen.took(step, (one if chosen.at(step) == 1 else both) * (odd if step in (4, 5) else 1.0))


@pytest.mark.parametrize(
    ("one", "both", "number"),
    [(6.3, 3.9, 2), (6.0, 14.0, 1), (6.0, 570.0, 1), (6.0, 5.9, 1), (6.0, 5.0, 2)],  # alone, in company, hardly other
)
def test_the_faster_is_taken(two, one, both, number) -> None:
    chosen = Threads()
    time(chosen, one, both)
    assert chosen.number == number
    assert {chosen.at(step) for step in range(END, 1000)} == {number}


def test_what_disturbs_a_step_or_two_does_not_decide(two) -> None:
    chosen = Threads()
    time(chosen, one=6.3, both=3.9, odd=50.0)
    assert chosen.number == 2


@pytest.mark.parametrize("every", [1, 2, 4])
def test_what_comes_at_every_so_many_steps_burdens_both_alike(two, every) -> None:
    chosen = Threads()
    numbers = [chosen.at(step) for step in range(FIRST, END) if step % every == 0]
    assert numbers.count(1) == numbers.count(2) > 0


def test_what_the_user_says_is_obeyed(two) -> None:
    def numbers(**options) -> set[int]:
        chosen = Threads(**options)
        time(chosen, one=1.0, both=2.0)
        return {chosen.at(step) for step in range(100)}

    assert numbers() == {1, 2}
    assert numbers(wanted=3) == {3}
    assert numbers(may_choose=False) == {2}
    with two.context() as patched:
        patched.setenv("OMP_NUM_THREADS", "2")
        assert numbers() == {2}
    torch.set_num_threads(4)  # a program that says so itself, such as a notebook
    assert numbers() == {4}


def record_numbers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of threads at every step of whatever trains from now on."""
    numbers, original = [], Trainer._train_step

    def step(self, indices) -> None:
        numbers.append(torch.get_num_threads())
        original(self, indices)

    monkeypatch.setattr(Trainer, "_train_step", step)
    return numbers


def test_a_training_times_its_own_steps_and_no_others(two, tiny_settings, blobs) -> None:
    numbers = record_numbers(two)
    trainer = Trainer(tiny_settings("train.epochs=10"), [Replica(0, 0.1)], blobs)
    assert [record.epoch for record in trainer.records()] == list(range(11))
    assert numbers == [trainer.threads.at(step) for step in range(trainer.total_steps)]
    assert trainer.total_steps > END
    assert set(numbers[:END]) == {1, 2}
    assert torch.get_num_threads() == 2  # as it was
    fixed = Trainer(tiny_settings("train.epochs=10", "threads=1"), [Replica(0, 0.1)], blobs)
    list(fixed.records())
    assert set(numbers[trainer.total_steps :]) == {1}
    assert all(map(torch.equal, trainer.network.state_dict().values(), fixed.network.state_dict().values()))


def test_a_reproducible_run_asks_no_clock(two, tiny_settings, blobs) -> None:
    numbers = record_numbers(two)
    settings = tiny_settings("reproducible=true", "train.epochs=10")
    list(Trainer(settings, [Replica(0, 0.1)], blobs).records())
    assert set(numbers) == {2}


def test_a_program_that_leaves_a_training_has_its_threads_again(two, tiny_settings, blobs) -> None:
    for _ in Trainer(tiny_settings("threads=1"), [Replica(0, 0.1)], blobs).records():
        assert torch.get_num_threads() == 1
        break
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("number", [1, 2])
def test_a_resumed_run_keeps_its_number_whatever_is_faster_now(two, tiny_settings, tmp_path, number) -> None:
    """Convolutions, whose last bits depend on the number of threads, go on to the same bytes."""
    options = ["model=convnet", "model.depth=2", "model.width=4", "train.epochs=8", "keep_weights=true", "seeds=1",
               "checkpoint_seconds=0"]  # fmt: skip
    two.setattr(threads, "median", lambda seconds: 1.0 if len(seconds) else 0.0)
    two.setattr(threads, "WORTH", 2.0 if number == 2 else 0.0)
    (straight,) = execute(tiny_settings(*options, f"runs_dir={tmp_path / 'straight'}"))
    with two.context() as patched:
        kill_at(patched, "_train_step", END + 1)
        with pytest.raises(Killed):
            execute(tiny_settings(*options))
    two.setattr(threads, "WORTH", 0.0 if number == 2 else 2.0)
    (run,) = runs_in(tmp_path / "runs")
    assert checkpoint.newest(run.folder)["trainer"]["threads"] == number
    numbers = record_numbers(two)
    (resumed,) = execute(tiny_settings(*options))
    assert set(numbers) == {number}
    assert same_bytes(resumed, straight)
    assert resumed.environment["device"].endswith(f", {number} thread{'s' if number > 1 else ''}")


def test_a_run_stopped_while_it_is_timed_goes_on_with_the_same_numbers(two) -> None:
    begun, resumed = Threads(), Threads()
    for step in range(FIRST, END - 1):
        begun.took(step, 1.0)
    resumed.load_state(begun.state())
    assert [resumed.at(step) for step in range(END)] == [begun.at(step) for step in range(END)]
    resumed.took(END - 1, 1.0)  # too little to tell by
    assert resumed.number == 2


def test_a_number_that_this_machine_lacks_is_not_kept(two) -> None:
    resumed = Threads()
    resumed.load_state(16)
    assert resumed.at(1000) == 2
    given = Threads(wanted=1)
    given.load_state(2)
    assert given.at(1000) == 1


def test_an_estimate_leaves_the_threads_as_they_are(two, tiny_settings) -> None:
    assert seconds_per_network(tiny_settings("train.epochs=20")) > 0
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("given", "turns"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)],
)
def test_how_long_threads_wait_is_bounded_unless_the_user_says_otherwise(monkeypatch, given, turns) -> None:
    for key in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(key, raising=False)
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    runpy.run_path(activation_study.__file__)
    assert os.environ.get("GOMP_SPINCOUNT") == turns


def test_torch_hears_of_it(tmp_path) -> None:
    """The runtime itself says what it has read when torch was imported."""
    free = {key: value for key, value in FREE.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    command = [sys.executable, "-c", "import activation_study.training.trainer"]
    said = subprocess.run(command, env={**free, "OMP_DISPLAY_ENV": "VERBOSE"}, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    if "GOMP_SPINCOUNT" not in said.stderr:
        pytest.skip("torch has another OpenMP than GNU's")
    assert "GOMP_SPINCOUNT = '10000'" in said.stderr
