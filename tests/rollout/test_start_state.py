"""The state that servers start from holds what can still be looked up, and nothing that cannot."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.features.offline import view_values
from mlops_lab.journal.epochs import LogPosition
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, decode_frame
from mlops_lab.journal.segments import read_journal
from mlops_lab.rollout.start_state import CONTENTS_FILE, prepare_state
from mlops_lab.rollout.state_facts import FACTS_FILE
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
    names = ["book", FACTS_FILE, "orders.parquet", "stock.parquet", CONTENTS_FILE]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
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
