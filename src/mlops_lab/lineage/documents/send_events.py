"""Sends events of OpenLineage to a server, such as Marquez."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from mlops_lab.errors import EnvironmentFault, InvalidInput

API_KEY = "OPENLINEAGE_API_KEY"
"""The environment variable with the key that the server asks for, as OpenLineage's own clients read it."""
TIMEOUT_SECONDS = 30.0


def check_address(address: str) -> None:
    """InvalidInput where the address is not one that events can be sent to."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise InvalidInput(
            "is not an address that events can be sent to",
            code="bad_address",
            where="--send",
            hint=f"write it as http://127.0.0.1:5000/api/v1/lineage; a key goes into the variable {API_KEY}",
        )


def send_events(address: str, events: Sequence[Mapping[str, Any]], *, api_key: str | None) -> None:
    """Send the events in order. EnvironmentFault where the server does not take one: it has those before it."""
    for event in events:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        request = urllib.request.Request(address, json.dumps(event).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
                pass
        except urllib.error.HTTPError as error:
            error.close()
            raise _not_sent(address, f"the server answers {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            raise _not_sent(address, str(getattr(error, "reason", error))) from None


def _not_sent(address: str, reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"an event was not sent: {reason}",
        code="not_sent",
        where=address,
        hint=f"check the address, and the key in the variable {API_KEY}, if the server asks for one",
    )
