from __future__ import annotations

from dataclasses import replace

import msgspec

from mlops_lab.lineage.documents.openlineage import make_events
from mlops_lab.lineage.documents.version_facts import VersionFacts


def test_a_start_and_a_complete_of_one_run(facts: VersionFacts) -> None:
    start, complete = make_events(facts)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"] == complete["run"]
    assert start["run"]["runId"].replace("-", "") == facts.origin.run_id
    assert start["inputs"] == complete["inputs"]
    assert start["outputs"] == []
    (model,) = complete["outputs"]
    assert model["facets"]["version"]["datasetVersion"] == "1"


def test_inputs_are_the_tables_at_their_versions(facts: VersionFacts) -> None:
    inputs = {entry["name"]: entry for entry in make_events(facts)[0]["inputs"]}
    assert inputs.keys() == {table.name for table in facts.tables}
    for table in facts.tables:
        entry = inputs[table.name]
        quality = entry["inputFacets"]["dataQualityMetrics"]
        assert entry["facets"]["version"]["datasetVersion"] == str(table.snapshot.version)
        assert quality["rowCount"] == table.snapshot.rows
        assert [field["name"] for field in entry["facets"]["schema"]["fields"]] == list(quality["columnMetrics"])
    weight = inputs["parcels"]["inputFacets"]["dataQualityMetrics"]["columnMetrics"]["weight"]
    assert weight["nullCount"] > 0
    assert weight["nullCount"] + weight["count"] == inputs["parcels"]["inputFacets"]["dataQualityMetrics"]["rowCount"]
    assert weight["min"] < weight["max"]


def test_a_run_without_an_id_of_mlflow_has_a_stable_one(facts: VersionFacts) -> None:
    other = replace(facts, origin=msgspec.structs.replace(facts.origin, run_id=""))
    first, again = (make_events(other)[0]["run"]["runId"] for _ in range(2))
    assert first == again
    assert first != make_events(facts)[0]["run"]["runId"]
