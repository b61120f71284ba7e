"""Makes the explorer, one HTML file in which the runs on disk can be looked at: results/explorer.html."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("explore")
def main(config: DictConfig) -> None:
    """Writes the page."""
    from activation_study.commands import explore

    explore.explore(config)


if __name__ == "__main__":
    main()
