"""Answers: what clients get for their requests, and the errors for those that get no prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote

import msgspec

from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.journal.records import PredictionRecord, RefusalRecord

Answers = list[PredictionRecord | InvalidInput]
"""What clients get for their requests, in order: a prediction, or the error that explains why there is none."""


def to_answers(records: Sequence[PredictionRecord | RefusalRecord]) -> Answers:
    """The answers that clients get from these records."""
    predictions = [record for record in records if type(record) is PredictionRecord]
    if len(predictions) == len(records):  # as nearly always
        return [*predictions]
    return [explain_refusal(record) if isinstance(record, RefusalRecord) else record for record in records]


def has_error(answers: Answers) -> bool:
    """Whether one of the answers is an error."""
    return any(isinstance(answer, InvalidInput) for answer in answers)


def order_classes(answers: Answers, known: Mapping[int, Sequence[str]], *, wanted: Sequence[str]) -> Answers:
    """The answers with one probability for each of the classes that are wanted, in their order; `known` are the classes
    of the versions that know other ones, or in another order."""
    return [
        answer
        if isinstance(answer, InvalidInput) or answer.version not in known or not isinstance(answer.output, list)
        else _order(answer, dict(zip(known[answer.version], answer.output, strict=True)), wanted)
        for answer in answers
    ]


def _order(answer: PredictionRecord, by_class: Mapping[str, float], wanted: Sequence[str]) -> PredictionRecord:
    return msgspec.structs.replace(answer, output=[by_class.get(name, 0.0) for name in wanted])


def explain_refusal(record: RefusalRecord) -> InvalidInput:
    """A refusal as the error that the client gets."""
    if not record.view:
        empty = ", ".join(name for name, value in record.request.items() if value is None)
        return InvalidInput(
            f"the model of version {record.version} has no answer to this request",
            code="no_answer",
            where=f"fields without a value: {empty}" if empty else "$",
            hint="send all fields; or let the pipeline fill missing values (SimpleImputer), and retrain",
        )
    return InvalidInput(
        f'view "{record.view}" has no facts for this request ({record.reason}), and is declared to refuse then',
        code="missing_features",
        where=f"view {record.view}",
        hint="send the facts first, or declare defaults: missing={...} in pipeline.py",
    )


def answered_long_ago(name: str, within_days: int) -> Conflict:
    """The error for an id that was answered so long ago that the answer is not at hand."""
    return Conflict(
        f'the id "{name}" was answered before, more than {within_days} days ago',
        code="answered_long_ago",
        where="$.id",
        hint=f"`mlops explain {quote(name)}` shows the answer; for another prediction, give another id",
    )


def reused_id(name: str) -> Conflict:
    """The error for an id under which another request was answered before."""
    return Conflict(
        f'the id "{name}" was answered before, for another request',
        code="id_reused",
        where="$.id",
        hint="give each request its own id, or none",
    )
