"""Answers: a prediction stays what it is, and every refusal says what the client can do about it."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.serving.answering.answers import explain_refusal, has_error, order_classes, reused_id, to_answers

AT = datetime(2026, 11, 1, tzinfo=UTC)
PREDICTION = PredictionRecord("a", AT, 1, "champion", 0.5, {"shop": "a"}, ())
REFUSED_BY_VIEW = RefusalRecord("b", AT, 1, "stock", "unknown", {"shop": "b"})
WITHOUT_NUMBER = RefusalRecord("c", AT, 3, "", "no_answer", {"shop": "b", "amount": None, "customer": None})


def test_predictions_are_their_own_answers():
    assert to_answers([]) == []
    assert to_answers([PREDICTION, PREDICTION]) == [PREDICTION, PREDICTION]
    assert not has_error(to_answers([PREDICTION]))


def test_each_refusal_becomes_an_error_at_its_index():
    answers = to_answers([REFUSED_BY_VIEW, PREDICTION, WITHOUT_NUMBER])
    assert answers[1] == PREDICTION
    assert [answer.code for answer in answers if isinstance(answer, InvalidInput)] == ["missing_features", "no_answer"]
    assert has_error(answers)


def test_a_view_that_refuses_is_named_with_its_reason():
    error = explain_refusal(REFUSED_BY_VIEW)
    assert '"stock"' in error.what
    assert "unknown" in error.what
    assert error.where == "view stock"
    assert "missing={...}" in error.hint


def test_a_model_without_an_answer_names_the_empty_fields():
    error = explain_refusal(WITHOUT_NUMBER)
    assert "version 3" in error.what
    assert error.where == "fields without a value: amount, customer"
    complete = RefusalRecord("c", AT, 3, "", "no_answer", {"shop": "b"})
    assert explain_refusal(complete).where == "$"


def test_an_id_that_stands_for_another_request_is_a_conflict():
    error = reused_id("a")
    assert isinstance(error, Conflict)
    assert (error.code, error.where) == ("id_reused", "$.id")
    assert '"a"' in error.what


def test_a_version_that_knows_other_classes_answers_with_those_that_are_declared():
    answers = [
        PredictionRecord("a", AT, 1, "champion", [0.1, 0.2, 0.7], {}, ()),
        PredictionRecord("b", AT, 2, "canary", [0.4, 0.6], {}, ()),
        reused_id("c"),
    ]
    ordered = order_classes(answers, {1: ["low", "mid", "high"]}, wanted=["high", "new", "low"])
    assert [answer.output for answer in ordered[:2]] == [[0.7, 0.0, 0.1], [0.4, 0.6]]
    assert ordered[2] is answers[2]
