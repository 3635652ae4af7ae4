"""What is behind a prediction or a version, as lines of text."""

from typing import Any

import msgspec
import pytest

from mlops_lab.errors import NotFound
from mlops_lab.lineage.explain import describe_prediction, describe_version, explain, explain_version
from mlops_lab.lineage.records import DecisionSummary, PredictionLineage, SnapshotRecord, VersionLineage, VersionOrigin
from mlops_lab.training.agreement import Agreement

VERSION = VersionOrigin(
    number=2,
    run_id="run",
    package="packages/2",
    fingerprint="f" * 64,
    inputs=["load", "docks"],
    snapshots=[SnapshotRecord(table="parcels", version=3, rows=1800, fingerprint="a" * 64, name="parcels@3")],
    training_set="t" * 64,
    rows=1700,
    cutoff="2024-03-25T00:00:00+00:00",
    commit="abc+changes",
    code="c" * 64,
    environment="e" * 64,
)
DECISIONS = [DecisionSummary(at="2024-03-26T00:00:00+00:00", what="promote", rule="canary", reason="a day as canary")]
PREDICTION = PredictionLineage(
    id="p1",
    at="2024-03-26T10:00:00+00:00",
    request={"depot": "a", "weight": None},
    features={"load": 0.5, "docks": None},
    output=0.25,
    role="champion",
    shadow=None,
    version=VERSION,
    outcome=None,
    decisions=DECISIONS,
)


def lines(**changes: Any) -> dict[str, str]:
    return dict(describe_prediction(msgspec.structs.replace(PREDICTION, **changes)))


def test_a_prediction_is_described() -> None:
    text = lines()
    assert text["prediction"] == "p1  at 2024-03-26T10:00:00+00:00"
    assert text["output"] == "0.250000  (champion, version 2)"
    assert text["outcome"] == "not known yet"
    assert text["request"] == "depot=a  weight=-"
    assert text["features"] == "load=0.5  docks=-"
    assert text["trained on"] == f"parcels@3  1,800 rows  {'a' * 16}"
    assert text["training set"] == f"1,700 rows before 2024-03-25T00:00:00+00:00  {'t' * 16}"
    assert text["promote"] == "2024-03-26T00:00:00+00:00  a day as canary"


def test_an_outcome_and_probabilities_of_classes_are_described() -> None:
    text = lines(outcome={"known_at": "2024-03-27", "late": True}, output=[0.25, 0.75])
    assert text["outcome"] == "known_at=2024-03-27  late=True"
    assert text["output"].startswith("0.250000, 0.750000  (")


def test_a_version_is_described_with_its_engine() -> None:
    agreement = Agreement(engine="onnx", rows=10, differing=0, largest=0.0, tolerance=0.0)
    text = dict(describe_version(VersionLineage(version=VERSION, agreement=agreement, decisions=DECISIONS)))
    assert (text["version"], text["engine"], text["run"]) == ("2", "onnx: 10 of 10 rows agree", "run")
    assert "promote" in text


def test_what_does_not_exist_is_not_explained(tiny) -> None:
    with pytest.raises(NotFound) as caught:
        explain(tiny.project, "nobody")
    assert caught.value.code == "unknown_prediction"
    with pytest.raises(NotFound):
        explain_version(tiny.project, 7)
