"""Sweeps, from the check of their jobs to their last word; each runs as a command does, in this process."""

import copy
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers import in_process
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_resume import Killed, kill_at

from activation_study.commands import sweeps
from activation_study.runs import Run, read, runs_in
from activation_study.runs.identity import configuration_hash
from activation_study.runs.overview import overview
from activation_study.training import checkpoint, lock, planning
from activation_study.training import execute as executing
from activation_study.training.execute import execute
from activation_study.training.planning import asked_for, plan
from activation_study.training.trainer import Replica, Trainer

TINY = ["dataset=digits", "model.depth=2", "model.width=8", "train.epochs=2", "train.batch_size=32", "device=cpu",
        "dataset.train_limit=96", "dataset.valid_size=64"]  # fmt: skip


@pytest.fixture
def sweep(monkeypatch, tmp_path):
    """The command `train` on a folder of its own, with the keys given."""
    return lambda *keys: in_process(monkeypatch, "train", *TINY, f"runs_dir={tmp_path / 'runs'}", *keys)


@pytest.fixture(scope="module")
def composed(compose_settings) -> dict[str, Any]:
    return compose_settings(*TINY)


@pytest.fixture
def ask(composed, tmp_path):
    """Settings that ask for these seeds at these rates, with their runs in a temporary folder."""

    def make(*seeds: int, rates: tuple[float, ...] = (0.01,)) -> dict[str, Any]:
        asked = {"seeds": list(seeds), "learning_rate": list(rates), "runs_dir": str(tmp_path / "runs")}
        return copy.deepcopy(composed) | asked

    return make


@pytest.fixture
def trained(monkeypatch) -> list[tuple[int, float]]:
    """Every network that a trainer was made for, in their order."""
    networks: list[tuple[int, float]] = []
    original = Trainer.__init__

    def counting(self, config, replicas, data) -> None:
        networks.extend((replica.seed, replica.learning_rate) for replica in replicas)
        original(self, config, replicas, data)

    monkeypatch.setattr(Trainer, "__init__", counting)
    return networks


@pytest.fixture
def steps(monkeypatch) -> list[tuple[int, tuple[int, ...]]]:
    """Every update: its step, and the seeds that took it."""
    taken: list[tuple[int, tuple[int, ...]]] = []
    original = Trainer._train_step

    def noting(self, indices) -> None:
        taken.append((self.step, tuple(self.seeds)))
        original(self, indices)

    monkeypatch.setattr(Trainer, "_train_step", noting)
    return taken


def trains(seeds: tuple[int, ...], begin: int = 0) -> list[tuple[int, tuple[int, ...]]]:
    """The updates of seeds side by side, to the end."""
    return [(step, seeds) for step in range(begin, 6)]


# Replicas that jobs share ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "replicas"),
    [
        (["seeds=1,2"], {(0, 0.01), (1, 0.01)}),
        (["seeds=shuffle([1,0],[2,1],[0,2])"], {(0, 0.01), (1, 0.01), (2, 0.01)}),
        (["seeds=1", "learning_rate=0.1,[0.1,0.01]"], {(0, 0.1), (0, 0.01)}),
        (["seeds=1", "threads=1,2"], {(0, 0.01)}),  # nothing that makes another network
    ],
)
def test_jobs_that_share_replicas_train_each_once(sweep, trained, tmp_path, capsys, keys, replicas) -> None:
    assert sweep("-m", *keys) is None
    assert sorted(trained) == sorted(replicas)
    last = read(tmp_path / "runs").metrics.query("split == 'test'")
    assert set(zip(last["seed"], last["learning_rate"], strict=True)) == replicas
    assert " 0 running, 0 pending, 0 diverged, 0 failed" in overview(tmp_path / "runs")
    assert capsys.readouterr().out.splitlines()[-1] == f"{len(list(runs_in(tmp_path / 'runs')))} done"


def test_what_finished_runs_hold_is_not_missing(sweep, trained, tmp_path) -> None:
    assert sweep("seeds=2") is None
    assert sweep("-m", "seeds=1,3") is None
    assert sweep("-m", "seeds=[1],[3,0]") is None
    assert [seed for seed, _ in trained] == [0, 1, 2, 3]


def test_each_job_may_have_a_folder_of_its_own(sweep, tmp_path, capsys) -> None:
    assert sweep("-m", "seeds=1", "train.epochs=1,2", f"runs_dir={tmp_path}/${{train.epochs}}") is None
    assert [len(list(runs_in(tmp_path / str(epochs)))) for epochs in (1, 2)] == [1, 1]
    assert capsys.readouterr().out.splitlines()[-1] == "2 done"


def test_what_nobody_trains_is_unfinished(sweep, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(executing, "train", planning.run_of)
    first, *rest = sweep("-m", "seeds=1,3").splitlines()
    assert first == "error: 2 of 2 runs are unfinished; give the same command to go on."
    assert sorted(line.strip() for line in rest) == [run.folder.name for run in runs_in(tmp_path / "runs")]


def test_a_job_that_fails_is_told_with_what_it_leaves_unfinished(sweep, monkeypatch, capsys) -> None:
    def failing(settings, replicas) -> None:
        planning.run_of(settings, replicas).write_status("failed", error="out of luck")
        raise OSError("out of luck")

    monkeypatch.setattr(executing, "train", failing)
    told = sweep("-m", "seeds=1,3")
    assert "error: 1 of 2 runs failed; the others are kept.\n  digits-mlp-2-relu-" in told
    assert ": out of luck\nerror: 1 of 2 runs are unfinished; give the same command to go on.\n" in told
    assert capsys.readouterr().out.splitlines()[-1] in ("1 failed, 1 pending", "1 pending, 1 failed")


# What was begun -------------------------------------------------------------------------------------------------------


def go(*jobs: dict[str, Any], planned: bool) -> None:
    """Trains what the jobs ask for, as a sweep or one command after the other."""
    if planned:
        plan(Path(jobs[0]["runs_dir"]), configuration_hash(jobs[0]), jobs)
    for job in jobs:
        execute(job)


@pytest.fixture
def killed(monkeypatch, steps):
    """Trains, and ends before the given update; what is counted begins after that."""

    def kill(step: int, *jobs: dict[str, Any], planned: bool) -> None:
        with monkeypatch.context() as patched:
            kill_at(patched, "_train_step", step)
            with pytest.raises(Killed):
                go(*(job | {"checkpoint_seconds": 0} for job in jobs), planned=planned)
        steps.clear()

    return kill


@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.parametrize("after", [[(0, 1, 2)], [(0,), (0, 1, 2)], [(2, 1, 0), (0,)], [(1,), (2, 0)]])
def test_what_was_begun_goes_on_and_only_the_rest_begins(ask, killed, steps, tmp_path, planned, after) -> None:
    killed(3, ask(0, 1), planned=planned)
    go(*(ask(*seeds) for seeds in after), planned=planned)
    assert steps == [*trains((0, 1), 3), *trains((2,))]
    assert overview(tmp_path / "runs").startswith("2 done, 0 running, 0 pending")


def test_what_a_sweep_goes_on_with_is_not_lost_to_its_smaller_jobs(ask, killed, steps, tmp_path) -> None:
    """Alone, the one seed would begin anew: that is less work than to go on with the two."""
    killed(1, ask(0, 1), planned=True)
    go(ask(0), ask(0, 1), planned=True)
    assert steps == trains((0, 1), 1)
    assert overview(tmp_path / "runs").startswith("1 done, 0 running, 0 pending")


@pytest.mark.parametrize("planned", [False, True])
def test_a_superset_never_beats_what_was_begun(ask, killed, steps, tmp_path, planned) -> None:
    """The superset is written down already, as sweeps once did it."""
    killed(4, ask(0, 1), planned=planned)
    planning.register(ask(0, 1, 2), asked_for(ask(0, 1, 2)))
    go(ask(0, 1, 2), planned=planned)
    assert steps == [*trains((0, 1), 4), *trains((2,))]
    assert overview(tmp_path / "runs").startswith("2 done, 0 running, 0 pending")


@pytest.mark.parametrize("planned", [False, True])
def test_more_learning_rates_leave_what_was_begun_as_it_is(ask, killed, steps, planned) -> None:
    killed(4, ask(0, 1, rates=(0.1,)), planned=planned)
    go(ask(0, 1, rates=(0.01, 0.1)), planned=planned)
    assert steps == [*trains((0, 1), 4), *trains((0, 1))]


@pytest.mark.parametrize("planned", [False, True])
def test_what_was_begun_with_more_seeds_goes_on_where_that_is_less_work(ask, killed, steps, tmp_path, planned) -> None:
    killed(4, ask(0, 1, 2), planned=planned)
    go(ask(0, 1), planned=planned)
    assert steps == trains((0, 1, 2), 4)
    assert overview(tmp_path / "runs").startswith("1 done, 0 running, 0 pending")


@pytest.mark.parametrize("planned", [False, True])
def test_fewer_seeds_never_take_longer_for_what_was_begun_with_many(ask, killed, steps, tmp_path, planned) -> None:
    killed(1, ask(*range(9)), planned=planned)
    go(ask(0, 1), planned=planned)
    assert steps == trains((0, 1))
    assert overview(tmp_path / "runs").startswith("1 done, 0 running, 0 pending")
    go(ask(*range(9)), planned=planned)
    assert steps[6:] == trains(tuple(range(2, 9)))
    assert overview(tmp_path / "runs").startswith("2 done, 0 running, 0 pending")


def test_a_sweep_killed_with_one_number_of_seeds_goes_on_with_another(sweep, steps, monkeypatch) -> None:
    """As a user does it: no word of a run that is unfinished, and none begins again."""
    with monkeypatch.context() as patched:
        kill_at(patched, "_train_step", 1)
        with pytest.raises(Killed):
            sweep("-m", "seeds=2", "checkpoint_seconds=0")
    steps.clear()
    assert sweep("-m", "seeds=3") is None
    assert steps == [*trains((0, 1), 1), *trains((2,))]


# Whatever the jobs and whatever lies there ----------------------------------------------------------------------------

SEEDS = st.sets(st.integers(0, 4), min_size=1).map(sorted)


def replicas_of(seeds: list[int]) -> list[Replica]:
    return [Replica(seed, 0.01) for seed in seeds]


def seal(settings: dict[str, Any], replicas: list[Replica]) -> Run:
    """Trains in no time."""
    run = planning.register(settings, replicas)
    for name in ("environment.json", "metrics.parquet", "layers.parquet"):
        (run.folder / name).write_text("{}")
    run.finish(diverged={})
    checkpoint.remove(run.folder)
    return run


def begin(settings: dict[str, Any], replicas: list[Replica], step: int) -> None:
    run = planning.register(settings, replicas)
    (run.folder / checkpoint.NAMES[0]).touch()
    run.write_status("running", epoch=0, step=step, steps=10, seconds=1)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asks=st.lists(SEEDS, min_size=1, max_size=3),
    done=st.lists(SEEDS, max_size=1),
    begun=st.lists(st.tuples(SEEDS, st.integers(0, 9)), max_size=2),
    written=st.lists(SEEDS, max_size=2),
    is_planned=st.booleans(),
    data=st.data(),
)
def test_whatever_lies_there_every_replica_is_trained_once_and_what_was_begun_goes_on(
    composed, tmp_path_factory, monkeypatch, asks, done, begun, written, is_planned, data
) -> None:
    """Finished, begun and written-down runs of any replicas, and jobs that ask for any, in any order."""
    runs_dir = tmp_path_factory.mktemp("any")
    jobs = [copy.deepcopy(composed) | {"seeds": seeds, "runs_dir": str(runs_dir)} for seeds in asks]
    configuration = configuration_hash(jobs[0])
    trained: list[list[Replica]] = []

    def train(settings: dict[str, Any], replicas: list[Replica]) -> Run:
        trained.append(replicas)
        return seal(settings, replicas)

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", lambda descriptor: None)
        patched.setattr(executing, "train", train)
        for seeds in written:
            planning.register(jobs[0], replicas_of(seeds))
        for seeds, step in begun:
            begin(jobs[0], replicas_of(seeds), step)
        for seeds in done:
            seal(jobs[0], replicas_of(seeds))
        there = planning.finished(runs_dir, configuration).keys()
        if is_planned:
            plan(runs_dir, configuration, jobs)
        for job in data.draw(st.permutations(jobs)):
            execute(job)
    asked = {replica for job in jobs for replica in asked_for(job)}
    networks = [replica for replicas in trained for replica in replicas]
    assert len(networks) == len(set(networks))
    assert not there & set(networks)
    assert asked <= planning.finished(runs_dir, configuration).keys()
    for seeds, _ in begun:
        alone = all(set(seeds).isdisjoint(others) for others, _ in begun if others != seeds)
        if (is_planned or len(jobs) == 1) and alone and set(replicas_of(seeds)) <= asked - there:
            assert replicas_of(seeds) in trained
    if all(set(replicas_of(seeds)) <= asked for seeds in [*written, *(seeds for seeds, _ in begun)]):
        assert " 0 running, 0 pending, 0 diverged, 0 failed" in overview(runs_dir)


# Company --------------------------------------------------------------------------------------------------------------


def test_a_run_that_another_worker_finishes_meanwhile_stays_finished(ask, monkeypatch) -> None:
    """The other worker comes between the look at what is finished and the writing down of what is not."""
    settings = ask(0)
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    reached = threading.Event()  # the worker has ended, or waits for the lock
    original_noted, original_finished = executing.noted, planning.finished

    def work() -> None:
        execute(copy.deepcopy(settings))
        reached.set()

    def waiting(*args):
        reached.set()
        return original_noted(*args)

    worker = threading.Thread(target=work)

    def looking(*args, **options):
        found = original_finished(*args, **options)
        worker.start()
        reached.wait()
        return found

    monkeypatch.setattr(executing, "train", seal)  # signals are for main threads
    monkeypatch.setattr(executing, "noted", waiting)
    monkeypatch.setattr(planning, "finished", looking)
    plan(runs_dir, configuration, [settings])
    worker.join()
    (run,) = runs_in(runs_dir)
    assert run.is_finished


def test_a_configuration_that_another_process_trains_is_left_to_it(sweep, ask) -> None:
    settings = ask(0, 1)
    runs_dir, configuration = Path(settings["runs_dir"]), configuration_hash(settings)
    with lock.locked(runs_dir, configuration):
        lock.announce(runs_dir, configuration, asked_for(settings))
        assert sweep("-m", "seeds=1,2") is None
        assert not list(runs_in(runs_dir))


# The check ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "activations"),
    [
        (["-m", "activation=glob(*lrelu)"], {"lrelu", "vlrelu"}),
        (["activation=lrelu,vlrelu", "activation.slope=0.2", "-m"], {"lrelu(slope=0.2)", "vlrelu(slope=0.2)"}),
        (["-m", "model.depth=range(1,3)"], {"relu"}),
        (["-m", "+experiment=demo", "activations='elu,tanh'"], {"elu", "tanh"}),
    ],
)
def test_every_way_to_name_values_is_checked_and_trained(sweep, tmp_path, capsys, keys, activations) -> None:
    assert sweep(*keys, "seeds=1", "train.epochs=1") is None
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("A sweep of 2 runs; ")
    assert last == "2 done"
    assert set(read(tmp_path / "runs").metrics["activation"]) == activations


IMPOSSIBLE = {
    "activation=elu,relu activation.alpha=1,2": r"activation.alpha.* \(in the job activation=relu activation.alpha=1\)",
    "activation=elu,relu activation.alpha=1": r"activation\.alpha.* \(in the job activation=relu activation\.alpha=1\)",
    "activation=elu,foo": r"activation=foo: no such choice; choose one of centred_elu.* \(in the job activation=foo\)",
    "activation=glob(*foo)": r"activation=glob\(\*foo\): it stands for no value; give activation=VALUE,VALUE",
    "init=he,5": r"init=5: .* \(in the job init=5\)",
    "model.depth=range(3,1)": r"model.depth=range\(3,1\): it stands for no value; give model.depth=VALUE,VALUE",
    "model.depth=range(1,3,0)": r"model.depth=range\(1,3,0\): it makes no list of values \(.*\)",
    "learning_rate=interval(0,1)": r"learning_rate=interval\(0,1\): an interval is no list of values; give .*",
    "seeds=2,0": r"seeds=0: give a number of seeds.*",
    "model.depth=1,0": r"model.depth=0: give a whole number of at least 1",
}


@pytest.mark.parametrize("keys", IMPOSSIBLE)
def test_a_job_that_is_not_possible_refuses_the_sweep_with_one_sentence(sweep, tmp_path, capsys, keys) -> None:
    assert re.fullmatch(f"error: {IMPOSSIBLE[keys]}\\.", sweep("-m", *keys.split()))
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [ValueError("out of\nluck"), AssertionError(), OSError(5, "gone")])
def test_whatever_goes_wrong_in_the_check_ends_the_sweep(sweep, monkeypatch, tmp_path, error) -> None:
    def failing(config) -> None:
        raise error

    monkeypatch.setattr(sweeps, "settings", failing)
    told = sweep("-m", "seeds=1,2")
    assert told.startswith(f"error: the sweep cannot be checked, so it is not begun ({type(error).__name__}:")
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_at_the_end_is_told_too(sweep, monkeypatch) -> None:
    def failing(self, error=None) -> None:
        raise ValueError("out of luck")

    monkeypatch.setattr(sweeps.TrainingSweep, "end", failing)
    with pytest.raises(ValueError, match="out of luck"):
        sweep("-m", "seeds=1,2", "train.epochs=1")


# The command line -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [["--multirun", "activation=relu,elu"], ["activation=relu,elu", "-m"]])
def test_the_flag_stands_anywhere(sweep, tmp_path, keys) -> None:
    assert sweep("seeds=1", *keys, "train.epochs=1") is None
    assert len(list(runs_in(tmp_path / "runs"))) == 2


def test_other_flags_stand_anywhere_too(monkeypatch, tmp_path, capsys) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "steep.yaml").write_text("name: elu\nalpha: 3\n")
    with_folder = ["-cd", str(tmp_path), "model.depth=3"]
    for keys in (
        ["--cfg", "job", *with_folder],
        [*with_folder, "-c", "job"],
        [f"--config-dir={tmp_path}", "--cfg=job"],
    ):
        assert in_process(monkeypatch, "train", *keys, "activation=steep") is None
        shown = capsys.readouterr().out
        assert "  alpha: 3\n" in shown
        assert f"  depth: {3 if 'model.depth=3' in keys else 8}\n" in shown
    assert in_process(monkeypatch, "train", "activation=elu", "--help", "model.depth=3") == 0
    assert "depth: 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["--lr", "0.1"], "error: unrecognized arguments: --lr"),
        (["--cfg", "everything"], "error: argument --cfg/-c: invalid choice: 'everything'"),
        (["activation=relu,elu"], "error: activation=relu,elu: several values make a sweep; add -m."),
        (["seeds=0,1"], "error: seeds=0,1: several values make a sweep; add -m, or for one list give seeds=[0,1]."),
        (["model.depth=range(1,3)"], "error: model.depth=range(1,3): several values make a sweep; add -m."),
    ],
)
def test_a_flag_that_is_wrong_or_missing_is_told_in_one_sentence(sweep, tmp_path, keys, told) -> None:
    ended = sweep(*keys)
    assert ended.startswith(told)
    assert len(ended.splitlines()) == 1
    assert not list(tmp_path.iterdir())


# Commands that write tables and figures -------------------------------------------------------------------------------

COMPARISON = ["dataset=digits", *TINY[1:], "seeds=2", "tune.rates=null", "activations=[relu,elu]"]


@pytest.mark.parametrize(
    ("command", "keys", "way"),
    [
        ("compare", ["init=he,xavier"], ", such as 'out=OUT/${init.name}'"),
        ("compare", ["train.epochs=1,2", "init=he,lecun"], ", such as 'out=OUT/${train.epochs}-${init.name}'"),
        ("compare", ["activations=[relu],[elu]"], " in a command of its own"),
        ("figures", ["tuning_seeds=[0],[1]"], " in a command of its own"),
        ("figures", ["figure=ranks,differences", "runs_dir=a,b"], ", such as 'out=OUT/${runs_dir}'"),
        ("claims", ["scale=desk,smoke"], ", such as 'out=OUT/${scale}'"),
    ],
)
def test_jobs_that_would_write_over_one_another_are_refused(monkeypatch, tmp_path, capsys, command, keys, way) -> None:
    out = tmp_path / "out"
    told = in_process(monkeypatch, command, "-m", f"out={out}", *keys)
    assert re.match(f"error: out={out}: [24] jobs of this sweep write there, each over the one before; ", told)
    assert told.endswith(f"; give each a folder of its own{way.replace('OUT', str(out))}.")
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_comparisons_with_folders_of_their_own_are_swept(monkeypatch, tmp_path) -> None:
    """Of a preset too, which has `train.py` sweep over activations."""
    monkeypatch.setattr("activation_study.commands.compare.draw", lambda *args, **options: [])
    keys = [*COMPARISON, f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path}/${{init.name}}", "init=he,xavier"]
    assert in_process(monkeypatch, "compare", "+experiment=demo", "depths=[1]", *keys, "-m") is None
    for name in ("he", "xavier"):
        assert f"{name} initialization" in (tmp_path / name / "summary.md").read_text()
    assert overview(tmp_path / "runs").startswith("4 done, 0 running, 0 pending")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["init=he,lecun", "activations=[relu,foo]"], "error: activation=foo: no such choice"),
        (["init=he,foo"], "error: init=foo: no such choice"),
        (["model.depth=1,0"], "error: model.depth=0: give a whole number of at least 1."),
    ],
)
def test_a_sweep_of_comparisons_is_checked_whole(monkeypatch, tmp_path, keys, message) -> None:
    out = f"out={tmp_path}/${{init.name}}-${{model.depth}}"
    given = [key for key in COMPARISON if key.split("=")[0] not in [one.split("=")[0] for one in keys]]
    told = in_process(monkeypatch, "compare", "-m", *given, f"runs_dir={tmp_path / 'runs'}", out, *keys)
    assert told.startswith(message)
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_comparison_that_fails_ends_the_sweep_with_an_error(monkeypatch, tmp_path) -> None:
    compared = []

    def compare(config) -> None:
        compared.append(config.init.name)
        if config.init.name == "he":
            raise OSError("out of luck")

    monkeypatch.setattr("activation_study.commands.compare.compare", compare)
    keys = ["init=he,xavier", f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path}/${{init.name}}"]
    told = in_process(monkeypatch, "compare", "-m", *COMPARISON, *keys)
    assert told == "error: not every job of the sweep has come to its end: out of luck"
    assert compared == ["he", "xavier"]


def test_figures_of_one_folder_are_swept(monkeypatch, tmp_path) -> None:
    drawn = []
    monkeypatch.setattr("activation_study.commands.figures.figures", lambda config: drawn.append(config.figure))
    keys = ["figure=ranks,differences", "only.dataset=digits,mnist", "-m", f"out={tmp_path}", f"runs_dir={tmp_path}"]
    assert in_process(monkeypatch, "figures", *keys) is None
    assert drawn == ["ranks", "ranks", "differences", "differences"]


def test_a_sweep_of_figures_is_checked_whole(monkeypatch, tmp_path) -> None:
    keys = ["figure=ranks,foo", f"out={tmp_path / 'out'}", f"runs_dir={tmp_path}"]
    told = in_process(monkeypatch, "figures", "-m", *keys)
    assert told.startswith("error: figure=foo: ")
    assert not list(tmp_path.iterdir())
