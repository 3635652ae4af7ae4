"""Charts as SVG: no script, no address of another site, colours by variables that exist."""

import re

import pytest

from mlops_lab.charts.drawing import GLYPHS, SHAPES, colours, decision_symbols, draw, layer, link_to, x_of_days

VALUES = [{"day": f"2013-03-{day:02d}", "loop": day / 40} for day in range(1, 29)]


def chart() -> dict:
    y = {"field": "loop", "type": "quantitative"}
    marks = [
        {**VALUES[3], "kind": "promote", "text": "4 March: promoted <b>v2</b>", "link": link_to("#decision-1")},
        {**VALUES[9], "kind": "step", "text": "10 March: shadow", "link": link_to("history#decision-2")},
    ]
    return {
        "data": {"values": VALUES},
        "width": 600,
        "encoding": {"x": x_of_days("2013-03-01", "2013-03-28", days=28, width=600)},
        "layer": [layer("line", {"y": y}, "loop"), decision_symbols(marks, y)],
    }


@pytest.fixture(scope="module")
def svg() -> str:
    return draw(chart(), label="Quality", name="wide")


def test_a_chart_is_as_wide_as_its_place_and_has_a_label(svg):
    head = svg[: svg.index(">")]
    assert 'id="wide"' in head
    assert 'aria-label="Quality"' in head
    assert " width=" not in head
    assert "viewBox" in head


def test_a_chart_needs_no_script_and_no_other_site(svg):
    assert "<script" not in svg
    assert set(re.findall(r'href="([^"]*)', svg)) == {"#decision-1", "history#decision-2"}
    assert "<b>" not in svg  # texts are escaped


def test_every_colour_is_one_of_the_page(svg):
    used = set(re.findall(r"var\(--([a-z_]+)\)", svg))
    assert {"loop", "promote", "step", "muted"} <= used
    light, dark = colours().split("@media")
    for name in used | set(GLYPHS):
        assert f"--{name}:" in light
        assert f"--{name}:" in dark


def test_each_decision_with_a_sign_in_text_has_one_in_charts():
    assert set(GLYPHS) == set(SHAPES)
