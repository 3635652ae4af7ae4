"""Parallel coordinates: each trial as a line over its parameters to its loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlops_lab.charts.drawing import Json, check_charts, draw, link_to
from mlops_lab.registry.store.records import TrackedRun

WIDTH, HEIGHT = 900, 260
MOST_PARAMETERS, MOST_TEXTS = 8, 12
"""More axes, or more words on one, cannot be read."""
WIDE = 100.0
"""An axis whose largest number is so many times its smallest shows their logarithms."""
LOSS = "loss"


def draw_trials(trials: Sequence[tuple[TrackedRun, float]]) -> str | None:
    """The trials and their losses as SVG, the best in the strongest colour; None where fewer than two can be compared.

    The axes are the parameters that all have and that differ between them, each from its smallest value at the bottom
    to its largest at the top; the last axis is the loss. A line is a link to its trial.
    """
    names = _varying(trials)
    losses = [loss for _, loss in trials]
    if not names or min(losses) == max(losses):
        return None
    check_charts("the page", extra="page")
    places = {name: _places([run.parameters[name] for run, _ in trials]) for name in names}
    places[LOSS] = _places([f"{loss!r}" for loss in losses])
    titles = _shorten([*places])
    ranks = [place for place, _ in places[LOSS]]
    rows = [
        {
            "axis": titles[name],
            "place": place,
            "trial": run.run_id,
            "rank": 1 - ranks[index],
            "link": link_to(f"?run={run.run_id}"),
            "text": f"{run.name}, loss {trials[index][1]:.4g}: " + ", ".join(f"{n} {run.parameters[n]}" for n in names),
        }
        for name, column in places.items()
        for index, ((run, _), (place, _)) in enumerate(zip(trials, column, strict=True))
    ]
    ends = [
        {"axis": titles[name], "place": place, "words": words}
        for name, column in places.items()
        for place, words in sorted({*column})
        if place in (0.0, 1.0) or words in _labelled(column)
    ]
    y: Json = {"field": "place", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}
    line: Json = {
        "mark": {"type": "line", "color": "var(--loop)", "strokeWidth": 1.6},
        "encoding": {
            "y": y,
            "detail": {"field": "trial", "type": "nominal"},
            "opacity": {"field": "rank", "type": "quantitative", "scale": {"range": [0.12, 1]}, "legend": None},
            "href": {"field": "link"},
            "description": {"field": "text"},
        },
    }
    words: Json = {
        "data": {"values": ends},
        "mark": {
            "type": "text",
            "align": "left",
            "dx": 5,
            "dy": -8,
            "aria": False,
            "color": "var(--muted)",
            "fontSize": 11,
        }
        | {"stroke": "var(--paper)", "strokeWidth": 3},  # the page paints it below the letters: no line crosses them
        "encoding": {"y": y, "text": {"field": "words"}},
    }
    axis = {"labelAngle": 0, "grid": True, "labelLimit": WIDTH // (len(places) + 1), "labelColor": "var(--ink)"}
    chart: Json = {
        "data": {"values": rows},
        "title": "Trials by their parameters: the stronger a line, the lower its loss",
        "width": WIDTH,
        "height": HEIGHT,
        "padding": 0,
        "encoding": {
            "x": {"field": "axis", "type": "nominal", "sort": [*titles.values()], "title": None, "axis": axis}
            | {"scale": {"type": "point", "padding": 0.3}}
        },
        "layer": [line, words],
    }
    return draw(chart, label="Trials by their parameters")


def _varying(trials: Sequence[tuple[TrackedRun, float]]) -> list[str]:
    """The parameters that all trials have and that are not the same for all."""
    if len(trials) < 2:
        return []
    shared = set.intersection(*({*run.parameters} for run, _ in trials))
    columns = {name: [run.parameters[name] for run, _ in trials] for name in sorted(shared)}
    varying = {name: column for name, column in columns.items() if len({*column}) > 1}
    fitting = [name for name, column in varying.items() if _numbers(column) or len({*column}) <= MOST_TEXTS]
    return fitting[:MOST_PARAMETERS]


def _shorten(names: Sequence[str]) -> dict[str, str]:
    """What is written below each axis: of a parameter of a step of a pipeline its last part, where no two are alike."""
    last = {name: name.rpartition("__")[2] for name in names}
    return last if len({*last.values()}) == len(names) else {name: name for name in names}


def _numbers(column: Sequence[str]) -> list[float] | None:
    """The numbers that the texts stand for; None where one is no finite number."""
    try:
        numbers = [float(text) for text in column]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _places(column: Sequence[str]) -> list[tuple[float, str]]:
    """Where each value stands on its axis, from 0 to 1, and how it is written there: numbers by their size, texts in
    their order."""
    numbers = _numbers(column)
    if numbers is None:
        order = sorted({*column})
        return [(order.index(text) / (len(order) - 1), text) for text in column]
    low, high = min(numbers), max(numbers)
    is_wide = low > 0 and high / low >= WIDE
    first, *scaled = map(math.log, (low, *numbers)) if is_wide else (low, *numbers)
    return [
        ((place - first) / (max(scaled) - first), f"{number:.4g}")
        for place, number in zip(scaled, numbers, strict=True)
    ]


def _labelled(column: Sequence[tuple[float, str]]) -> set[str]:
    """The words that are written at an axis beside its ends: of texts all."""
    words = {text for _, text in column}
    return words if _numbers([*words]) is None else set()
