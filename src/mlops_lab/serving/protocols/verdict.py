"""The verdict on the newest rollout, for engines that move traffic: to read, and as gates that Flagger asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from mlops_lab.errors import Conflict
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.messages import Request, Response, decode_body, encode
from mlops_lab.serving.protocols.base import HttpRoute
from mlops_lab.serving.protocols.operations import BODY_ERRORS, describe_get, describe_post, ref
from mlops_lab.tables.rollout_verdict import CurrentVerdict, Verdict

_TAG = "Server"
_PATH = "/v1/rollout/verdict"


class Gate(msgspec.Struct):
    """What Flagger posts to its webhooks. `metadata` must name the version that it asks about."""

    name: str
    namespace: str
    phase: str
    metadata: dict[str, str]


class VerdictHandler:
    """GET /v1/rollout/verdict, and POST …/promote and …/roll-back."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decode = msgspec.json.Decoder(Gate).decode

    async def get_verdict(self, _: Request) -> Response:
        """What the loop says of the newest version, as it counts now."""
        return Response(200, encode(self._service.verdict()))

    def make_gate(self, wanted: Verdict) -> Callable[[Request], Awaitable[Response]]:
        """A handler that answers 200 where this is the verdict on the version that is asked about, else 409."""

        async def ask(request: Request) -> Response:
            gate: Gate = decode_body(self._decode, await request.body())
            verdict, version = self._service.verdict(), gate.metadata.get("version")
            if (verdict.verdict, str(verdict.version)) != (wanted, version):
                raise Conflict(
                    f"the verdict on version {version} is not {wanted}: it is {verdict.verdict} for version "
                    f"{verdict.version}: {verdict.reason}",
                    code="other_verdict",
                    where="$.metadata.version",
                    hint="ask again later; GET /v1/rollout/verdict says more",
                )
            return Response(200, encode(verdict))

        return ask


def verdict_routes(service: Service) -> Sequence[HttpRoute]:
    """The routes of the verdict. The schemas that they need are `CurrentVerdict` and `Gate`."""
    handler = VerdictHandler(service)
    read = describe_get(_TAG, "What the loop says of the newest version: promote, hold or roll back", _VERDICT)
    gates: dict[str, Verdict] = {f"{_PATH}/promote": "promote", f"{_PATH}/roll-back": "roll_back"}
    return [
        HttpRoute(
            method="GET", pattern=_PATH, handler=handler.get_verdict, role=None, describe=lambda _: {_PATH: read}
        ),
        *(
            HttpRoute(
                method="POST",
                pattern=path,
                handler=handler.make_gate(wanted),
                role="predict",
                describe=lambda _, path=path, wanted=wanted: {path: _describe_gate(wanted)},  # type: ignore[misc]
            )
            for path, wanted in gates.items()
        ),
    ]


_VERDICT = ref(CurrentVerdict.__name__)


def _describe_gate(wanted: Verdict) -> dict[str, Any]:
    example = {"name": "model", "namespace": "default", "phase": "Progressing", "metadata": {"version": "2"}}
    return describe_post(
        _TAG,
        f"Whether the verdict on a version is {wanted}: 200, else 409",
        "A webhook of Flagger. It changes nothing.",
        body=ref(Gate.__name__),
        examples={"a version": example},
        response=_VERDICT,
        errors=(*BODY_ERRORS, 409),
    )
