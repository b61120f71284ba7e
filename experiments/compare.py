"""Compares activations, or other variants: tunes and trains what is not trained yet, and says what can be concluded."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("compare")
def main(config: DictConfig) -> None:
    """Compares the variants that the configuration lists, at each of its depths."""
    from activation_study.commands.compare import compare

    compare(config)


if __name__ == "__main__":
    main()
