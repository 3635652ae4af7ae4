"""History: every decision as a story, the newest first; filtered by kind, version and words."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decision_record import DecisionRecord, record_decision
from mlops_lab.status.wording import format_decision
from mlops_lab.web.view import Content, Source, View

SHOWN = 200


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The decisions that fit, at most `SHOWN` of them, each with its number, and what may be chosen."""
    records = [record_decision(decision) for decision in read_decisions(source.lake)]
    kind, version, words = (asked.get(name, "").strip() for name in ("what", "version", "words"))
    fitting = [
        {"number": number, "text": format_decision(record.what, record.version), "record": record}
        for number, record in enumerate(records)
        if _fits(record, kind=kind, version=version, words=words.lower())
    ]
    fitting.reverse()
    return {
        "decisions": fitting[:SHOWN],
        "more": max(0, len(fitting) - SHOWN),
        "total": len(records),
        "kinds": sorted({record.what for record in records}),
        "versions": sorted({record.version for record in records if record.version is not None}),
        "asked": {"what": kind, "version": version, "words": words},
    }


def _fits(record: DecisionRecord, *, kind: str, version: str, words: str) -> bool:
    text = f"{record.rule} {record.reason} {record.by}".lower()
    return (not kind or record.what == kind) and (not version or str(record.version) == version) and words in text


VIEW = View(name="history", title="History", command="mlops history", query=query)
