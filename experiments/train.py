"""Trains one configuration, or with -m a sweep of them; what is trained already is not trained again."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("train")
def main(config: DictConfig) -> None:
    """Trains the run that the configuration describes."""
    from activation_study.commands import train

    train.train(config)


if __name__ == "__main__":
    main()
