"""The papers' items, which come with the repository."""

import pandas as pd
from IPython.display import Image, Markdown
from matplotlib.figure import Figure

from activation_study import CONF
from activation_study.comparison import text
from activation_study.notebook.choosing import choose
from activation_study.notebook.shown import picture
from activation_study.papers import PAPERS, page, results

MADE = CONF.parent / "results" / "papers"


def paper(name: str, item: str) -> list[Image | Markdown]:
    """An item of a paper as it was made: our figure, the paper's numbers beside ours, and the verdict."""
    one = PAPERS[name]
    wanted = one.item(item)
    result = results.read(MADE, one, wanted)
    if result is None:
        return [Markdown(f"**{name} {item}** is not made yet: `{page.command(one, wanted, None)}`.")]
    said = [f"**{page.verdict(page.outcomes(one, wanted, result))}**"]
    if cells := wanted.cells(result.table):
        said.append(text.markdown(page.table_of(cells)))
    return [picture(wanted.figure(result.table, page.note(wanted, result))), Markdown("\n\n".join(said))]


def choose_paper() -> None:
    """Shows an item of a paper, with a dropdown of all that have been made."""
    made = {f"{name} {item.name}": (item, result) for name, one in PAPERS.items()
            for item in one.items if (result := results.read(MADE, one, item)) is not None}  # fmt: skip

    def draw(item: str) -> Figure:
        wanted, result = made[item]
        return wanted.figure(result.table, page.note(wanted, result))

    choose(draw, item=made)


def papers_made() -> pd.DataFrame:
    """One row per paper: what was made of it, and what has become of its claims."""
    rows = page.overview(list(PAPERS.values()), MADE)
    return rows.assign(paper=list(PAPERS))
