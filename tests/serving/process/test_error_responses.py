"""Errors as responses: the form is that of the URL's protocol, the headers are those that HTTP wants."""

from __future__ import annotations

import json
import logging

import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, TooSlow, Unauthorized, WrongMethod
from mlops_lab.serving.http.messages import Response, encode
from mlops_lab.serving.process.error_responses import ErrorResponses
from mlops_lab.serving.protocols.base import Protocol


def make_protocol(name: str, *error_paths: str) -> Protocol:
    def respond(error: MlopsError, request_id: str) -> Response:
        return Response(error.status, encode([name, error.code, request_id]))

    return Protocol(name=name, tags={}, routes=[], error_response=respond, error_paths=error_paths)


ERRORS = ErrorResponses([make_protocol("first"), make_protocol("below", "/v2*"), make_protocol("exact", "/one")])


def respond(error: Exception, path: str = "/") -> tuple[str, Response]:
    return ERRORS.make(error, method="POST", path=path, request_id="r-1")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/", "first"),
        ("/v2", "below"),
        ("/v2/models", "below"),
        ("/v1/v2", "first"),
        ("/one", "exact"),
        ("/one/", "first"),
    ],
)
def test_the_path_decides_about_the_form(path: str, form: str) -> None:
    code, response = respond(InvalidInput("wrong", code="bad"), path)
    assert code == "bad"
    assert response.status == 400
    assert json.loads(response.body) == [form, "bad", "r-1"]


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (WrongMethod("GET", allowed="POST"), (b"allow", b"POST")),
        (Unauthorized("no token", code="bad_token"), (b"www-authenticate", b"Bearer")),
        (TooSlow("too slow", code="request_too_slow"), (b"connection", b"close")),
    ],
)
def test_some_statuses_have_a_header(error: MlopsError, header: tuple[bytes, bytes]) -> None:
    _, response = respond(error)
    assert response.status == error.status
    assert response.headers[-1] == header
    _, plain = respond(EnvironmentFault("full", code="disk_full"))
    assert header[0] not in dict(plain.headers)


def test_what_nobody_expected_is_logged_and_no_500(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        code, response = respond(KeyError("secret"), "/v2/models")
    assert (code, response.status) == ("internal", 503)
    assert b"secret" not in response.body
    (record,) = caplog.records
    assert record.exc_info is not None
    assert (record.__dict__["path"], record.__dict__["request_id"]) == ("/v2/models", "r-1")
