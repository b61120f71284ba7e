"""Makes figures and tables of the papers again: paper=NAME item=NAME scale=desk; without these it lists them."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("reproduce")
def main(config: DictConfig) -> None:
    """Makes the items that the configuration names, or lists all."""
    from activation_study.commands import reproduce

    reproduce.reproduce(config)


if __name__ == "__main__":
    main()
