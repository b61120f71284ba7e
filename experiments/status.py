"""Tells how the runs on disk stand: done, running, pending, diverged, failed, and how long it will take."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("status")
def main(config: DictConfig) -> None:
    """Prints the status of the runs in runs_dir."""
    from activation_study.schema import checked

    asked = checked("status", config)
    from activation_study.runs.overview import overview

    print(overview(asked["runs_dir"]))


if __name__ == "__main__":
    main()
