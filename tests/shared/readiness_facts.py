"""Made-up evidence for the tests of readiness: decisions, verdicts of gates and measurements, as the lake has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from mlops_lab.lineage.readiness.evidence import Evidence, Logged
from mlops_lab.lineage.readiness.repository import Repository, TestFile, Workflow
from mlops_lab.project import Settings
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import MEASUREMENTS

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
COMMIT = "0123456789" * 4
GATES = ("same_model", "contract", "served", "sanity", "baseline", "suspicion", "backtest", "slices")
DAILY = ("quality", "contract_breaches", "freshness", "nulls", "parity", "latency", "slice_skill", "evidence", "volume")


def make_settings(**sections: Any) -> Settings:
    """The settings of a small project; one field has limits, and groups are named."""
    tree = {
        "project": {"name": "tiny"},
        "source": {
            "table": "orders",
            "data": "orders.csv",
            "label": "late",
            "request": {"asked_at": "datetime", "amount": {"type": "float", "min": 0}, "shop": "string"},
            "outcome": {"late": "boolean"},
        },
        "gates": {"slices": ["shop"]},
    }
    return msgspec.convert(tree | sections, Settings)


def decide(day: int, what: DecisionKind, version: int | None = None, by: str = "loop", **evidence: Any) -> Decision:
    """A decision on a day, counted from the first."""
    return Decision(FIRST + timedelta(days=day), what, version, "a rule", "a reason", by, evidence)


def train(day: int, what: DecisionKind, version: int, by: str = "loop", **verdicts: Any) -> Decision:
    """The decision about a candidate that every gate has judged. `verdicts` has by gate what differs from a pass."""
    figures = {"contract": {"rows": 100.0}, "sanity": {"log_loss": 0.4}, "backtest": {"gain": 0.01}}
    figures |= {"slices": {"groups": 3.0}}
    gates = [
        {"gate": gate, "passed": True, "reason": f"{gate} is fine", "evidence": figures.get(gate, {})}
        | verdicts.get(gate, {})
        for gate in GATES
    ]
    return decide(day, what, version, by, package=f"packages/{version}", fingerprint=f"f{version}", gates=gates)


def lived() -> list[Decision]:
    """Version 1 was live; version 2 took its place after shadow and canary; version 3 was taken back as canary."""
    return [
        decide(0, DecisionKind.RETRAIN, by="ada"),
        train(0, DecisionKind.BOOTSTRAP, 1, by="ada"),
        decide(10, DecisionKind.RETRAIN),
        train(10, DecisionKind.SHADOW, 2),
        decide(12, DecisionKind.CANARY, 2),
        decide(15, DecisionKind.APPROVE, 2, by="bob"),
        decide(15, DecisionKind.PROMOTE, 2),
        decide(20, DecisionKind.RETRAIN),
        train(20, DecisionKind.SHADOW, 3),
        decide(22, DecisionKind.CANARY, 3),
        decide(23, DecisionKind.ROLL_BACK, 3),
    ]


def measure(*rows: tuple[int, str, str, float], version: int = 1) -> pl.DataFrame:
    """Measurements: day, monitor, name, value."""
    made = [
        {"at": FIRST + timedelta(days=day), "monitor": monitor, "name": name, "value": value, "version": version}
        for day, monitor, name, value in rows
    ]
    return pl.DataFrame(
        [{name: row.get(name) for name in MEASUREMENTS.fixed_columns} for row in made], schema=MEASUREMENTS.fixed_schema
    )


def measure_days(days: Sequence[int] = (1, 2), monitors: Sequence[str] = DAILY) -> pl.DataFrame:
    """One measurement of each monitor and day."""
    names = {"parity": "compared", "quality": "log_loss", "volume": "outcomes"}
    return measure(*((day, monitor, names.get(monitor, ""), 5.0) for day in days for monitor in monitors))


def make_evidence(**changes: Any) -> Evidence:
    """A project that has lived, with tests and a workflow; `changes` replace fields."""
    facts: dict[str, Any] = {
        "settings": make_settings(),
        "now": FIRST + timedelta(days=25),
        "decisions": lived(),
        "measurements": measure_days(),
        "tables": frozenset({"orders"}),
        "logged": Logged(2, "o-2", date(2026, 3, 25), frozenset({"id", "amount", "shop"})),
        "commit": COMMIT,
        "is_closed_to_others": False,
        "inputs": {version: frozenset({"amount", "shop"}) for version in (1, 2, 3)},
        "repository": Repository(
            [Workflow("ci.yml", ("python -m pytest", "mlops run || test $? -eq 1"))],
            [TestFile("tests/test_all.py", 3, frozenset({"pipeline", "features", "model"}))],
        ),
    }
    return Evidence(**(facts | changes))


NOTHING = Evidence(settings=make_settings(), now=None)
"""A project in which nothing was done."""
