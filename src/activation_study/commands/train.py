"""What `train.py` does: it trains a run, and shows what came of it."""

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from activation_study.config import settings
from activation_study.runs import Run
from activation_study.runs.bars import picture_of
from activation_study.runs.scores import scores_of
from activation_study.training.execute import execute


def train(config: DictConfig) -> None:
    """Trains the run that the configuration describes; what a sweep trains is shown by `status.py run=NAME`."""
    runs = execute(settings(config))
    if HydraConfig.get().mode == RunMode.RUN:
        print(*map(outcome, runs), sep="\n")


def outcome(run: Run) -> str:
    """The test score of every seed, the gradient norms by layer, and the folder of a finished run."""
    return "\n".join(filter(None, (scores_of(run), picture_of(run), f"folder: {run.folder}")))
