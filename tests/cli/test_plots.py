"""Columns of characters stand for numbers."""

import pytest

from mlops_lab.cli.plots import WIDEST, draw_columns


def test_columns_rise_from_the_lowest_to_the_highest():
    assert draw_columns([0, 1, 2, 4], low=0, high=4, height=2) == ["      █ ", "▁ ▄ █ █ "]


def test_values_that_are_all_alike():
    assert draw_columns([3.0, 3.0], low=3.0, high=3.0, height=2) == ["    ", "▁ ▁ "]


@pytest.mark.parametrize("number", [0, 1, 30, 31, 60, 61, 209, 1000])
def test_no_plot_is_wider_than_a_terminal(number):
    lines = draw_columns(list(range(number)), low=0, high=max(number - 1, 1))
    assert len(lines) == 4
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) <= WIDEST
