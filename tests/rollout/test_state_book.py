"""The predictions of a state: its index says the same as its records."""

from datetime import timedelta

import polars as pl

from mlops_lab.rollout.state_book import SOURCE_FILE, write_book
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.state_book import INDEX_FILE, SCHEMA, read_book
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX, WorkerState
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, SHADOWS

HOUR = timedelta(hours=1)
NAMES = [f"p{number:02d}" for number in range(40)]


def log_answers(deployable, tiny) -> None:
    """Forty answers, two of three with an outcome; some outcomes were corrected; some shadows were not scored."""
    project, lake = deployable.project, deployable.lake
    row = {"version": 1, "role": "champion", "output": 0.5, "shop": "a", "express": True}
    asked = [
        {**row, "id": name, "at": at, "asked_at": at, "shadow_version": 2 if number % 4 else None}
        for number, name in enumerate(NAMES)
        for at in [tiny.now - number * HOUR]
    ]
    PREDICTIONS.append(lake, pl.DataFrame(asked, schema=PREDICTIONS.schema(project)))
    scored = [{"id": row["id"], "at": row["at"], "version": 2, "output": 0.25} for row in asked[:20]]
    SHADOWS.append(lake, pl.DataFrame(scored, schema=SHADOWS.schema(project)))
    told = [
        {"id": row["id"], "known_at": row["at"] + HOUR, "predicted_at": row["at"], "verdict": "accepted", "late": True}
        for number, row in enumerate(asked)
        if number % 3
    ]
    corrected = [{**row, "known_at": row["known_at"] + HOUR, "verdict": "corrected", "late": False} for row in told[:5]]
    refused = [{**row, "known_at": row["known_at"] + 9 * HOUR, "verdict": "conflict"} for row in told[5:9]]
    OUTCOMES.append(lake, pl.DataFrame([*told, *corrected, *refused], schema=OUTCOMES.schema(project)))


def describe(project, own) -> dict:
    table = RoutingTable(generation=1, champion=LiveVersion(1, "package", ""), state="state")
    state = WorkerState(project, Schemas(project), routing_table=table, views=[], own=own)
    index = state.prediction_index
    try:
        return {
            "pending": index.pending,
            "predictions": {name: state.read_prediction(name) for name in NAMES},
            "outcomes": {name: index.outcome(name) for name in NAMES},
            "unscored": state.unscored_shadows,
            "newest": state.newest,
        }
    finally:
        state.close()


def test_the_index_says_what_the_records_say(deployable, tiny):
    project = deployable.project
    log_answers(deployable, tiny)
    folder = project.root / "state" / PREDICTION_INDEX
    folder.parent.mkdir()
    project.journal_path.mkdir(parents=True)
    write_book(project, deployable.lake, folder, since=tiny.now - 30 * HOUR)
    by_index = describe(project, project.journal_path)
    assert by_index["pending"] == 11
    assert len(by_index["unscored"]) == 8
    assert by_index["outcomes"]["p01"][1]["late"] is False
    (folder / INDEX_FILE).unlink()
    assert describe(project, project.journal_path) == by_index


def test_the_book_before_is_taken_over_where_nothing_was_added(deployable, tiny):
    project, lake, root = deployable.project, deployable.lake, deployable.project.root
    log_answers(deployable, tiny)
    since = tiny.now - 30 * HOUR

    def write(name: str, **options) -> bool:
        """Whether the book is the one before."""
        write_book(project, lake, root / name, before=root / "first", **options)
        return (root / name / INDEX_FILE).samefile(root / "first" / INDEX_FILE)

    write_book(project, lake, root / "first", since=since)
    assert write("same", since=since)
    assert write("later", since=since + HOUR)
    assert not write("earlier", since=since - HOUR)
    (root / "first" / SOURCE_FILE).write_text("{")
    assert not write("damaged", since=since)
    write_book(project, lake, root / "again", since=since)
    PREDICTIONS.append(lake, lake.read("predictions").head(1).with_columns(id=pl.lit("new")))
    write_book(project, lake, root / "more", since=since, before=root / "again")
    assert read_book(root / "more").height == read_book(root / "again").height + 1


def test_nothing_is_read_of_an_index_that_is_damaged_or_older(tmp_path):
    assert read_book(tmp_path) is None
    (tmp_path / INDEX_FILE).write_bytes(b"no table")
    assert read_book(tmp_path) is None
    pl.DataFrame(schema={**SCHEMA, "more": pl.Int64}).write_parquet(tmp_path / INDEX_FILE)
    assert read_book(tmp_path) is None
    pl.DataFrame(schema=SCHEMA).write_parquet(tmp_path / INDEX_FILE)
    assert read_book(tmp_path).height == 0


def test_a_lake_without_predictions_has_an_empty_book(deployable, tiny):
    folder = deployable.project.root / "book"
    write_book(deployable.project, deployable.lake, folder, since=tiny.now)
    assert read_book(folder).height == 0
