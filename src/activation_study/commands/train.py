"""What `train.py` does: it trains a run, and shows its gradient norms by layer."""

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from activation_study.config import settings
from activation_study.runs.bars import picture_of
from activation_study.training.execute import execute


def train(config: DictConfig) -> None:
    """Trains the run that the configuration describes; what a sweep trains is shown by `status.py run=NAME`."""
    runs = execute(settings(config))
    if HydraConfig.get().mode == RunMode.RUN:
        print(*filter(None, map(picture_of, runs)), sep="\n")
