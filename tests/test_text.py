"""Tables as a person reads them: any letters in Markdown."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from activation_study.comparison import text


def test_markdown_shows_a_name_as_it_is() -> None:
    table = pd.DataFrame({"activation": ["cash$2024_a_b$x", r"a|b\c*d`e<f>~", "two\nlines", "[a](b)"], "n_1": 1})
    assert text.markdown(table) == (
        "| activation | n\\_1 |\n| --- | --- |\n"
        "| cash\\$2024\\_a\\_b\\$x | 1 |\n| a\\|b\\\\c\\*d\\`e\\<f>\\~ | 1 |\n| two lines | 1 |\n| [a\\](b) | 1 |\n"
    )
    assert text.markdown(pd.DataFrame({"a": ["[x|y](#x)"]}), ["a"]).endswith("| [x\\|y](#x) |\n")


@given(cells=st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_markdown_keeps_its_cells_apart(cells) -> None:
    table = pd.DataFrame([cells], columns=[f"c{number}" for number in range(len(cells))])
    for markup in ((), table.columns):
        *_, row = text.markdown(table, markup).split("\n")[:-1]
        bars = [place for place, letter in enumerate(row) if letter == "|" and not _escaped(row, place)]
        assert len(bars) == len(cells) + 1


def _escaped(text: str, place: int) -> bool:
    return (place - len(text[:place].rstrip("\\"))) % 2 == 1


def test_code_in_markdown_may_hold_backticks() -> None:
    assert text.as_code("a $b$") == "`a $b$`"
    assert text.as_code("a `b`` c") == "``` a `b`` c ```"


def test_every_column_of_a_table_has_its_meaning_or_needs_none() -> None:
    shown = ["activation", "depth", "epochs to target", "diverged"]
    assert list(text.definitions(shown)) == ["epochs to target", "diverged"]
    assert "99 % of the mean validation accuracy of the best variant" in text.definitions(shown, "variant")[shown[2]]
    assert "a validation accuracy of 90 %" in text.definitions(shown, target=0.9)[shown[2]]
