"""Downloads data sets into data_dir, or checks those that are there already, file by file."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("data")
def main(config: DictConfig) -> None:
    """Fetches the data sets that the configuration lists."""
    from activation_study.datasets import fetch
    from activation_study.schema import checked

    asked = checked("data", config)
    for name in asked["datasets"]:
        fetch(name, asked["data_dir"], asked["mirror"])
        print(f"{name}: complete in {asked['data_dir']}")


if __name__ == "__main__":
    main()
