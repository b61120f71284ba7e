"""Judges what the article and the papers claim by the runs on disk, and writes the ledger of claims."""

from omegaconf import DictConfig

from activation_study.commands.cli import command


@command("claims")
def main(config: DictConfig) -> None:
    """Judges all claims, or the one that the configuration names."""
    from activation_study.commands import claims

    claims.claims(config)


if __name__ == "__main__":
    main()
