"""The OpenAPI 3.1 document of a server: assembled from the parts that its protocols say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Any

import msgspec

from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.tokens import needs_token_to_predict
from mlops_lab.serving.protocols.base import Json, Protocol
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.operations import STATUSES

_ABOUT = """\
Ask for predictions, submit their outcomes, see what is live. Whatever is tried here is answered and written down like
any other request. A request with another method than those listed gets 405; HEAD works where GET does.
"""
_TOKEN = "One that `mlops token create` made, or the one in `.mlops/token`."
_SECURITY: list[Json] = [{"token": []}]


def describe_api(service: Service, protocols: Sequence[Protocol]) -> Json:
    """The document for a project's server, with examples that the contract accepts."""
    project, examples = service.project, Examples(service)
    tokens_to_predict = needs_token_to_predict(project)
    paths: Json = {}
    taken: set[str] = set()
    for route in (route for protocol in protocols for route in protocol.routes):
        for path, item in (route.describe(examples) if route.describe else {}).items():
            if route.role == "operate" or (route.role == "predict" and tokens_to_predict):
                _add_security(item[route.method.lower()])
            item[route.method.lower()]["operationId"] = _operation_id(route.method, path, taken)
            paths[path] = item
    document = {
        "openapi": "3.1.0",
        "info": {"title": project.name, "version": version_of("mlops-lab"), "description": _ABOUT},
        "servers": [{"url": "."}],  # relative to this document: also behind a proxy that adds a prefix
        "tags": [{"name": name, "description": text} for protocol in protocols for name, text in protocol.tags.items()],
        "paths": paths,
        "components": {
            "schemas": _collect_schemas(protocols),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _TOKEN}},
        },
    }
    _complete_arrays(document)
    return document


def _operation_id(method: str, path: str, taken: set[str]) -> str:
    """A name for the operation that generated clients can use for a function; none twice."""
    words = re.findall(r"[A-Za-z0-9]+", path.replace("{", "by_"))
    name = wanted = "_".join([method.lower(), *words])
    for number in itertools.count(2):
        if name not in taken:
            break
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


def _complete_arrays(schema: Any) -> None:
    """Say of every array that does not say it that its items may be anything: generators of clients need it."""
    if isinstance(schema, dict):
        if schema.get("type") == "array":
            schema.setdefault("items", {})
        for name, part in schema.items():
            if name not in {"examples", "enum", "default"}:
                _complete_arrays(part)
    elif isinstance(schema, list):
        for part in schema:
            _complete_arrays(part)


def _add_security(operation: Json) -> None:
    """Say that an operation needs a token."""
    operation["security"] = _SECURITY
    responses = operation["responses"]
    responses["401"] = {"description": STATUSES[401], "content": responses["400"]["content"]}


def _collect_schemas(protocols: Sequence[Protocol]) -> Json:
    """The schemas of all protocols, by name."""
    types = list(dict.fromkeys(kind for protocol in protocols for kind in protocol.schemas))
    schemas: Json = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")[1]
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    for protocol in protocols:
        if protocol.refine_schemas is not None:
            protocol.refine_schemas(schemas)
    return schemas
