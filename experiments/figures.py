"""Draws the figures again from the runs on disk: all of them, or one as figure=NAME."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("figures")
def main(config: DictConfig) -> None:
    """Draws the figures that the configuration asks for."""
    from activation_study.commands import figures as report

    report.figures(config)


if __name__ == "__main__":
    main()
