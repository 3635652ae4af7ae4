"""What the protocols of clouds have in common: the form of an error."""

from __future__ import annotations

import msgspec

from mlops_lab.errors import MlopsError
from mlops_lab.serving.http.messages import Response, encode


class CloudError(msgspec.Struct):
    """An error."""

    error: str


def cloud_error(error: MlopsError, request_id: str) -> Response:
    """An error in the form of this protocol."""
    del request_id  # it is in the header
    message = f"{error} (hint: {error.hint})" if error.hint else str(error)
    return Response(error.status, encode(CloudError(message)))
