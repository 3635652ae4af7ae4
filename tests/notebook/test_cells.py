"""What is cut out of a notebook makes the same values again, and holds no more than they need."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.notebook.cells import cut_out


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(source, names)
    return names


CASES = {
    "only what is needed": (["import os\nx = 1", "y = 2\nz = x + 1"], "z", "x = 1\n\nz = x + 1\n"),
    "the last of several": (["x = 1", "x = 2", "x = 3"], "x", "x = 3\n"),
    "built on what it was": (["x = 1", "x = x + 1", "x += 1"], "x", "x = 1\n\nx = x + 1\n\nx += 1\n"),
    "imports first": (
        ["x = 1", "import math", "y = math.floor(x)"],
        "y",
        "import math\n\nx = 1\n\ny = math.floor(x)\n",
    ),
    "changed in place": (["x = {}", "x['a'] = 1\ny = 1"], "x", "x = {}\n\nx['a'] = 1\n"),
    "several on a line": (["x = 1; y = 2"], "y", "y = 2\n"),
    "with its comments": (["y = 0\n# why\nx = 1  # one"], "x", "# why\nx = 1  # one\n"),
    "perhaps bound again": (["x = 1", "if x > 1:\n    x = 2"], "x", "x = 1\n\nif x > 1:\n    x = 2\n"),
    "unpacked": (["x, (y, *z) = 1, (2, 3)"], "z", "x, (y, *z) = 1, (2, 3)\n"),
    "names of its own": (["row = 1", "x = [row for row in (1, 2)]"], "x", "x = [row for row in (1, 2)]\n"),
    "not Python": (["x = 1", "!ls", "y = ("], "x", "x = 1\n"),
    "lines of text": (['x = """a\n\n  b"""'], "x", 'x = """a\n\n  b"""\n'),
}


@pytest.mark.parametrize("case", CASES)
def test_the_statements_of_a_name(case: str) -> None:
    cells, name, source = CASES[case]
    assert cut_out(cells, [name]) == source


def test_a_function_comes_with_all_that_it_calls() -> None:
    cells = [
        "import functools",
        "RATE = 1",
        "def model():\n    data = 0\n    return helper(RATE, data)",
        "data = 'not that one'",
        "@functools.cache\ndef helper(rate, data):\n    return rate + OFFSET + data",
        "RATE = 2",
        "OFFSET = 40",
        "model()",
    ]
    source = cut_out(cells, ["model"])
    assert run(source)["model"]() == 42
    assert "not that one" not in source
    assert "RATE = 1" not in source
    assert source.startswith("import functools\n\n\ndef model():")


def test_two_names_share_what_they_need() -> None:
    assert cut_out(["a = 1", "b = a", "c = a"], ["b", "c"]) == "a = 1\n\nb = a\n\nc = a\n"


NAMES = st.sampled_from("abcd")
EXPRESSIONS = st.one_of(st.integers(0, 9).map(str), st.tuples(NAMES, NAMES).map(lambda two: f"{two[0]} * 3 + {two[1]}"))
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(lambda one: f"{one[0]} = {one[1]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda one: f"{one[0]} += {one[1]}"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda one: f"if {one[0]} % 2:\n    {one[1]} = {one[2]}"),
)


@given(st.lists(STATEMENTS, max_size=12), NAMES)
def test_any_straight_run_of_statements_gives_the_same_value(statements: list[str], name: str) -> None:
    cells = ["a = 1\nb = 2\nc = 3\nd = 4", *statements]
    assert run(cut_out(cells, [name]))[name] == run("\n".join(cells))[name]
