"""The port at which a cloud asks the server of an image."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_lab.errors import InvalidInput

SAGEMAKER_WORD = "serve"
"""SageMaker starts an image as `docker run IMAGE serve`."""
_SAGEMAKER_PORT = 8080
_VARIABLES = ("AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT")
"""Vertex AI always sets the first, SageMaker the second where it joins several containers."""


def find_cloud_port(environment: Mapping[str, str], *, word: str | None) -> int | None:
    """The port that the cloud's contract names; None where this is no cloud. `word`: what follows the image's name."""
    for variable in _VARIABLES:
        if text := environment.get(variable):
            if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
                raise InvalidInput(
                    f"{text!r} is no port", code="bad_port", where=f"the variable {variable}", hint=f"unset {variable}"
                )
            return int(text)
    return _SAGEMAKER_PORT if word == SAGEMAKER_WORD else None
