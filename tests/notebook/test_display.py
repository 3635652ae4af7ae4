"""What results look like: in text, in a terminal, in HTML."""

import re
from datetime import UTC, datetime

import pytest
from rich.console import Console

from mlops_lab.notebook.display import Displayed, Grid, Sheet, to_html, write_value


class Example(Displayed):
    def __init__(self, sheet: Sheet) -> None:
        self._held = sheet

    def _sheet(self) -> Sheet:
        return self._held


SHEET = Sheet(
    "a <title>",
    [("fact", "[bold]one & two[/]")],
    [Grid(("shop", "rows", "loss"), [("<a>", 1200, 0.5), ("b", 7, None)], "loss")],
)


def test_text_holds_everything_and_no_markup() -> None:
    lines = repr(Example(SHEET)).splitlines()
    assert lines == [
        "a <title>",
        "fact  [bold]one & two[/]",
        "",
        "shop   rows    loss",
        "<a>   1,200  0.5000",
        "b         7       –",
    ]


def test_a_terminal_shows_the_same() -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(Example(SHEET))
    assert "1,200" in console.export_text()


def test_html_is_escaped_and_needs_nothing_else() -> None:
    html = Example(SHEET)._repr_html_()
    assert "&lt;title&gt;" in html
    assert "one &amp; two" in html
    assert "&lt;a&gt;" in html
    assert not re.search(r"<(script|link|style|img|iframe)|https?:|url\(", html)
    assert html.count("<td") - html.count("</td>") == 0


@pytest.mark.parametrize("numbers", [(float("nan"), 1.0), (float("inf"), 1.0), (None, None), (-1.0, 0.0), (0, 0)])
def test_bars_of_any_numbers_have_a_length(numbers: tuple[float | None, float | None]) -> None:
    html = to_html(Sheet("t", grids=[Grid(("a", "n"), [("x", numbers[0]), ("y", numbers[1])], bars="n")]))
    widths = [float(width) for width in re.findall(r";width:([^e]*)em", html)]
    assert len(widths) == 2
    assert all(0 <= width <= 5 for width in widths)


def test_a_table_without_rows_is_shown() -> None:
    example = Example(Sheet("nothing", grids=[Grid(("a", "b"), [], bars="b")]))
    assert "nothing" in repr(example)
    assert "<th" in example._repr_html_()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "True"),
        (1234567, "1,234,567"),
        (0.25, "0.2500"),
        (datetime(2024, 3, 1, 5, 7, tzinfo=UTC), "2024-03-01 05:07"),
        (["a"], "['a']"),
    ],
)
def test_values_read_well(value: object, text: str) -> None:
    assert write_value(value) == text
