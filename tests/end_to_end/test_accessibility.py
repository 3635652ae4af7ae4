"""The pages for people: no violation that axe-core knows, and nothing to scroll sideways for on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auditing import WIDTH, audit_page
from axe import fetch_axe
from running import Server

from mlops_lab.replay.report import write_report
from mlops_lab.replay.summary import ArmResult, Day, DecisionRow, Month, ReplayCounts, ReplaySummary

Audit = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def audit(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """What axe-core finds."""
    axe = fetch_axe(pytestconfig, tmp_path_factory.mktemp("axe"))

    def ask(site: str, page: str, *, dark: bool) -> dict[str, Any]:
        found = audit_page(site, page, axe=axe, profile=tmp_path_factory.mktemp("profile"), dark=dark)
        assert (found["width"], found["dark"]) == (WIDTH, dark)
        assert {"color-contrast", "html-has-lang", "document-title"} <= {*found["passed"]}
        return found

    return ask


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("page", "text"), [("/", "This server answers"), ("/docs", "/v1/predict")])
def test_a_page_of_the_server(audit: Audit, shared_server: Server, page: str, text: str, *, dark: bool) -> None:
    address = shared_server.process.address
    found = audit(f"http://{address.host}:{address.port}", page, dark=dark)
    assert text in found["text"]
    assert found["problems"] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_report_of_the_demo(audit: Audit, tmp_path: Path, *, dark: bool) -> None:
    write_report(tmp_path / "report.html", SUMMARY, DAYS)
    found = audit(str(tmp_path), "/report.html", dark=dark)
    assert "not better beyond chance" in found["text"]
    assert found["problems"] == []


BOTH = ArmResult(frozen=0.483, loop=0.462)
DAYS = [
    Day(day=f"2013-03-{day:02}", predictions=900 + day, late_rate=0.2 + day / 200, log_loss=BOTH)
    for day in range(1, 31)
]
SUMMARY = ReplaySummary(
    project="flights",
    span=("2013-03-01", "2013-03-31"),
    months=[Month(month="2013-03", predictions=27_934, late_rate=0.22, log_loss=BOTH, auc=BOTH)],
    log_loss=BOTH,
    auc=BOTH,
    decisions=[
        DecisionRow(at=f"2013-03-{3 + 2 * place:02}T04:00:00Z", what=what, version=place + 1, reason=reason)
        for place, (what, reason) in enumerate(
            [("bootstrap", "it is the first"), ("promote", "better"), ("refuse", "not better beyond chance"),
             ("roll_back", "worse on 3 days")]
        )
    ],
    counts=ReplayCounts(sent=27_934, logged=27_934, joined=27_900, pending=34, lost=0, duplicated=0),
    seconds=12.0,
    stages={"requests": 8.0, "training": 3.0},
    report="report.html",
)  # fmt: skip
