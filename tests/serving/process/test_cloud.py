"""The port at which a cloud asks the server of an image."""

from __future__ import annotations

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.serving.process.cloud import find_cloud_port


@pytest.mark.parametrize(
    ("environment", "word", "port"),
    [
        ({}, None, None),
        ({}, "serve", 8080),
        ({"SAGEMAKER_BIND_TO_PORT": "15000"}, "serve", 15000),
        ({"AIP_HTTP_PORT": "8081"}, None, 8081),
        ({"AIP_HTTP_PORT": ""}, None, None),
    ],
)
def test_each_cloud_has_its_own(environment: dict[str, str], word: str | None, port: int | None) -> None:
    assert find_cloud_port(environment, word=word) == port


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "\uff18\uff10"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_cloud_port({"AIP_HTTP_PORT": text}, word=None)
    assert caught.value.where == "the variable AIP_HTTP_PORT"
    assert caught.value.hint
