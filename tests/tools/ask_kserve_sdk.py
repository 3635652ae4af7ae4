"""Read an InferenceService with the types of KServe's SDK: `python ask_kserve_sdk.py FILE`. It fails where a field is
unknown, and prints what was read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import kserve
import kubernetes.client
import yaml


def read(kind: str, value: Any) -> Any:
    """The value as the SDK's type; KeyError for a field that it does not have."""
    if kind.startswith("list["):
        return [read(kind[5:-1], item) for item in value]
    if own := getattr(kserve, kind, None):
        names = {name: attribute for attribute, name in own.attribute_map.items()}
        return own(**{names[name]: read(own.openapi_types[names[name]], item) for name, item in value.items()})
    if of_kubernetes := getattr(kubernetes.client, kind, None):
        found = of_kubernetes.from_dict(value)
        if found.model_dump(by_alias=True, exclude_none=True) != value:
            raise KeyError(f"{kind}: {value}")
        return found
    return value


service = read("V1beta1InferenceService", yaml.safe_load(Path(sys.argv[1]).read_text()))
(container,) = service.spec.predictor.containers
sys.stdout.write(json.dumps({"name": service.metadata.name, "image": container.image}))
