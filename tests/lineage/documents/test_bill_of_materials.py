from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from mlops_lab.lineage.documents.bill_of_materials import FILE, make
from mlops_lab.lineage.documents.live_figures import LiveFigure
from mlops_lab.lineage.documents.version_facts import VersionFacts


def read(facts: VersionFacts) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(make(facts)[FILE])
    return found


def test_the_model_its_data_and_its_packages(facts: VersionFacts) -> None:
    content = read(facts)
    model = content["metadata"]["component"]
    assert model["hashes"][0]["content"] == sha256(facts.files[facts.model_file]).hexdigest()
    assert "licenses" not in model
    parts = {part["bom-ref"]: part for part in content["components"] if "bom-ref" in part}
    assert len(parts) == len(facts.tables) + len(facts.environment.packages), "each is there once"
    assert all(parts[dataset["ref"]]["type"] == "data" for dataset in model["modelCard"]["modelParameters"]["datasets"])
    assert {part["name"] for part in parts.values()} >= {"mlops-lab", "lightgbm", "parcels", "traffic"}
    depends = content["dependencies"][0]
    assert depends["ref"] == model["bom-ref"]
    assert set(depends["dependsOn"]) == parts.keys()


def test_figures_have_their_slices(facts: VersionFacts) -> None:
    live = [
        LiveFigure("quality", "log_loss", 0.25, 0.2, 0.5, 3, 1200),
        LiveFigure("calibration", "", 0.01, -0.1, 0.1, 3, 1200),
        LiveFigure("slice_skill", "depot=a", 0.125, 0.1, 0.2, 3, 1200),
    ]
    model = read(replace(facts, live=live, license="Apache-2.0"))["metadata"]["component"]
    figures = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert [(figure["type"], figure["slice"]) for figure in figures] == [
        ("calibration_gap", "held-out rows"),
        ("log_loss", "held-out rows"),
        ("log_loss", "live answers, 3 days"),
        ("calibration", "live answers, 3 days"),
        ("slice_skill", "live answers, depot=a"),
    ]
    assert model["licenses"] == [{"expression": "Apache-2.0"}]
