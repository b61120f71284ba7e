"""Tells how the runs on disk stand: done, running, pending, diverged, failed, and how long it will take."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("status")
def main(config: DictConfig) -> None:
    """Prints the status of the runs in runs_dir; it need not be there where runs that come with the study stand in."""
    from activation_study.runs.available import found
    from activation_study.runs.overview import overview
    from activation_study.schema import checked
    from activation_study.schema.kinds import PathTo

    runs_dir = checked("status", config)["runs_dir"]
    if not found(runs_dir):
        PathTo(is_there=True).read("runs_dir", runs_dir)
    print(overview(runs_dir))


if __name__ == "__main__":
    main()
