"""Tells how the runs on disk stand and how long it will take, or of one, as run=NAME, what its gradients are like."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("status")
def main(config: DictConfig) -> None:
    """Prints the status of the runs in runs_dir; it need not be there where runs that come with the study stand in."""
    from activation_study.runs.available import found
    from activation_study.runs.overview import of_one, overview
    from activation_study.schema import checked
    from activation_study.schema.kinds import PathTo

    asked = checked("status", config)
    runs_dir = asked["runs_dir"]
    if not found(runs_dir):
        PathTo(is_there=True).read("runs_dir", runs_dir)
    print(overview(runs_dir) if asked["run"] is None else of_one(runs_dir, asked["run"]))


if __name__ == "__main__":
    main()
