"""Compares activations on one data set: trains what is not trained yet, then prints a table and draws the figures."""

from omegaconf import DictConfig

from activation_study.cli import command


@command("compare")
def main(config: DictConfig) -> None:
    """Compares the activations that the configuration lists, at each of its depths."""
    from activation_study import report

    report.compare(config)


if __name__ == "__main__":
    main()
