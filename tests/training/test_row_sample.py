"""A sample of the training rows: the same ones every time, and never fewer held-out rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from msgspec.structs import replace as replace_struct

from mlops_lab.notes import listening
from mlops_lab.training.row_sample import hash_ids, sample_rows
from mlops_lab.training.training_set import build_training_set

START = datetime(2013, 3, 1, tzinfo=UTC)


def rows(count: int) -> pl.DataFrame:
    moments = [START + timedelta(hours=number) for number in range(count)]
    return pl.DataFrame({"_fact_id": [str(number) for number in range(count)], "at": moments})


def sample(facts: pl.DataFrame, *, max_rows: int | None, since: int | None = None, before: int = 80):
    begin = None if since is None else START + timedelta(hours=since)
    hashes = hash_ids(facts["_fact_id"])
    before_at = START + timedelta(hours=before)
    return sample_rows(facts["at"], lambda places: hashes[places], since=begin, before=before_at, max_rows=max_rows)


@pytest.mark.parametrize("since", [None, 20])
def test_so_many_rows_of_the_window_and_all_that_are_held_out(since: int | None) -> None:
    facts = rows(100)
    found = sample(facts, max_rows=30, since=since)
    kept = facts.filter(found.kept)["_fact_id"].cast(pl.Int64).to_list()
    assert (found.rows, len(kept), kept[30:]) == (80 - (since or 0), 50, list(range(80, 100)))
    assert min(kept) >= (since or 0)


@pytest.mark.parametrize("max_rows", [None, 80, 81])
def test_no_sample_where_there_are_no_more_rows(max_rows: int | None) -> None:
    assert sample(rows(100), max_rows=max_rows) is None


def test_the_same_rows_in_any_order_and_with_more_rows_no_others() -> None:
    facts = rows(100)
    first = set(facts.filter(sample(facts, max_rows=30).kept)["_fact_id"])
    mixed = facts.sample(fraction=1, shuffle=True, seed=1)
    assert set(mixed.filter(sample(mixed, max_rows=30).kept)["_fact_id"]) == first
    later = rows(150)
    of_more = set(later.filter(sample(later, max_rows=30, before=120).kept)["_fact_id"][:30])
    assert {int(row) for row in of_more if int(row) < 80} <= {int(row) for row in first}


def test_a_training_set_of_a_sample_says_so(tiny) -> None:
    settings = tiny.project.settings
    few = replace_struct(settings, training=replace_struct(settings.training, max_rows=200))
    project = replace(tiny.project, settings=few)
    notes: list[str] = []
    with listening(notes.append):
        data = build_training_set(project, tiny.pipeline.features, lake=tiny.lake, until=tiny.now)
    assert (data.inputs.height, data.sampled_from) == (200, tiny.training.inputs.height)
    assert data.holdout_inputs.equals(tiny.training.holdout_inputs)
    assert data.fingerprint != tiny.training.fingerprint
    assert data.inputs.join(tiny.training.inputs, on=data.inputs.columns, how="anti", nulls_equal=True).is_empty()
    assert notes == [f"learns from a sample of 200 of {tiny.training.inputs.height:,} rows: [training] max_rows"]
