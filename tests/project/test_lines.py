"""The line of a key in a TOML file."""

from mlops_lab.project.lines import find_line


def test_lines_are_found_in_their_section():
    text = 'a = 1\n[one]\na = 2\n"b c" = 3\n[one.two]\na = 4\n[[three]]\na = 5\n'
    assert find_line(text, ["a"]) == 1
    assert find_line(text, ["one", "a"]) == 3
    assert find_line(text, ["one", "b c"]) == 4
    assert find_line(text, ["one", "two", "a"]) == 6
    assert find_line(text, ["one", "gone"]) == 2
    assert find_line(text, ["gone", "a"]) is None


def test_dotted_keys_and_inline_tables_are_found() -> None:
    text = 'a.b = 1\n[one]\ntwo.three = 2\nfour = { five = 5 }\n"x.y" = 6\n[one."p q"]\nr = 7\n'
    assert find_line(text, ["a", "b"]) == 1
    assert find_line(text, ["one", "two", "three"]) == 3
    assert find_line(text, ["one", "four", "five"]) == 4
    assert find_line(text, ["one", "x.y"]) == 5
    assert find_line(text, ["one", "x", "y"]) == 2
    assert find_line(text, ["one", "p q", "r"]) == 7
    assert find_line(text, ["one", "p q", "gone"]) == 6
