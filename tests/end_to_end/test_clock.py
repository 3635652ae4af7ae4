"""The machine's clock is set back while the server runs: nothing is lost, doubled or served otherwise."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from verifying import make_verifier

from mlops_lab import clock
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import load_project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service

CONFIG = """
[project]
name = "shop"

[source]
table = "orders"
data = "orders.csv"
label = "returned"
key = "customer"

[source.request]
customer = "string"
price = "float"

[source.outcome]
returned = "boolean"

[backtest]
share = 0.2
"""
PIPELINE = """
from mlops_lab.features import Features, View, count, mean

features = Features(
    views=[View("customer", "orders", by="customer", over="30d", values={"returns": mean("returned"), "orders": count("returned")})],
    inputs=["price", "returns", "orders"],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=5, min_child_samples=5, num_leaves=4, n_jobs=1, verbose=-1)
"""


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(days=2)])
def test_a_clock_that_is_set_back_changes_nothing_that_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: timedelta
) -> None:
    rows = [f"{'abcde'[n % 5]},{n % 17},{str(n % 17 > 9 and n % 5 > 1).lower()}" for n in range(400)]
    (tmp_path / "orders.csv").write_text("\n".join(["customer,price,returned", *rows]))
    (tmp_path / "mlops.toml").write_text(CONFIG)
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    project = load_project(tmp_path)
    loop = Loop(project)
    loop.run(loop.now(), by="test")
    loop.act()
    began, ticks, off = clock.now(), [0], [timedelta(0)]

    def now():
        ticks[0] += 1
        return began + timedelta(seconds=ticks[0]) - off[0]

    monkeypatch.setattr(clock, "now", now)
    answers, outcomes = {}, []
    for life in range(3):
        service = Service(project, read_routing_table(project.deployment_path))
        for number in range(30):
            if (life, number) == (1, 10):
                off[0] = back
            request = {"id": f"{life}-{number}", "customer": "abcde"[number % 5], "price": float(number % 17)}
            (record,) = service.predict([msgspec.convert(request, service.schemas.request)])
            answers[record.id] = record.output
            assert service.predict([msgspec.convert(request, service.schemas.request)])[0].output == record.output
            if number % 3 == 0:
                outcome = msgspec.convert({"id": record.id, "returned": number % 2 == 0}, service.schemas.outcome)
                assert service.accept_outcomes([outcome])["counts"]["accepted"] == 1
                assert service.accept_outcomes([outcome])["counts"]["duplicate"] == 1
                outcomes.append(record.id)
        service.close()
        ingest_journal(project, Lake(project.lake_path))
    lake = Lake(project.lake_path)
    predictions = lake.read("predictions")
    assert dict(predictions.select("id", "output").iter_rows()) == answers
    assert Counter(predictions["id"]) == Counter(dict.fromkeys(answers, 1))
    joined = lake.read("outcomes")
    assert sorted(joined["id"]) == sorted(outcomes)
    assert (joined["known_at"] >= joined["predicted_at"]).all()

    verifier = make_verifier(project, lake)
    assert verifier.verify_sample(predictions).differing_cells == 0
