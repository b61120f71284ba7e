"""What every part is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """Where is measured, and whether only to see that everything runs."""

    device: torch.device
    data_dir: Path
    quick: bool = False

    def choose(self, full: T, quick: T) -> T:
        """The first, or the second in a quick run."""
        return quick if self.quick else full
