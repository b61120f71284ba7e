"""The number format in which layers are computed: float32, or bfloat16 mixed with it."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from activation_study.errors import refuse

CPU_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # of x86 and ARM processors, as Linux calls them


def computing(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Inside, products and convolutions are computed in a precision; weights and updates stay in float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def check(precision: str, device: torch.device) -> None:
    """Refuses a precision that the device would only emulate, which takes longer than float32.

    Raises:
        StudyError: it would.
    """
    if precision == "bfloat16" and not has_bfloat16(device):
        text = f"this machine's {'processor' if device.type == 'cpu' else 'GPU'} would only emulate it; give float32"
        refuse("train.precision", precision, text)


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        flags = next(
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "Feat"))
        )
    except (OSError, StopIteration):
        return False
    return not set(CPU_FLAGS).isdisjoint(flags.split())
