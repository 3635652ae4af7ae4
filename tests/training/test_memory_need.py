"""The memory that a training takes, before it begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features import View, count
from mlops_lab.notes import listening
from mlops_lab.training import machine_memory, memory_need
from mlops_lab.training.memory_need import (
    BASE_BYTES,
    BYTES_PER_HELD_FACT,
    check_memory,
    estimate_bytes_in_parts,
    estimate_training_bytes,
    needed_bytes,
)


def test_it_grows_with_rows_and_inputs() -> None:
    assert estimate_training_bytes(0, 9) == BASE_BYTES
    assert estimate_training_bytes(1000, 20) > estimate_training_bytes(1000, 10) > estimate_training_bytes(500, 10)


def test_it_is_near_what_was_measured() -> None:
    """`benchmarks/bench_scale.py` on 3,000,000 rows of 9 inputs, and on 300,000 of 50."""
    for rows, inputs, gib in ((3_000_000, 9, 1.73), (300_000, 50, 0.88)):
        assert 1.0 <= estimate_training_bytes(rows, inputs) / 2**30 / gib < 1.25


def check(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, *, rows: int, free_gib: float | None, **options: Any
) -> list[str]:
    """The notes about a training on so many rows."""
    monkeypatch.setattr(memory_need, "stored_rows", lambda *_: rows)
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: None if free_gib is None else int(free_gib * 2**30))
    notes: list[str] = []
    with listening(notes.append):
        check_memory(tiny.project, tiny.lake, tiny.pipeline.features, **options)
    return notes


def test_a_small_training_is_never_refused(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(tiny, monkeypatch, rows=100_000, free_gib=0.0) == []


@pytest.mark.parametrize("free_gib", [1000.0, None])
def test_a_large_training_is_told(tiny: Any, monkeypatch: pytest.MonkeyPatch, free_gib: float | None) -> None:
    (note,) = check(tiny, monkeypatch, rows=10_000_000, free_gib=free_gib)
    assert note.startswith("a training on 10,000,000 rows of")


def test_one_that_does_not_fit_is_refused_before_anything_is_read(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault, match="of memory, and 2\\.0 GiB are left") as caught:
        check(tiny, monkeypatch, rows=10_000_000, free_gib=2.0)
    assert caught.value.code == "too_little_memory"
    assert "max_rows" in str(caught.value.hint)


def test_a_window_needs_less(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = check(tiny, monkeypatch, rows=10_000_000, free_gib=None)
    (part,) = check(tiny, monkeypatch, rows=10_000_000, free_gib=None, window_days=7)
    assert float(part.split("about ")[1].split()[0]) < float(whole.split("about ")[1].split()[0])


def test_in_parts_a_sample_is_what_counts(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 million rows: all of them do not fit, and a sample of a million does."""
    monkeypatch.setattr(memory_need, "is_long", lambda *_: True)
    with pytest.raises(EnvironmentFault, match=r"20\.0 GiB are left") as caught:
        check(tiny, monkeypatch, rows=100_000_000, free_gib=20.0)
    assert "max_rows" in str(caught.value.hint)
    training = replace_struct(tiny.project.settings.training, max_rows=1_000_000)
    backtest = replace_struct(tiny.project.settings.backtest, share=0.01)
    settings = replace_struct(tiny.project.settings, training=training, backtest=backtest)
    sampled = replace(tiny, project=replace(tiny.project, settings=settings))
    (note,) = check(sampled, monkeypatch, rows=100_000_000, free_gib=20.0)
    assert note.startswith("a training on 2,000,000 of 100,000,000 rows of")


def test_in_parts_it_is_near_what_was_measured() -> None:
    """`benchmarks/bench_history.py` on 16,000,000 rows of 13 inputs, of three views, and a sample of a million."""
    needed = estimate_bytes_in_parts(16_000_000, 13, kept_rows=1_613_699, held_view_facts=27_235_589)
    assert 1.0 <= needed / 2**30 / 4.09 < 1.25


def test_in_parts_a_window_counts_for_the_facts_that_it_reaches_back_to(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_need, "stored_rows", lambda *_: 100_000_000)
    monkeypatch.setattr(memory_need, "is_long", lambda *_: True)
    none, short, long, endless = (
        needed_bytes(tiny.project, tiny.lake, 9, views=views)
        for views in (
            [],
            [View("v", "orders", by="shop", over="1d", values={"n": count("late")})],
            [View("v", "orders", by="shop", over="20d", values={"n": count("late")})],
            [View("v", "orders", by="shop", over="900d", values={"n": count("late")})],
        )
    )
    assert none < short < long < endless
    assert endless - none == 100_000_000 * BYTES_PER_HELD_FACT


def test_views_count_for_their_facts() -> None:
    """`benchmarks/bench_history.py` on 4,000,000 rows of 13 inputs, of three views."""
    needed = estimate_training_bytes(4_000_000, 13, view_facts=12_000_000)
    assert 1.0 <= needed / 2**30 / 2.97 < 1.25
    sampled = estimate_training_bytes(4_000_000, 13, kept_rows=1_153_425, view_facts=12_000_000)
    assert 1.0 <= sampled / 2**30 / 2.47 < 1.25
