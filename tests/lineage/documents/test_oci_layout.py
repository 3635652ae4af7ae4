from __future__ import annotations

import json
from hashlib import sha256

from mlops_lab.lineage.documents.oci_layout import make
from mlops_lab.lineage.documents.version_facts import VersionFacts


def test_blobs_are_what_their_names_say(facts: VersionFacts) -> None:
    files = make(facts)
    for name, content in files.items():
        if "/blobs/" in name:
            assert name == f"oci/blobs/sha256/{sha256(content).hexdigest()}"
    index = json.loads(files["oci/index.json"])
    (entry,) = index["manifests"]
    manifest = json.loads(files[f"oci/blobs/sha256/{entry['digest'].removeprefix('sha256:')}"])
    for part in (entry, manifest["config"], *manifest["layers"]):
        assert len(files[f"oci/blobs/sha256/{part['digest'].removeprefix('sha256:')}"]) == part["size"]


def test_layers_are_the_package_and_the_documents(facts: VersionFacts) -> None:
    files = make(facts)
    (entry,) = json.loads(files["oci/index.json"])["manifests"]
    manifest = json.loads(files[f"oci/blobs/sha256/{entry['digest'].removeprefix('sha256:')}"])
    kinds = {layer["annotations"]["org.cncf.model.filepath"]: layer["mediaType"] for layer in manifest["layers"]}
    model = {name for name, kind in kinds.items() if kind == "application/vnd.cncf.model.weight.v1.raw"}
    documents = {name for name, kind in kinds.items() if kind == "application/vnd.cncf.model.doc.v1.raw"}
    assert model == {facts.model_file}
    assert documents == {"README.md", "bom.cdx.json", "croissant.json", "openlineage.ndjson"}
    assert kinds.keys() - documents == facts.files.keys()
    assert not [name for name in kinds if name.startswith(("code/", "environment.json"))]
