"""Copies of a run's records for other tools, off by default; the files of the run stay the truth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from activation_study.errors import StudyError
from activation_study.runs.tables import score_of
from activation_study.training.trainer import Record

Export = Callable[[Record], None]


@contextmanager
def tensorboard(folder: Path) -> Iterator[Export]:
    """Writes the means over seeds as TensorBoard scalars into the run's folder `tensorboard`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise StudyError(
            "export=tensorboard: the package tensorboard is missing; pip install 'activation-study[tensorboard]'."
        ) from None
    try:
        str(folder.absolute()).encode()
    except UnicodeEncodeError:
        raise StudyError(
            f"export=tensorboard: TensorBoard cannot write to {folder}, whose name is not UTF-8; "
            "give another runs_dir, or export=null."
        ) from None
    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def export(record: Record) -> None:
            for (split, rate), rows in record.metrics.groupby(["split", "learning_rate"]):
                for quantity in ("loss", score_of(rows)):
                    writer.add_scalar(f"{quantity}/{split}/lr {rate:g}", rows[quantity].mean(), record.step)
            if len(record.layers):
                means = record.layers.groupby(["step", "layer", "learning_rate"])[
                    ["grad_norm", "saturated", "mean"]
                ].mean()
                for (step, layer, rate), row in means.iterrows():
                    for quantity, value in row.items():
                        writer.add_scalar(f"{quantity}/layer {layer}/lr {rate:g}", value, step)

        yield export


@contextmanager
def none(folder: Path) -> Iterator[Export]:
    """Exports nothing."""
    yield lambda record: None


EXPORTERS = {None: none, "tensorboard": tensorboard}


def exporter(name: str | None, folder: Path):  # noqa: ANN201
    """The exporter of that name for a run's folder, as a context that gives a function of records."""
    if name not in EXPORTERS:
        raise StudyError(f"export={name}: no such exporter; choose one of null, tensorboard.")
    return EXPORTERS[name](folder)
