"""The report: complete, offline, escaped, and readable whatever happened in the replay."""

import json
import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from mlops_lab.replay.report import write_report
from mlops_lab.replay.summary import ArmResult, Day, DecisionRow, Month, ReplayCounts, ReplaySummary
from mlops_lab.status.past_rollouts import RolloutEvidence

VOID = {"meta", "link", "br", "hr", "img", "input"}
KINDS = ["bootstrap", "retrain", "shadow", "canary", "promote", "refuse", "roll_back"]
NASTY = "</script><script>alert(1)</script> & \"quoted\" 'too' <b>"


class Page(HTMLParser):
    """What the tests ask of a page: its text, its links and ids, and that every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data.replace("\xa0", " ")


def days(count: int) -> list[Day]:
    start = date(2013, 3, 1)
    return [
        Day(
            day=str(start + timedelta(days=i)),
            predictions=900 + i % 7,
            late_rate=0.2 + 0.1 * (i % 3),
            log_loss=ArmResult(frozen=0.48 + 0.01 * (i % 5), loop=0.46 + 0.02 * (i % 4)),
        )
        for i in range(count)
    ]


def replay(
    decisions: list[DecisionRow], last: str = "2013-03-31", auc: float | None = 0.75, **changes: object
) -> ReplaySummary:
    both, ranks = ArmResult(frozen=0.483, loop=0.462), ArmResult(frozen=auc, loop=auc and auc + 0.01)
    fields = {
        "project": "flights",
        "span": ("2013-03-01", last),
        "months": [Month(month="2013-03", predictions=27_934, late_rate=0.22, log_loss=both, auc=ranks)],
        "log_loss": both,
        "auc": ranks,
        "decisions": decisions,
        "counts": ReplayCounts(sent=27_934, logged=27_934, joined=27_900, pending=34, lost=0, duplicated=0),
        "seconds": 12.0,
        "stages": {"requests": 8.0, "training": 3.0},
        "report": "report.html",
    }
    return ReplaySummary(**(fields | changes))


def written(tmp_path, summary: ReplaySummary, drawn: list[Day]) -> tuple[str, Page]:
    path = tmp_path / "report.html"
    write_report(path, summary, drawn)
    html = path.read_text(encoding="utf-8")
    return html, Page(html)


def decisions(kinds: list[str], reason: str = "because") -> list[DecisionRow]:
    return [
        DecisionRow(at=f"2013-03-{3 + 2 * i:02}T04:00:00Z", what=what, version=i or None, reason=reason)
        for i, what in enumerate(kinds)
    ]


def test_the_page_holds_everything_and_asks_the_network_for_nothing(tmp_path):
    html, page = written(tmp_path, replay(decisions(KINDS)), days(31))
    assert "The loop answered 27,934 requests" in page.text
    for said in ("March 2013", "0.483 → 0.462", "1 rolled back", "because", "8.0 s", "67%", "34 pending"):
        assert said in page.text
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+[^\s\"'<)]*", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html
    assert len(html) < 1_500_000


def test_the_evidence_of_each_rollout_is_drawn(tmp_path):
    path = tmp_path / "report.html"
    first, last = date(2013, 3, 5), date(2013, 3, 20)
    evidence = [
        RolloutEvidence(number=number, days=[day, day + timedelta(days=1)], e_values=[1.0, 1e6], needed=20.0)
        for number, day in enumerate((first, last), start=1)
    ]
    write_report(path, replay(decisions(KINDS)), days(31), evidence=evidence)
    assert (
        "Evidence that the candidates of each rollout are better (e-value): a proof from 20 on"
        in Page(path.read_text(encoding="utf-8")).text
    )
    html, _ = written(tmp_path, replay(decisions(KINDS)), days(31))
    assert "e-value" not in html


def test_every_decision_is_marked_on_the_curve_and_leads_to_its_reason(tmp_path):
    _, page = written(tmp_path, replay(decisions(KINDS)), days(31))
    targets = [f"#decision-{i}" for i in range(len(KINDS))]
    assert sorted(page.links) == sorted(2 * targets)  # once in the wide and once in the narrow chart
    assert {target[1:] for target in targets} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_values_are_text_and_never_markup(tmp_path):
    summary = replay(decisions(["promote", "<i>new</i>"], NASTY), project=NASTY, stages={NASTY: 3.0})
    html, page = written(tmp_path, summary, days(31))
    assert page.tags.count("script") == 2
    assert "<script>alert" not in html
    assert "<i>new" not in html
    assert page.text.count(NASTY) == 5  # title, header, two reasons, one stage


def test_the_curve_travels_as_data(tmp_path):
    html, _ = written(tmp_path, replay([]), days(31))
    points = json.loads(re.search(r'id="curve">(.*?)</script>', html).group(1))
    assert len(points) == 31
    assert points[0] == ["2013-03-01", 0.46, 0.48, 0.2, 900]


@pytest.mark.parametrize("count", [1, 3])
def test_a_short_span_without_auc_or_decisions(tmp_path, count):
    html, page = written(tmp_path, replay([], last=f"2013-03-0{count}", auc=None), days(count))
    assert "None was due." in page.text
    assert "AUC not defined" in page.text
    assert html.count("<svg") == 2
    assert "None" not in page.text.replace("None was due", "")
    assert "NaN" not in html


def test_a_span_without_any_outcome(tmp_path):
    nothing = ArmResult(frozen=None, loop=None)
    html, page = written(tmp_path, replay(decisions(["bootstrap"]), months=[], log_loss=nothing, auc=None), [])
    assert "Too few outcomes are known" in page.text
    assert "there is no curve to draw" in page.text
    assert "<svg" not in html


def test_decisions_outside_the_days_drawn_are_still_marked(tmp_path):
    early = DecisionRow(at="2013-02-28T04:00:00Z", what="bootstrap", version=1, reason="first")
    late = DecisionRow(at="2014-01-01T05:00:00Z", what="promote", version=2, reason="better")
    _, page = written(tmp_path, replay([early, late]), days(31))
    assert len(page.links) == 4


def test_a_loss_stands_out(tmp_path):
    counts = ReplayCounts(sent=10, logged=9, joined=9, pending=0, lost=1, duplicated=0)
    html, _ = written(tmp_path, replay([], counts=counts), days(3))
    assert html.count('<div class="bad">') == 1
