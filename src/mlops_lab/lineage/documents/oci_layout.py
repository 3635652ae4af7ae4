"""Package and documents of a version as an OCI layout with the media types of ModelPack, for any OCI registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from mlops_lab.lineage.documents import bill_of_materials, croissant, model_card, openlineage
from mlops_lab.lineage.documents.version_facts import VersionFacts

FOLDER = "oci"
_MODEL = "application/vnd.cncf.model"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_TITLE = "org.opencontainers.image"


def make(facts: VersionFacts) -> dict[str, bytes]:
    """The layout: each file is a layer of its own. The tag is the number of the version."""
    documents = (document.make(facts) for document in (model_card, bill_of_materials, croissant, openlineage))
    blobs: dict[str, bytes] = {}
    layers = [
        _add(blobs, content, media_type=_package_type(facts, name), annotations=_named(name))
        for name, content in facts.files.items()
    ]
    layers += [
        _add(blobs, content, media_type=f"{_MODEL}.doc.v1.raw", annotations=_named(name))
        for files in documents
        for name, content in files.items()
    ]
    digests = [str(layer["digest"]) for layer in layers]
    config = _add(blobs, _encode(_config(facts, digests)), media_type=f"{_MODEL}.config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "artifactType": f"{_MODEL}.manifest.v1+json",
        "config": config,
        "layers": layers,
        "annotations": _annotations(facts),
    }
    tag = {f"{_TITLE}.ref.name": str(facts.origin.number)}
    described = _add(blobs, _encode(manifest), media_type=_MANIFEST, annotations=tag)
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
    files = {"oci-layout": _encode({"imageLayoutVersion": "1.0.0"}), "index.json": _encode(index)} | blobs
    return {f"{FOLDER}/{name}": content for name, content in files.items()}


def _package_type(facts: VersionFacts, name: str) -> str:
    return f"{_MODEL}.weight.v1.raw" if name == facts.model_file else f"{_MODEL}.weight.config.v1.raw"


def _named(name: str) -> dict[str, str]:
    return {"org.cncf.model.filepath": name, f"{_TITLE}.title": name}


def _add(
    blobs: dict[str, bytes], content: bytes, *, media_type: str, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The descriptor of the content, which is added to the blobs."""
    digest = sha256(content).hexdigest()
    blobs[f"blobs/sha256/{digest}"] = content
    descriptor: dict[str, Any] = {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
    return descriptor | ({"annotations": dict(annotations)} if annotations else {})


def _config(facts: VersionFacts, digests: list[str]) -> dict[str, Any]:
    return {
        "descriptor": {
            "createdAt": facts.trained_at.isoformat(),
            "family": facts.plan.engine,
            "name": facts.project,
            "version": str(facts.origin.number),
            "revision": facts.origin.fingerprint,
            "title": facts.title,
            **({"licenses": [facts.license]} if facts.license else {}),
        },
        "config": {
            "architecture": facts.plan.task,
            "format": facts.model_file.rpartition(".")[2],
            "capabilities": {
                "inputTypes": ["other"],
                "outputTypes": ["other"],
                "knowledgeCutoff": facts.origin.cutoff,
            },
        },
        "modelfs": {"type": "layers", "diffIds": digests},
    }


def _annotations(facts: VersionFacts) -> dict[str, str]:
    return {
        f"{_TITLE}.created": facts.trained_at.isoformat(),
        f"{_TITLE}.title": facts.title,
        f"{_TITLE}.version": str(facts.origin.number),
        f"{_TITLE}.revision": facts.origin.fingerprint,
        **({f"{_TITLE}.licenses": facts.license} if facts.license else {}),
    }


def _encode(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
