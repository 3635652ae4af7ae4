"""The list of what is in an image."""

from __future__ import annotations

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from environments import OWN

from mlops_lab.exporters.images.sbom import SBOM_FILE, write_sbom

LOCKED = f"""polars==2.0.0 \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
flask-swagger-ui==5.34 --hash=sha256:{"c" * 64}
"""


def test_it_names_every_package_with_its_hashes_and_is_valid(tmp_path: Path) -> None:
    count = write_sbom(tmp_path, name="shop-serving", version="3", requirements=LOCKED, own=OWN)
    text = (tmp_path / SBOM_FILE).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    written = json.loads(text)
    assert written["metadata"]["component"]["name"] == "shop-serving"
    hashes = {one["name"]: {part["content"] for part in one["hashes"]} for one in written["components"]}
    assert hashes == {
        "polars": {"a" * 64, "b" * 64},
        "flask-swagger-ui": {"c" * 64},
        "mlops-lab": {OWN.sha256},
    }
    assert count == 3
    assert "pkg:pypi/polars@2.0.0" in text
