from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from mlops_lab.lineage.documents.live_figures import LiveFigure
from mlops_lab.lineage.documents.model_card import FILE, make, make_metadata
from mlops_lab.lineage.documents.version_facts import VersionFacts


def test_the_head_is_that_of_the_file(facts: VersionFacts) -> None:
    text = make(facts)[FILE].decode()
    assert yaml.safe_load(text.split("---\n")[1]) == make_metadata(facts)


def test_figures_are_those_of_the_gates(facts: VersionFacts) -> None:
    (sanity,) = (gate for gate in facts.gates if gate.gate == "sanity")
    (model,) = make_metadata(facts)["model-index"]
    figures = {metric["type"]: metric["value"] for metric in model["results"][0]["metrics"]}
    assert figures == {name: sanity.evidence[name] for name in ("log_loss", "calibration_gap")}
    assert f"| log\\_loss | {sanity.evidence['log_loss']:.6g} |" in make(facts)[FILE].decode()


@pytest.mark.parametrize(
    ("license", "head"),
    [
        (None, {}),
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("MIT OR Apache-2.0", {"license": "other", "license_name": "MIT OR Apache-2.0"}),
    ],
)
def test_a_licence_only_where_one_is_declared(facts: VersionFacts, license: str | None, head: dict[str, str]) -> None:
    metadata = make_metadata(replace(facts, license=license))
    assert {name: value for name, value in metadata.items() if name.startswith("license")} == head


def test_all_facts_are_in_the_text(facts: VersionFacts) -> None:
    text = make(facts)[FILE].decode().replace("\\", "")
    origin = facts.origin
    for fact in (
        origin.fingerprint,
        origin.training_set,
        origin.cutoff,
        origin.run_id,
        origin.code,
        origin.environment,
    ):
        assert fact in text
    for table in facts.tables:
        assert f"| {table.snapshot.name} | {table.snapshot.rows:,} | {len(table.columns)} |" in text
        assert table.snapshot.fingerprint in text
    for name in origin.inputs:
        assert f"\n| {name} | " in text
    for gate in facts.gates:
        assert f"\n| {gate.gate} | passed | {gate.reason} |" in text
    assert "It has given no answer yet" in text


def test_live_figures_with_slices(facts: VersionFacts) -> None:
    live = [
        LiveFigure("quality", "log_loss", 0.25, 0.2, 0.5, 3, 1200),
        LiveFigure("calibration", "", 0.01, -0.1, 0.1, 3, 1200),
        LiveFigure("slice_skill", "depot=a", 0.125, 0.1, 0.2, 3, 1200),
    ]
    text = make(replace(facts, live=live))[FILE].decode()
    assert "| log\\_loss | 0.25 | 0.2 | 0.5 | 3 | 1,200 |" in text
    assert "| all | 0.01 | -0.1 | 0.1 | 3 | 1,200 |" in text
    assert "| depot=a | 0.125 | 0.1 | 0.2 | 3 |  |" in text
    assert "It has given no answer yet" not in text
