"""The program that sends one message with apprise: a request on stdin, a response on stdout."""

from __future__ import annotations

import logging
import sys

import msgspec

from mlops_lab.alerts.channels.post import Request, Response
from mlops_lab.errors import MlopsError
from mlops_lab.extras import needs_extra


def send(request: Request) -> str:
    """Why the message could not be sent; empty where it was. EnvironmentFault where apprise is not installed."""
    with needs_extra("alerts", "a channel"):
        import apprise
    asset = apprise.AppriseAsset(app_id="MLOps Lab", app_desc="alerts", app_url="")
    channel = apprise.Apprise.instantiate(request.address, asset=asset)
    if channel is None:
        return "apprise does not understand the address; https://appriseit.com lists how addresses are written"
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
        is_sent = channel.notify(title=request.title, body=request.text, notify_type=apprise.NotifyType.WARNING)
        if is_sent:
            return ""
        return " ".join(log.getvalue().split()) or "apprise did not say why"


def main() -> None:
    """Read the request, send it, write the response."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        reason = send(request)
    except MlopsError as error:
        reason = f"{error.what}; {error.hint}"
    except Exception as error:  # whatever a service of apprise raises
        reason = f"{type(error).__name__}: {error}"
    sys.stdout.buffer.write(msgspec.json.encode(Response(reason)))


if __name__ == "__main__":
    main()
