"""The answerer: what it does for many requests at once is what it does for each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import to_micros
from mlops_lab.features.definition import Features
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import make_fact_row
from mlops_lab.inference.feature_reader import FeatureReader
from mlops_lab.inference.predictor import Predictor, views_of
from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.serving.answering.answerer import Answerer
from mlops_lab.serving.answering.routing import LiveModels
from mlops_lab.serving.answering.routing_table import Arm, LiveVersion, RoutingTable
from mlops_lab.tables.facts import read_facts

LIVE = {number: LiveVersion(number, "package", str(number)) for number in (1, 2, 3)}


class WithoutAnswer(Predictor):
    """A version whose model never has an answer."""

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        return [math.nan for _ in rows]


@pytest.fixture(scope="module")
def store(tiny: Any) -> MemoryStore:
    """All facts of the small project."""
    store = MemoryStore(views_of([tiny.predictor]).values())
    for table, facts in read_facts(tiny.project, tiny.lake).items():
        rows = facts.iter_rows(named=True)
        store.add(table, [make_fact_row(row, row["_known_at"], row["_seen_at"], row["_fact_id"]) for row in rows])
    return store


@pytest.fixture(scope="module")
def make_answerer(tiny: Any, store: MemoryStore) -> Any:
    def make(*, second: type[Predictor] = Predictor, **changes: Any) -> Answerer:
        loaded = {LIVE[1]: tiny.predictor, LIVE[2]: second(tiny.package, version=2)}
        table = RoutingTable(**({"generation": 1, "champion": LIVE[1], "state": "state"} | changes))
        models = LiveModels(table, tiny.project.root, loaded=loaded)
        readers = {predictor.features.version: FeatureReader(predictor, store) for predictor in models.predictors}
        source = tiny.project.settings.source
        return Answerer(models, readers, time=source.time, key=source.key, limit=lambda moments: moments)

    return make


@pytest.fixture(scope="module")
def rows(tiny: Any) -> list[dict[str, Any]]:
    return tiny.training.holdout.select(list(tiny.plan.request)).head(60).to_dicts()


def ids(rows: Sequence[Any]) -> list[str]:
    return [f"r{number}" for number in range(len(rows))]


def test_no_requests_get_no_answers(make_answerer):
    assert make_answerer().answer([], []) == ([], [], {}, ())


class Failing(Predictor):
    """A version that fails."""

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        raise RuntimeError("broken")


@pytest.mark.parametrize(("second", "reason"), [(Failing, "failed"), (WithoutAnswer, "no_answer")])
@pytest.mark.parametrize("on_trial", [{"challenger": LIVE[2], "canary_share": 0.5}, {"arms": (Arm(LIVE[2], 0.5),)}])
def test_the_champion_answers_for_a_version_on_trial_that_does_not(make_answerer, rows, second, reason, on_trial):
    plain = make_answerer().answer(ids(rows), rows)
    batch = make_answerer(second=second, **on_trial).answer(ids(rows), rows)
    assert [record.output for record in batch.records] == [record.output for record in plain.records]
    assert {record.version for record in batch.records} == {1}
    assert 0 < len(batch.failures) < len(rows)
    assert {(failure.version, failure.reason) for failure in batch.failures} == {(2, reason)}


def test_a_champion_that_fails_fails_the_request(make_answerer, rows):
    table = {"champion": LIVE[2], "challenger": LIVE[1], "canary_share": 0.5}
    with pytest.raises(RuntimeError, match="broken"):
        make_answerer(second=Failing, **table).answer(ids(rows), rows)


def test_an_answer_holds_what_the_model_saw_and_said(tiny, make_answerer, rows):
    answerer = make_answerer()
    batch = answerer.answer(ids(rows), rows)
    assert [record.id for record in batch.records] == ids(rows)
    assert [record.request for record in batch.records] == rows
    assert batch.moments == [to_micros(row["asked_at"]) for row in rows]
    assert {(record.version, record.role) for record in batch.records} == {(1, "champion")}
    assert [record.output for record in batch.records] == tiny.predictor.score(
        tiny.training.holdout_inputs.head(len(rows))
    ).to_list()
    assert all(len(record.features) == len(answerer.log_columns) for record in batch.records)
    assert batch.shadow_requests == {}


@given(st.data())
def test_requests_get_the_same_answers_together_and_alone(make_answerer, rows, data):
    answerer = make_answerer(challenger=LIVE[2], canary_share=0.4)
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), min_size=1, max_size=8))
    names, drawn = [f"r{index}" for index in chosen], [rows[index] for index in chosen]
    together = answerer.answer(names, drawn)
    alone = [answerer.answer([name], [row]).records[0] for name, row in zip(names, drawn, strict=True)]
    assert repr(together.records) == repr(alone)  # NaN equals itself only in text


def test_the_key_of_a_request_routes_it_or_else_its_id(make_answerer, rows):
    answerer = make_answerer(challenger=LIVE[2], canary_share=0.5)
    keyed = [{**rows[0], "customer": "c1"}] * 20
    assert len({record.role for record in answerer.answer(ids(keyed), keyed).records}) == 1
    unkeyed = [{**rows[0], "customer": None}] * 20
    assert {record.role for record in answerer.answer(ids(unkeyed), unkeyed).records} == {"champion", "canary"}


@pytest.mark.parametrize(
    "changes", [{"challenger": LIVE[2], "canary_share": 0.5}, {"arms": (Arm(LIVE[2], 0.5),)}], ids=["canary", "arm"]
)
def test_the_champion_answers_what_a_version_on_trial_does_not(make_answerer, rows, changes):
    expected = make_answerer().answer(ids(rows), rows).records
    batch = make_answerer(second=WithoutAnswer, **changes).answer(ids(rows), rows)
    assert [record.version for record in batch.records] == [1] * len(rows)
    assert [record.output for record in batch.records] == [record.output for record in expected]


def test_a_champion_without_an_answer_refuses(tiny, make_answerer, rows):
    changes = {"champion": LIVE[2], "challenger": LIVE[1]}
    batch = make_answerer(second=WithoutAnswer, **changes).answer(ids(rows), rows)
    for record, row, name in zip(batch.records, rows, ids(rows), strict=True):
        assert record == RefusalRecord(name, row["asked_at"], 2, "", "no_answer", row)
    assert batch.shadow_requests == {}, "nothing was answered that a shadow could be compared with"


def test_shadows_get_the_inputs_that_were_read(make_answerer, rows):
    batch = make_answerer(challenger=LIVE[2]).answer(ids(rows), rows)
    assert [record.shadow_version for record in batch.records] == [2] * len(rows)
    requests = batch.shadow_requests[2]
    assert [request.id for request in requests] == ids(rows)
    assert all(request.values is not None for request in requests)


def test_features_of_other_versions_are_recorded_by_name(tiny, store, rows):
    """The names of the champion's features stand once in a frame; another version's with each record."""
    second = Predictor(tiny.package, version=2)
    definition = tiny.predictor.features.as_dict()
    second.features = Features.from_dict({**definition, "inputs": [*definition["inputs"]][::-1]})
    assert second.features.version != tiny.predictor.features.version
    loaded = {LIVE[1]: tiny.predictor, LIVE[2]: second}
    table = RoutingTable(generation=1, champion=LIVE[1], arms=(Arm(LIVE[2], 0.5),), state="state")
    models = LiveModels(table, tiny.project.root, loaded=loaded)
    readers = {predictor.features.version: FeatureReader(predictor, store) for predictor in models.predictors}
    second.score_rows = lambda values: [0.5 for _ in values]  # type: ignore[method-assign]
    answerer = Answerer(models, readers, time="asked_at", key="customer", limit=lambda moments: moments)
    names = answerer.log_columns
    records = answerer.answer(ids(rows), rows).records
    champion = readers[tiny.predictor.features.version].read(rows)
    assert {record.version for record in records} == {1, 2}
    for record, inputs in zip(records, champion, strict=True):
        assert isinstance(record, PredictionRecord)
        expected = dict(zip(names, inputs.looked_up, strict=True))
        if record.version == 1:
            assert repr(record.features) == repr(inputs.looked_up)
        else:
            assert repr(sorted(record.features.items())) == repr(sorted(expected.items()))
