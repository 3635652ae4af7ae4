"""Our own protocol, below /v1: predictions, their outcomes, and rows of tables, in JSON as `mlops.toml` declares it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from mlops_lab.serving.http.messages import Request, Response, decode_body, encode, error_response, make_decoder
from mlops_lab.serving.protocols.base import HttpRoute, Json, Protocol, ProtocolContext
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.operations import BODY_ERRORS, Error, Problem, describe_post, list_of, ref
from mlops_lab.serving.protocols.predictions import Answer, PredictHandler
from mlops_lab.serving.protocols.rows import check_row_count

_PREDICTIONS, _GROUND_TRUTH = "Predictions", "What happened"


class OutcomesResponse(msgspec.Struct):
    """How many outcomes got which verdict, and what is wrong with those that were not accepted."""

    counts: dict[str, int]
    problems: list[Problem]


class RowsResponse(msgspec.Struct):
    """How many rows were new, how many known, and how many broke the contract and were set aside."""

    accepted: int
    duplicate: int
    quarantined: int | msgspec.UnsetType = msgspec.UNSET
    problems: list[Problem] | msgspec.UnsetType = msgspec.UNSET


def make_native(context: ProtocolContext) -> Protocol:
    """Our own protocol."""
    project, schemas = context.service.project, context.service.schemas
    classes, max_rows = tuple(project.classes), project.settings.serving.max_rows
    predictions = PredictHandler(schemas, context.batcher, classes=classes, max_rows=max_rows)
    facts = FactsHandler(context)
    describe = NativeDescription(context)
    return Protocol(
        name="native",
        tags={
            _PREDICTIONS: "One request or many, in the server's own JSON.",
            _GROUND_TRUTH: "Outcomes of predictions, and facts for features. These need a token that may `operate`.",
        },
        routes=[
            HttpRoute(
                method="POST",
                pattern="/v1/predict",
                handler=predictions.predict,
                start=predictions.start,
                role="predict",
                describe=describe.predict,
            ),
            HttpRoute(
                method="POST",
                pattern="/v1/outcomes",
                handler=facts.accept_outcomes,
                role="operate",
                describe=describe.outcomes,
            ),
            HttpRoute(
                method="POST",
                pattern="/v1/tables/{name}/rows",
                handler=facts.accept_rows,
                role="operate",
                describe=describe.rows,
            ),
        ],
        error_response=error_response,
        schemas=[Answer, Error, OutcomesResponse, RowsResponse, schemas.request, schemas.outcome],
        refine_schemas=describe.refine_schemas,
    )


class FactsHandler:
    """POST /v1/outcomes and /v1/tables/NAME/rows: what is known by now, to be judged, written down and learned."""

    def __init__(self, context: ProtocolContext) -> None:
        self._service = context.service
        self._committer = context.committer
        self._finish_shadows = context.finish_shadows
        self._max_rows = context.service.project.settings.serving.max_rows
        self._decode_outcomes = _list_decoder("outcomes", context.service.schemas.outcome)
        self._decode_rows = {name: _list_decoder("rows", kind) for name, kind in context.service.schemas.rows.items()}

    async def accept_outcomes(self, request: Request) -> Response:
        """How many outcomes got which verdict."""
        outcomes = decode_body(self._decode_outcomes, await request.body()).outcomes
        check_row_count(len(outcomes), self._max_rows, where="$.outcomes")
        if self._service.awaits_shadow(outcome.id for outcome in outcomes):  # what it answered belongs to the outcome
            await self._finish_shadows()
        return await self._accept(lambda: self._service.accept_outcomes(outcomes))

    async def accept_rows(self, request: Request, table: str) -> Response:
        """How many rows were new; NotFound where no such table takes rows."""
        self._service.schemas.row_type(table)
        rows = decode_body(self._decode_rows[table], await request.body()).rows
        check_row_count(len(rows), self._max_rows, where="$.rows")
        return await self._accept(lambda: self._service.accept_facts(table, rows))

    async def _accept(self, accept: Callable[[], dict[str, Any]]) -> Response:
        """The response, after all that it reports is on the disk."""
        result = accept()
        await self._committer.wait_until_durable()
        return Response(200, encode(result))


def _list_decoder(name: str, kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    """A decoder of `{name: [kind, …]}`."""
    wrapper = msgspec.defstruct(name.capitalize(), [(name, list[kind])], forbid_unknown_fields=True)  # type: ignore[valid-type]
    return make_decoder(wrapper)


class NativeDescription:
    """The protocol's part of the OpenAPI document."""

    def __init__(self, context: ProtocolContext) -> None:
        self._project, self._schemas = context.service.project, context.service.schemas
        self._max_rows = self._project.settings.serving.max_rows

    def predict(self, examples: Examples) -> Json:
        """Of POST /v1/predict."""
        request, answer = ref("Request"), ref("Answer")
        answers = {"type": "array", "items": {"anyOf": [answer, ref("Error")]}}
        item = describe_post(
            _PREDICTIONS,
            "Ask for a prediction, or for many",
            "An object is answered with its answer; a list with a list that holds, at the index of each request, its "
            "answer or its error. The same `id` gets the same answer again; with another content it is refused.",
            body={"anyOf": [request, {"type": "array", "items": request, "maxItems": self._max_rows}]},
            examples={"one": examples.request, "many": [examples.request, examples.request]},
            response={"anyOf": [answer, answers]},
            errors=(*BODY_ERRORS, 409, 503),
        )
        return {"/v1/predict": item}

    def outcomes(self, examples: Examples) -> Json:
        """Of POST /v1/outcomes."""
        item = describe_post(
            _GROUND_TRUTH,
            "Submit the outcomes of predictions",
            "Each outcome is judged by itself; one with other values and a later known_at corrects the accepted one.",
            body=list_of("outcomes", ref("Outcome"), self._max_rows),
            examples={"one": {"outcomes": [examples.outcome]}},
            response=ref("OutcomesResponse"),
            errors=(*BODY_ERRORS, 409, 503),
        )
        return {"/v1/outcomes": item}

    def rows(self, examples: Examples) -> Json:
        """Of POST /v1/tables/NAME/rows, for each table."""
        return {
            f"/v1/tables/{quote(table, safe='')}/rows": self._describe_table(table, kind, examples)
            for table, kind in self._schemas.rows.items()
        }

    def _describe_table(self, table: str, kind: type[msgspec.Struct], examples: Examples) -> Json:
        (row,) = msgspec.json.schema_components([kind])[1].values()
        return describe_post(
            _GROUND_TRUTH,
            f"Add rows to the table {table}",
            "The same row again is ignored; one that breaks the contract is set aside, and the others are accepted.",
            body=list_of("rows", row, self._max_rows),
            examples={"one": {"rows": [examples.rows[table]]}},
            response=ref("RowsResponse"),
            errors=(*BODY_ERRORS, 409, 503),
        )

    def refine_schemas(self, schemas: Json) -> None:
        """The output that the task of the project has."""
        schemas["Answer"]["properties"]["output"] = describe_output(self._project.task, self._project.classes)


def describe_output(task: str, classes: Sequence[str]) -> Json:
    """The schema of what a model of this task predicts."""
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    if task == "multiclass":
        properties = dict.fromkeys(classes, probability)
        return {"type": "object", "properties": properties, "required": list(classes), "additionalProperties": False}
    return probability if task == "binary" else {"type": "number"}
