"""Trials as lines over their parameters."""

import re

from mlops_lab.clock import EPOCH
from mlops_lab.registry.store.records import TrackedRun
from mlops_lab.web.trial_chart import draw_trials


def trial(number: int, loss: float, **parameters: object) -> tuple[TrackedRun, float]:
    texts = {name: str(value) for name, value in parameters.items()}
    run = TrackedRun(
        f"run{number}", f"tune:{number}", tags={}, parameters=texts, metrics={}, is_finished=True, began=EPOCH
    )
    return run, loss


def lines(svg: str) -> dict[str, list[float]]:
    """By trial, how high its line is at each axis."""
    found = re.findall(r'<a href="\?run=(\w+)"[^>]*><path[^>]* d="([^"]+)"', svg)
    return {run: [float(point.split(",")[1]) for point in re.split("[ML]", path)[1:]] for run, path in found}


def words(svg: str) -> set[str]:
    return {*re.findall(r">([^<>]+)</text>", svg)}


def test_numbers_stand_by_their_size_and_the_loss_is_last():
    svg = draw_trials([trial(1, 0.5, leaves=10), trial(2, 0.3, leaves=30), trial(3, 0.4, leaves=15)])
    bottom, top = 260.0, 0.0
    assert lines(svg) == {"run1": [bottom, top], "run2": [top, bottom], "run3": [195.0, 130.0]}
    assert {"leaves", "loss", "10", "30", "0.3", "0.5"} <= words(svg)


def test_numbers_over_several_powers_of_ten_stand_by_their_logarithm():
    svg = draw_trials([trial(number, number, rate=10.0**-number) for number in (1, 2, 3)])
    assert lines(svg)["run2"] == [130.0, 130.0]


def test_texts_stand_in_their_order_and_each_is_written():
    svg = draw_trials([trial(number, number, kind=kind) for number, kind in enumerate("abca")])
    assert [line[0] for line in lines(svg).values()] == [260.0, 130.0, 0.0, 260.0]
    assert {"a", "b", "c"} <= words(svg)


def test_only_what_differs_and_what_all_have_is_an_axis():
    svg = draw_trials([trial(1, 0.5, a__x=1, seed=7, own=1), trial(2, 0.3, a__x=2, seed=7)])
    assert {"x", "loss"} <= words(svg)
    assert not {"seed", "own", "a__x"} & words(svg)
    svg = draw_trials([trial(1, 0.5, a__x=1, b__x=1), trial(2, 0.3, a__x=2, b__x=2)])
    assert {"a__x", "b__x"} <= words(svg)


def test_without_anything_to_compare_there_is_no_chart():
    assert draw_trials([]) is None
    assert draw_trials([trial(1, 0.5, x=1)]) is None
    assert draw_trials([trial(1, 0.5, x=1), trial(2, 0.5, x=2)]) is None
    assert draw_trials([trial(1, 0.5, x=1), trial(2, 0.4, x=1)]) is None
    assert draw_trials([trial(1, 0.5, x="nan"), trial(2, 0.4, x="nan")]) is None
