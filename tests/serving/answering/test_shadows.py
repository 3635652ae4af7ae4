"""Shadows: scored with the same inputs, dropped where too many wait, and never a reason for an error."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mlops_lab.clock import to_micros
from mlops_lab.features.definition import Features
from mlops_lab.features.memory import MemoryStore
from mlops_lab.inference.feature_reader import FeatureReader, Inputs
from mlops_lab.inference.predictor import Predictor, views_of
from mlops_lab.journal.records import PredictionRecord, RefusalRecord, ShadowRecord
from mlops_lab.serving.answering import shadows
from mlops_lab.serving.answering.routing import Route
from mlops_lab.serving.answering.shadows import (
    Lookups,
    Scored,
    ShadowQueue,
    ShadowRequest,
    ShadowTask,
    make_shadow_requests,
    shadow_records,
)
from mlops_lab.serving.answering.trials import Trial


@pytest.fixture(scope="module")
def challenger(tiny: Any) -> Predictor:
    return Predictor(tiny.package, version=2)


@pytest.fixture(scope="module")
def readers(tiny: Any) -> dict[str, FeatureReader]:
    """A reader without facts."""
    reader = FeatureReader(tiny.predictor, MemoryStore(views_of([tiny.predictor]).values()))
    return {tiny.predictor.features.version: reader}


@pytest.fixture(scope="module")
def rows(tiny: Any) -> list[dict[str, Any]]:
    return tiny.training.holdout.select(list(tiny.plan.request)).head(4).to_dicts()


def requests(rows: list[dict[str, Any]]) -> list[ShadowRequest]:
    return [ShadowRequest(f"r{number}", row, row["asked_at"], None) for number, row in enumerate(rows)]


def test_answered_requests_are_for_the_shadow_of_their_route(tiny, challenger, rows):
    inputs = Inputs((1.0,), (), {}, None)
    routes = [
        Route(tiny.predictor, "champion", challenger),
        Route(tiny.predictor, "champion"),
        Route(challenger, "canary", tiny.predictor),
        Route(tiny.predictor, "champion", challenger),
    ]
    records: list[Any] = [
        PredictionRecord(f"r{number}", row["asked_at"], 1, "champion", 0.5, row, ()) for number, row in enumerate(rows)
    ]
    records[3] = RefusalRecord("r3", rows[3]["asked_at"], 1, "stock", "unknown", rows[3])
    assert make_shadow_requests(routes, [inputs] * 4, records=records) == {
        2: [ShadowRequest("r0", rows[0], rows[0]["asked_at"], (1.0,), 0.5)],
        1: [ShadowRequest("r2", rows[2], rows[2]["asked_at"], (1.0,), 0.5)],
    }
    assert make_shadow_requests(routes[1:2], [inputs], records=records[1:2]) == {}


def test_inputs_that_were_read_are_used_and_others_are_read(tiny, challenger, readers, rows):
    reader = readers[tiny.predictor.features.version]
    read = [inputs.values for inputs in reader.read(rows, [to_micros(row["asked_at"]) for row in rows])]
    given = (*read[0][:-1], 123.0)
    queue = ShadowQueue()
    waiting = requests(rows)
    waiting[1] = waiting[1]._replace(values=given)
    assert queue.add({2: waiting}) == 0
    task = queue.take({2: challenger}, readers)
    assert task is not None
    assert task.requests == waiting
    assert [str(values) for values in task.values] == [str(values) for values in (read[0], given, *read[2:])]
    assert task.score() == challenger.score_rows(task.values)


def test_a_request_that_a_view_of_the_shadow_refuses_is_not_scored(tiny, rows):
    """The version that answered may have had other views."""
    definition = tiny.predictor.features.as_dict()
    strict = Predictor(tiny.package, version=2)
    views = [{**view, "missing": "refuse"} for view in definition["views"] if view["name"] == "stock"]
    others = [view for view in definition["views"] if view["name"] != "stock"]
    strict.features = Features.from_dict({**definition, "views": [*others, *views]})
    reader = FeatureReader(strict, MemoryStore(views_of([strict]).values()))
    queue = ShadowQueue()
    (refused, answered) = requests(rows[:2])
    values = tuple(range(len(strict.features.inputs)))
    queue.add({2: [refused, answered._replace(values=values)]})
    task = queue.take({2: strict}, {strict.features.version: reader})
    assert task is not None
    assert [request.id for request in task.requests] == ["r1"]
    assert task.values == [values]
    assert task.lookups == Lookups(requests=1, missing=1)
    trial = task.judge(Scored([0.5], 2.0))
    assert (trial.asked, trial.unanswered, trial.failed, trial.timed, trial.seconds) == (2, 1, 0, 1, 2.0)
    assert (trial.looked_up, trial.missing, trial.missing_before, trial.compared) == (1, 1, 0, 0)


def test_requests_are_scored_together_in_the_order_in_which_they_were_added(monkeypatch, challenger, readers, rows):
    monkeypatch.setattr(shadows, "MOST_AT_ONCE", 3)
    queue = ShadowQueue()
    assert not queue
    for request in requests(rows):
        queue.add({2: [request]})
    assert queue
    taken = [queue.take({2: challenger}, readers) for _ in range(2)]
    assert [[request.id for request in task.requests] for task in taken if task] == [["r0", "r1", "r2"], ["r3"]]
    assert not queue
    assert queue.take({2: challenger}, readers) is None


def test_a_request_awaits_its_shadow_until_it_is_scored_or_never_will_be(challenger, readers, rows):
    queue = ShadowQueue()
    assert not queue.holds(["r0"])
    queue.add({2: requests(rows[:2])})
    assert queue.holds(["other", "r0"])
    assert not queue.holds(["other"])
    task = queue.take({2: challenger}, readers)
    assert task is not None
    assert queue.holds(["r0"])
    queue.end(task.taken)
    assert not queue.holds(["r0", "r1"])
    queue.add({7: requests(rows)})
    assert queue.take({2: challenger}, readers) is None
    assert not queue.holds(["r0"])


def test_requests_of_a_version_that_is_no_longer_live_are_dropped(challenger, readers, rows):
    queue = ShadowQueue()
    queue.add({7: requests(rows[:2]), 2: requests(rows[2:])})
    task = queue.take({2: challenger}, readers)
    assert task is not None
    assert len(task.requests) == 2
    queue.add({7: requests(rows)})
    assert queue.take({2: challenger}, readers) is None
    assert not queue


def test_requests_beyond_the_limit_are_dropped_until_there_is_space(monkeypatch, challenger, readers, rows):
    monkeypatch.setattr(shadows, "MOST_WAITING", 6)
    queue = ShadowQueue()
    assert queue.add({2: requests(rows)}) == 0
    assert queue.add({2: requests(rows[:3])}) == 3
    assert queue.add({2: requests(rows[:2])}) == 0
    assert queue.take({2: challenger}, readers) is not None
    assert queue.add({2: requests(rows)}) == 0


def test_a_version_that_fails_gives_no_outputs_and_a_line_in_the_log(challenger, rows, caplog):
    task = ShadowTask(challenger, requests(rows[:1]), [("not", "enough")], requests(rows[:1]))
    assert task.score() is None
    assert "version 2 failed in shadow" in caplog.text
    assert task.judge(task.run()) == Trial(asked=1, failed=1)


def test_features_that_cannot_be_read_are_a_failure_too(challenger, rows, caplog):
    class Broken:
        def read(self, *_: object, **__: object) -> None:
            raise RuntimeError("no such column")

    queue = ShadowQueue()
    queue.add({2: requests(rows)})
    task = queue.take({2: challenger}, {challenger.features.version: Broken()})  # type: ignore[dict-item]
    assert task is not None
    assert task.judge(task.run()) == Trial(asked=4, failed=4)
    assert "no such column" in caplog.text


def test_answers_of_both_are_summed_where_both_are_numbers(challenger, rows):
    asked = [item._replace(answer=answer) for item, answer in zip(requests(rows), [0.1, 0.2, 0.4, None], strict=True)]
    trial = ShadowTask(challenger, asked, [], asked).judge(Scored([0.5, math.nan, 0.75, 0.9], 0.1))
    assert (trial.compared, trial.unanswered) == (2, 1)
    assert (trial.outputs, trial.outputs_before) == ([1.25], [0.5])


def test_an_output_that_is_not_a_number_is_not_recorded(challenger, rows):
    task = ShadowTask(challenger, requests(rows[:3]), [], requests(rows[:3]))
    records = shadow_records(task, [0.5, math.nan, [0.25, 0.75]])
    assert records == [
        ShadowRecord("r0", rows[0]["asked_at"], 2, 0.5),
        ShadowRecord("r2", rows[2]["asked_at"], 2, [0.25, 0.75]),
    ]
