from __future__ import annotations

from dataclasses import replace

import msgspec

from mlops_lab.lineage.documents.known_limits import list_limits
from mlops_lab.lineage.documents.version_facts import VersionFacts


def test_what_was_never_seen_and_what_was_missing(facts: VersionFacts) -> None:
    limits = list_limits(facts)
    assert facts.origin.cutoff in limits[0]
    assert '"depot": 4 different texts were in its training rows; it knows nothing of any other.' in limits
    assert f'"weight": missing in {facts.profiles["weight"].null_share:.2%} of its training rows.' in limits
    (never,) = (limit for limit in limits if limit.startswith("Never missing"))
    assert '"distance"' in never
    assert '"weight"' not in never
    assert f"{facts.agreement.rows:,} compared rows" in limits[-1]


def test_each_view_without_a_fact(facts: VersionFacts) -> None:
    limits = list_limits(facts)
    for view in facts.plan.features["views"]:
        (limit,) = (limit for limit in limits if limit.startswith(f'View "{view["name"]}"'))
        assert f'table "{view["table"]}"' in limit


def test_more_texts_than_are_listed(facts: VersionFacts) -> None:
    many = msgspec.structs.replace(
        facts.profiles["depot"], categories=[f"d{number}" for number in range(50)], shares=[0.01] * 50 + [0.5]
    )
    limits = list_limits(replace(facts, profiles={"depot": many}))
    assert any(limit.startswith('"depot": more than 50 different texts') for limit in limits)


def test_how_figures_on_held_out_rows_are_read(facts: VersionFacts) -> None:
    assert not [limit for limit in list_limits(facts) if "held-out" in limit]
    origin = msgspec.structs.replace(facts.origin, cutoff=facts.trained_at.isoformat())
    assert any("a twin that has not" in limit for limit in list_limits(replace(facts, origin=origin)))
    plan = msgspec.structs.replace(facts.plan, task="regression", scale=2.5)
    assert any(limit.endswith("in training, 2.5.") for limit in list_limits(replace(facts, plan=plan)))
