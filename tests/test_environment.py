"""Which device a run takes, and what it writes down of where it was made."""

import json
import platform
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import open_dict

from activation_study.datasets import load
from activation_study.errors import StudyError
from activation_study.training import environment as module
from activation_study.training.environment import commit, cpu_name, device_of, environment
from activation_study.training.execute import execute

ROOT = Path(__file__).resolve().parents[1]
CPU = torch.device("cpu")


@pytest.fixture
def gpus(monkeypatch):
    """Makes torch see the given number of GPUs, which all have room for an empty tensor."""

    def see(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch, "empty", lambda *size, device: None)

    return see


@pytest.fixture
def job(monkeypatch):
    """Makes this process a job of a sweep, as Hydra's launchers do."""

    def become(number: int) -> None:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            config = compose("train", return_hydra_config=True)
        with open_dict(config):
            config.hydra.mode = RunMode.MULTIRUN
            config.hydra.job.num = number
        monkeypatch.setattr(HydraConfig.instance(), "cfg", config)

    return become


def test_the_jobs_of_a_sweep_are_spread_over_the_gpus(gpus, job) -> None:
    gpus(3)
    taken = []
    for number in range(7):
        job(number)
        taken.append(str(device_of("auto")))
    assert taken == ["cuda:0", "cuda:1", "cuda:2", "cuda:0", "cuda:1", "cuda:2", "cuda:0"]
    assert device_of("cuda") == torch.device("cuda:0")


def test_a_gpu_that_is_named_is_taken_by_every_job(gpus, job) -> None:
    gpus(3)
    job(1)
    assert device_of("cuda:2") == torch.device("cuda:2")
    assert device_of("cpu") == CPU


def test_outside_a_sweep_it_is_the_first_gpu(gpus) -> None:
    gpus(3)
    assert not HydraConfig.initialized()
    assert device_of("auto") == torch.device("cuda:0")


def test_one_gpu_is_shared_and_without_one_it_is_the_cpu(gpus, job) -> None:
    job(5)
    gpus(1)
    assert device_of("auto") == torch.device("cuda")
    gpus(0)
    assert device_of("auto") == CPU


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "cpu:-1", ""])
def test_a_device_that_is_not_there_is_named(name) -> None:
    with pytest.raises(StudyError) as raised:
        device_of(name)
    assert str(raised.value) == f"device={name}: there is no such device here; choose auto, cpu, cuda or cuda:N."


def test_what_a_run_writes_down(tiny_settings) -> None:
    (run,) = execute(tiny_settings())
    written = json.loads((run.folder / "environment.json").read_text())
    assert list(written) == ["device", "torch", "python", "system", "commit", "data"]
    assert written["device"] == f"{cpu_name()}, 1 thread"
    assert written["torch"] == torch.__version__
    assert written["python"] == platform.python_version()
    assert written["system"] == platform.platform()
    assert written["commit"] == commit()
    assert written["data"] == load("digits").checksum


def test_threads_are_counted() -> None:
    assert environment(CPU, "0", 1)["device"] == f"{cpu_name()}, 1 thread"
    assert environment(CPU, "0", 2)["device"] == f"{cpu_name()}, 2 threads"


def test_a_gpu_is_told_by_its_name(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"NVIDIA {device}")
    assert environment(torch.device("cuda:1"), "0", 2)["device"] == "NVIDIA cuda:1"


def test_the_processor_has_a_name_where_the_system_tells_none(monkeypatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self: "processor: 0\nmodel name: A processor: the first\n")
    assert cpu_name() == "A processor: the first"
    monkeypatch.setattr(Path, "read_text", lambda self: "processor: 0\n")
    assert cpu_name() == platform.machine()

    def missing(self: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert cpu_name() == (platform.processor() or platform.machine())


def test_without_git_there_is_no_commit(monkeypatch) -> None:
    def missing(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(module.subprocess, "run", missing)
    assert commit.__wrapped__() is None
