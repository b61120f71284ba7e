"""A sweep on a real Slurm, started for the test: it loses workers and goes on to the same bytes."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ROOT, SWEEP, Command, by_name, in_training, wait_until, without_threads
from test_resume import same

SCRIPTS = ROOT / "tests" / "slurm"
SLURM = ["hydra/launcher=slurm", "hydra.launcher.partition=study", "hydra.launcher.timeout_min=5",
         "hydra.launcher.mem_gb=1", "hydra.launcher.array_parallelism=2"]  # fmt: skip


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    """A Slurm of one node: the environment in which its commands find it."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="hydra-submitit-launcher is not installed")
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("starting Slurm needs root")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if missing := [name for name in ("munged", "slurmctld", "slurmd") if not shutil.which(name, path=path)]:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian's packages slurm-wlm and munge)")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # not below tmp_path: too long for the path of a socket
    try:
        started = subprocess.run([SCRIPTS / "start.sh", folder], capture_output=True, text=True)
        if started.returncode:
            pytest.skip(f"Slurm cannot start here: {started.stderr}")
        yield {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{SCRIPTS}:{path}"}
    finally:
        subprocess.run([SCRIPTS / "stop.sh", folder], check=True)
        shutil.rmtree(folder)


def test_a_sweep_that_loses_workers_goes_on_to_the_same_bytes(slurm, tmp_path) -> None:
    straight = Command(*SWEEP, f"runs_dir={tmp_path / 'straight'}")
    runs_dir = tmp_path / "slurm"
    arguments = [*SWEEP, *SLURM, f"runs_dir={runs_dir}"]

    def queue() -> list[str]:
        """The jobs that Slurm has not ended, as ARRAY_TASK."""
        told = subprocess.run(
            ["squeue", "--noheader", "--array", "--format=%F_%K"], capture_output=True, text=True, env=slurm
        )
        return told.stdout.split()

    first = Command(*arguments, environment=without_threads(slurm))
    wait_until(lambda: in_training(runs_dir), first)
    two = [next(run for name, run in by_name(runs_dir).items() if f"mlp-{depth}-relu" in name) for depth in (1, 2)]
    task = 0 if two[0].folder.name in in_training(runs_dir) else 1  # jobs 0 and 1 run side by side
    os.kill(two[task].status["pid"], signal.SIGKILL)
    wait_until(lambda: two[1 - task].folder.name in in_training(runs_dir), first)
    subprocess.run(["scancel", f"{queue()[0].split('_')[0]}_{1 - task}"], check=True, env=slurm)
    status, _, errors = first.end()
    assert status == 1
    assert "runs are unfinished; give the same command to go on." in errors
    for run in two:
        assert run.folder.name in errors
        assert not run.is_finished

    status, _, errors = Command(*arguments, environment=without_threads(slurm)).end()
    assert status == 0, errors
    wait_until(lambda: not queue())  # jobs of the first sweep may have been at work still
    ours, theirs = by_name(runs_dir), by_name(tmp_path / "straight")
    assert straight.end()[0] == 0
    assert len(ours) == 4
    assert ours.keys() == theirs.keys()
    for name, run in ours.items():
        assert same(run, theirs[name]), name
        assert run.environment["device"].endswith(", 1 thread")  # as many as hydra.launcher.cpus_per_task


def test_what_slurm_refuses_is_told(slurm, tmp_path) -> None:
    command = Command(*SWEEP, *SLURM, "hydra.launcher.partition=none", f"runs_dir={tmp_path}", environment=slurm)
    status, _, errors = command.end()
    assert status == 1
    assert "error: 4 of 4 runs are unfinished; give the same command to go on." in errors
    assert "invalid partition specified: none" in errors
