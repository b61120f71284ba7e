"""What `explore.py` does: writes the explorer's page."""

from pathlib import Path

from omegaconf import DictConfig

from activation_study import schema
from activation_study.explorer.page import html
from activation_study.explorer.picture import picture
from activation_study.runs import files
from activation_study.runs.available import found


def explore(config: DictConfig) -> None:
    """Writes one HTML file with the finished runs in a folder; without runs it still trains networks in the page."""
    asked = schema.checked("explore", config)
    runs = [run for run in found(asked["runs_dir"]) if run.is_finished]
    text = html(runs, asked["tuning_seeds"], Path(asked["papers"]))
    out = Path(asked["out"]) / "explorer.html"
    files.write_text(out, text)
    if asked["picture"]:
        image = picture(out)
        files.write(out.with_suffix(".png"), lambda file: file.write(image))
    print(f"{out}: {len(runs)} runs, {len(text.encode()) / 1e6:.1f} MB; open it in any browser, no network is needed.")
