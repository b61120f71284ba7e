"""Where and with what a run is made."""

import functools
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from activation_study.errors import StudyError


def device_of(name: str) -> torch.device:
    """The device that a name such as auto, cpu, cuda or cuda:1 means here.

    The jobs of a sweep spread over the visible GPUs where the name leaves the choice.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and torch.cuda.device_count() > 1:
        swept = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
        name = f"cuda:{HydraConfig.get().job.num % torch.cuda.device_count() if swept else 0}"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise StudyError(f"device={name}: there is no such device here; choose auto, cpu, cuda or cuda:N.") from None
    return device


def environment(device: torch.device, data_checksum: str, threads: int) -> dict[str, Any]:
    """Hardware and threads, versions, the code's commit and the data's checksum, as a run keeps them."""
    cpu = f"{cpu_name()}, {threads} thread{'s' if threads > 1 else ''}"
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "commit": commit(),
        "data": data_checksum,
    }


@functools.cache
def commit() -> str | None:
    """The commit of the code, marked where it was changed since; None outside a checkout."""
    try:
        command = ["git", "describe", "--always", "--dirty"]
        told = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return None
    return told.stdout.strip() or None


def cpu_name() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
