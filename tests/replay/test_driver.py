"""The driver stops at the first response that is an error; replays themselves are end-to-end tests."""

from __future__ import annotations

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.replay.driver import _check

ERROR = {"code": "bad_field", "what": "is no number", "where": "distance", "hint": "send a number"}


def test_successes_pass() -> None:
    _check([])
    _check([(200, b"{}"), (200, b"no JSON is read")])


def test_the_first_error_is_raised_with_all_its_parts() -> None:
    refusal = msgspec.json.encode({"error": ERROR})
    other = msgspec.json.encode({"error": {**ERROR, "code": "other"}})
    with pytest.raises(EnvironmentFault) as caught:
        _check([(200, b"{}"), (422, refusal), (500, other)])
    assert caught.value.as_dict() == ERROR
