"""The program that sends: without apprise it says what to install."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from mlops_lab.alerts.channels import apprise_program


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    written = io.BytesIO()
    request = json.dumps({"address": "json://127.0.0.1:9/", "title": "t", "text": "b"}).encode()
    monkeypatch.setattr(apprise_program, "sys", SimpleNamespace(
        stdin=SimpleNamespace(buffer=io.BytesIO(request)), stdout=SimpleNamespace(buffer=written)
    ))  # fmt: skip
    apprise_program.main()
    reason = json.loads(written.getvalue())["reason"]
    assert reason == "a channel needs the package apprise, which is not installed; pip install 'mlops-lab[alerts]'"
