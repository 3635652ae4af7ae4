"""Parts of OpenAPI operations that all protocols use: a protocol describes its routes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Json = dict[str, Any]

STATUSES = {
    400: "What was sent is wrong, or has no answer.",
    401: "The token is missing or wrong.",
    403: "The token is one for predictions only, or the request is one of a page of another site.",
    404: "There is no such model, or the version cannot be asked for.",
    408: "The body did not arrive in time.",
    409: "It contradicts what is already recorded.",
    413: "More bytes or rows than the server takes at once.",
    415: "The body is of a kind that is not taken.",
    503: "The server cannot answer now: a full disk, for example.",
}
BODY_ERRORS = (400, 408, 413, 415)
"""What may be wrong with any body."""


class Problem(msgspec.Struct):
    """What is wrong, where, and how to fix it."""

    code: str
    what: str
    where: str | None
    hint: str | None


class Error(msgspec.Struct):
    """An error, and the id by which a log knows the request; the errors of rows in a list have that of the response."""

    error: Problem
    request_id: str = ""


def describe_get(
    tag: str,
    summary: str,
    response: Json,
    *,
    media: str = "application/json",
    errors: Sequence[int] = (),
    error: str = "Error",
) -> Json:
    """The path item of a URL that is read. `error` names the schema of its errors."""
    responses = {"200": {"description": "The response.", "content": {media: {"schema": response}}}}
    return {"get": {"tags": [tag], "summary": summary, "responses": responses | _describe_errors(errors, error)}}


def describe_post(
    tag: str,
    summary: str,
    description: str,
    *,
    body: Json,
    examples: Mapping[str, Any],
    response: Json,
    binary: bool = False,
    errors: Sequence[int],
    error: str = "Error",
) -> Json:
    """The path item of a URL that takes a body. With `binary`, the response may also be binary."""
    shown = {name: {"value": example} for name, example in examples.items()}
    content: Json = {"application/json": {"schema": response}}
    if binary:
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    operation: Json = {
        "tags": [tag],
        "summary": summary,
        "description": description,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "examples": shown}}},
        "responses": {
            "200": {"description": "The response.", "content": content},
            **_describe_errors(errors, error),
        },
    }
    return {"post": operation}


def _describe_errors(statuses: Sequence[int], schema: str) -> Json:
    content = {"application/json": {"schema": ref(schema)}}
    return {str(status): {"description": STATUSES[status], "content": content} for status in sorted({*statuses, 403})}


def list_of(name: str, item: Json, max_items: int) -> Json:
    """The schema of an object with one field, a list."""
    listed = {"type": "array", "items": item, "maxItems": max_items}
    return {"type": "object", "properties": {name: listed}, "required": [name], "additionalProperties": False}


def ref(name: str) -> Json:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}
