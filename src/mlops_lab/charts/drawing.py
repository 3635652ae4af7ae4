"""Draws Vega-Lite charts as SVG that needs no script, and whose colours are CSS variables of the page around it."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Any, TypeAlias

import msgspec

from mlops_lab.extras import needs_extra

Json: TypeAlias = dict[str, Any]

CROSS = "M-1-.5L-.5-1L0-.5L.5-1L1-.5L.5,0L1,.5L.5,1L0,.5L-.5,1L-1,.5L-.5,0Z"
GLYPHS = {"bootstrap": "◆", "promote": "▲", "refuse": "✖", "expire": "■", "roll_back": "▼"}
"""What stands for a decision in a text; every other one is a step, "●"."""
SHAPES = {
    "bootstrap": "diamond",
    "promote": "triangle-up",
    "refuse": CROSS,
    "expire": "square",
    "roll_back": "triangle-down",
}
"""The same in a chart."""
_OUR_LINK = "#/"
"""The beginning of links in a chart, by which they are found in its SVG."""
_STYLE: Json = {
    "background": None,
    "view": {"stroke": None},
    "title": {"anchor": "start", "frame": "bounds", "fontSize": 13, "offset": 10, "color": "var(--ink)"},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "labelPadding": 6,
        "minExtent": 40,
    }
    | {"gridColor": "var(--line)", "domain": False, "ticks": False, "aria": False},
}


def check_charts(what: str, *, extra: str) -> None:
    """EnvironmentFault where what draws the charts is not installed: `what` needs it, and `extra` installs it."""
    with needs_extra(extra, what):
        import vl_convert  # noqa: F401


def colours() -> str:
    """The CSS variables that charts and pages are painted with, for light and for dark screens."""
    return files("mlops_lab.charts").joinpath("colours.css").read_text(encoding="utf-8")


def draw(chart: Json, *, label: str, name: str | None = None) -> str:
    """A Vega-Lite chart as SVG, as wide as what it stands in; `label` says what it shows, `name` becomes its id."""
    svg = _to_svg(msgspec.json.encode({**chart, "config": _STYLE}).decode())
    svg = re.sub(f'xlink:href="[^"#]*{_OUR_LINK}', 'href="', svg)  # vega puts its own web address before a link
    svg = re.sub(r' width="\d+" height="\d+"', "", svg, count=1)
    id_ = f' id="{name}"' if name else ""
    return svg.replace("<svg", f'<svg{id_} role="group" aria-label="{escape(label)}"', 1)


@lru_cache(maxsize=64)
def _to_svg(chart: str) -> str:
    """The SVG of a chart written as JSON. That takes some 50 ms, and the page shows the same chart again and again."""
    import vl_convert  # only here: it is an extra, and 84 MB

    return str(vl_convert.vegalite_to_svg(chart))


def link_to(address: str) -> str:
    """A link of a chart to an address of the page around it."""
    return _OUR_LINK + address


def layer(mark: str, encoding: Json, colour: str, **style: float) -> Json:
    """A layer of a chart in one of the colours."""
    return {"mark": {"type": mark, "aria": False, "color": f"var(--{colour})", **style}, "encoding": encoding}


def x_of_days(first: str, last: str, *, days: int, width: int) -> Json:
    """The x channel of the field `day`, from the first to the last of so many days."""
    unit, size, form = ("month", 31, "%b") if days > 62 else ("day", 1, "%-d %b")
    ticks = {"interval": unit, "step": -(-days // (size * (12 if width > 600 else 6)))}
    axis = {"format": form, "tickCount": ticks, "grid": False, "labelPadding": 9, "labelFlush": False}
    scale = {"type": "utc", "domain": [first, last], "padding": 0}
    return {"field": "day", "type": "temporal", "scale": scale, "axis": axis, "title": None}


def decision_symbols(marks: list[Json], y: Json) -> Json:
    """The layer of decisions on a curve. A mark has `day`, the field of `y`, `kind`, `text` and `link`."""
    kinds = ["step", *SHAPES]
    paints, shapes = [f"var(--{kind})" for kind in kinds], ["circle", *SHAPES.values()]
    return {
        "data": {"values": marks},
        "mark": {"type": "point", "filled": True, "opacity": 1, "stroke": "var(--paper)", "strokeWidth": 1},
        "encoding": {
            "y": y,
            "color": {"field": "kind", "scale": {"domain": kinds, "range": paints}, "legend": None},
            "shape": {"field": "kind", "scale": {"domain": kinds, "range": shapes}, "legend": None},
            "size": {"condition": {"test": "datum.kind == 'step'", "value": 38}, "value": 130},
            "href": {"field": "link"},
            "description": {"field": "text"},
        },
    }
