"""A figure on disk: PNG for the eye, PDF for print, the same bytes every time."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from activation_study.figures.fingerprint import KEY, fingerprint
from activation_study.figures.style import context
from activation_study.runs import files

LARGEST = 300_000  # bytes of a PNG that is to live in a repository
RESOLUTIONS = (160, 130, 100, 75, 50)  # dots per inch, tried in turn


def save(figure: Figure, stem: Path) -> list[Path]:
    """Writes `stem`.png and `stem`.pdf, whole or not at all, and returns their paths.

    Neither file holds a date, so equal figures give equal bytes. The PNG says what it shows, see `fingerprint`.
    """
    layout, shown = figure.get_layout_engine(), {KEY: fingerprint(figure)}
    with context():
        for dpi in RESOLUTIONS:
            png = _rendered(figure, format="png", dpi=dpi, metadata=shown)
            figure.set_layout_engine("none")  # the first rendering has laid it out, which takes as long as the rest
            if len(png) < LARGEST:
                break
        pdf = _rendered(figure, format="pdf", metadata={"CreationDate": None})
    figure.set_layout_engine(layout)
    contents = {Path(f"{stem}.png"): png, Path(f"{stem}.pdf"): pdf}
    for path, content in contents.items():
        files.write(path, lambda file, content=content: file.write(content))  # type: ignore[misc]
    return list(contents)


def _rendered(figure: Figure, **options: object) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()
