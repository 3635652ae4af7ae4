"""The list of what an image holds, in CycloneDX's format: each package with its version and the hashes of its files."""

from __future__ import annotations

import re
from pathlib import Path

from mlops_lab.exporters.environments.source import Wheel
from mlops_lab.extras import needs_extra
from mlops_lab.lineage.reproduce.environments import OWN_NAME

SBOM_FILE = "sbom.cdx.json"
_LOCKED = re.compile(r"^([\w.-]+)(?:==(\S+)| @ (\S+))((?:\s*\\?\s*--hash=sha256:[0-9a-f]{64})*)", re.MULTILINE)


def write_sbom(folder: Path, *, name: str, version: str, requirements: str, own: Wheel | None) -> int:
    """Write the list for locked requirements into the folder; the number of packages in it."""
    with needs_extra("environments", "the list of packages of an image"):
        from cyclonedx.model import HashAlgorithm, HashType
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    image = Component(name=name, version=version, type=ComponentType.CONTAINER)
    bom = Bom()
    bom.metadata.component = image
    components = []
    for package, release, url, hashes in _LOCKED.findall(requirements):
        found = re.findall(r"sha256:([0-9a-f]{64})", hashes)
        purl = PackageURL("pypi", None, re.sub(r"[-_.]+", "-", package).lower(), release or None)
        components.append(
            Component(
                name=package,
                version=release or url,
                type=ComponentType.LIBRARY,
                bom_ref=str(purl),
                purl=purl,
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in found],
            )
        )
    if own:
        release = Path(own.path).name.split("-")[1]
        digest = HashType(alg=HashAlgorithm.SHA_256, content=own.sha256)
        components.append(Component(name=OWN_NAME, version=release, type=ComponentType.APPLICATION, hashes=[digest]))
    bom.components.update(components)
    bom.register_dependency(image, components)
    (folder / SBOM_FILE).write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")
    return len(components)
