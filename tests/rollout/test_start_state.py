"""The state that servers start from holds what can still be looked up, and nothing that cannot."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features import View, count, largest, last, total
from mlops_lab.features.offline import view_values
from mlops_lab.journal.epochs import LogPosition
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, decode_frame
from mlops_lab.journal.segments import read_journal
from mlops_lab.rollout.start_state import CONTENTS_FILE, _needed_facts, prepare_state
from mlops_lab.serving.answering.worker_state import read_contents
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, SHADOWS
from mlops_lab.tables.facts import read_facts

DAY = timedelta(days=1)


@pytest.fixture
def views(tiny):
    return tiny.pipeline.features.views


def records(folder: Path) -> list:
    return [record for _, frame in read_journal(folder / "book", 0) for record in decode_frame(frame)]


def prepare(deployable, views) -> Path:
    name, positions = prepare_state(deployable.project, deployable.lake, views=views)
    assert positions == (LogPosition("", 0),)
    return deployable.project.root / name


def test_a_state_has_the_facts_of_the_views_and_their_versions(deployable, views):
    folder = prepare(deployable, views)
    assert sorted(path.name for path in folder.iterdir()) == ["book", "orders.parquet", "stock.parquet", CONTENTS_FILE]
    assert read_contents(folder).views == tuple(view.version for view in views)
    assert records(folder) == []
    only = prepare(deployable, [view for view in views if view.table == "stock"])
    assert not (only / "orders.parquet").exists()


def test_what_is_left_out_cannot_be_looked_up_any_more(deployable, tiny, views):
    """A request after the newest fact gets the same values from the state as from all facts."""
    folder = prepare(deployable, views)
    everything = read_facts(tiny.project, deployable.lake)
    kept = {table: pl.read_parquet(folder / f"{table}.parquet") for table in everything}
    assert kept["orders"].height < everything["orders"].height
    newest = everything["orders"]["_known_at"].max()
    requests = tiny.training.holdout.head(50).with_columns(asked_at=pl.lit(newest, pl.Datetime("us", "UTC")) + DAY / 2)
    for view in views:
        expected = view_values(view, requests, time="asked_at", facts=everything[view.table])
        assert view_values(view, requests, time="asked_at", facts=kept[view.table]).equals(expected), view.name


histories = st.lists(
    st.tuples(
        st.integers(0, 100),  # the day on which it was known
        st.sampled_from("ab"),
        st.lists(st.tuples(st.sampled_from([1, 2, 30, 90]), st.sampled_from("ab"), st.integers(0, 2)), max_size=3),
    ),
    min_size=1,
    max_size=8,
)
"""Facts, each with its corrections: so many days after the version before, to another key or value."""


def corrected_facts(drawn) -> pl.DataFrame:
    rows = []
    for number, (known, key, corrections) in enumerate(drawn):
        seen, value = known, 0
        rows.append((str(number), known, seen, 1, key, value))
        for days, next_key, next_value in corrections:
            seen += days
            rows.append((str(number), known, seen, -1, key, value))
            key, value = next_key, next_value
            rows.append((str(number), known, seen, 1, key, value))
    schema = {"_fact_id": pl.String, "_known_at": pl.Int64, "_seen_at": pl.Int64, "_weight": pl.Int8, "k": pl.String}
    frame = pl.DataFrame(rows, schema={**schema, "x": pl.Int64}, orient="row")
    start = pl.lit(datetime(2013, 1, 1, tzinfo=UTC), pl.Datetime("us", "UTC"))
    return frame.with_columns(
        (start + pl.duration(days=pl.col(name))).alias(name) for name in ("_known_at", "_seen_at")
    )


@given(histories)
def test_what_is_left_out_of_corrected_facts_cannot_be_looked_up_any_more(tiny, drawn):
    facts = corrected_facts(drawn)
    pair = [
        View("latest", "t", by="k", values={"last": last("x")}),
        View("window", "t", by="k", over="2d", values={"sum": total("x"), "count": count("x"), "most": largest("x")}),
    ]
    kept = _needed_facts(tiny.project, facts, pair, newest=facts["_known_at"].max())
    assert kept.columns == facts.columns
    earliest = facts["_known_at"].max() - tiny.project.settings.source.outcome_within_days * DAY
    asked = [(key, earliest + day * DAY + DAY / 2) for key in "ab" for day in range(120)]
    requests = pl.DataFrame(asked, schema={"k": pl.String, "at": pl.Datetime("us", "UTC")}, orient="row")
    for view in pair:
        expected = view_values(view, requests, time="at", facts=facts)
        assert view_values(view, requests, time="at", facts=kept).equals(expected), view.name


def test_what_was_retracted_long_ago_is_left_out(tiny):
    """Also where all rows were corrected: a state must not grow with the past."""
    facts = corrected_facts([(day, "a", [(1, "a", 1)]) for day in range(200)])
    kept = _needed_facts(
        tiny.project,
        facts,
        [View("v", "t", by="k", values={"x": last("x")})],
        newest=facts["_known_at"].max(),
    )
    within = tiny.project.settings.source.outcome_within_days
    assert kept.height <= 3 * (within + 2) + 1


def test_predictions_that_may_still_get_an_outcome_are_indexed(deployable, tiny, views):
    within = deployable.project.settings.source.outcome_within_days * DAY
    moments = {"old": tiny.now - within - DAY, "joined": tiny.now - DAY, "new": tiny.now}
    row = {"version": 1, "role": "champion", "output": 0.5, "shadow_version": 2, "shop": "a", "express": True}
    rows = [{**row, "id": name, "at": at, "asked_at": at} for name, at in moments.items()]
    PREDICTIONS.append(deployable.lake, pl.DataFrame(rows, schema=PREDICTIONS.schema(tiny.project)))
    shadow = {"id": "new", "at": tiny.now, "version": 2, "output": 0.25}
    SHADOWS.append(deployable.lake, pl.DataFrame([shadow], schema=SHADOWS.schema(tiny.project)))
    outcome = {"id": "joined", "known_at": tiny.now, "predicted_at": moments["joined"], "verdict": "accepted"}
    outcome |= {"asked_at": moments["joined"], "shop": "a", "express": True, "late": True}
    unknown = {**outcome, "id": "stranger", "verdict": "unknown"}
    OUTCOMES.append(deployable.lake, pl.DataFrame([outcome, unknown], schema=OUTCOMES.schema(tiny.project)))
    joined, new, outcome_record = records(prepare(deployable, views))
    assert isinstance(joined, PredictionRecord)
    assert isinstance(outcome_record, OutcomeRecord)
    assert [joined.id, new.id, outcome_record.id] == ["joined", "new", "joined"]
    assert (joined.shadow_output, new.shadow_output) == (None, 0.25)
    assert new.request["shop"] == "a"
    assert outcome_record.values == {"late": True, "minutes": None}
