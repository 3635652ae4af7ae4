"""Requests made of the server's own description: what is answered is what it says, and never a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw import raw
from running import Server, serving

from mlops_lab.project import Project


def operations(server: Server) -> list[Any]:
    import schemathesis  # takes seconds, in each worker that collects this file

    with raw(server.process.address) as connection:
        document = connection.ask(b"GET /openapi.json HTTP/1.1\r\n\r\n").json
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


@pytest.mark.parametrize("requests", [8, pytest.param(400, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_what_is_answered_is_what_it_says(copy_project: Callable[..., Project], requests: int) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
    with serving(copy_project()) as server:
        token, url = server.talk().token, server.process.address.url
        found = operations(server)
        assert len(found) > 20

        for operation in found:
            asked = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

            @settings(max_examples=requests, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(asked, st.booleans())
            def ask(case: Any, is_known: bool) -> None:
                headers = {"Authorization": f"Bearer {token}"} if is_known else {}
                case.call_and_validate(base_url=url, headers=headers, checks=checks, timeout=30)

            ask()
        assert (server.project.home / "server.log").read_text() == ""
