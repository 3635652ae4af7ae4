"""A registered version in a notebook: found by its number or as the champion, and what it displays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlops_lab import Project, evaluate
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind


@pytest.fixture(scope="module")
def live(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the small project in which version 1 is live, and 2 was refused."""
    root = Path(shutil.copytree(tiny.project.root, tmp_path_factory.mktemp("live") / "tiny"))
    lineage = {
        "cutoff": tiny.training.cutoff.isoformat(),
        "rows": tiny.training.inputs.height,
        "snapshots": [{"table": "orders", "version": 0}],
        "commit": "none",
    }
    (root / "package/lineage.json").write_text(json.dumps(lineage))
    project = Project(root)
    evidence = {"package": "package", "fingerprint": tiny.fingerprint}
    kinds = ((1, DecisionKind.BOOTSTRAP), (2, DecisionKind.REFUSE))
    for earlier, (version, kind) in enumerate(kinds):
        decision = Decision(tiny.now, kind, version, "rule", "reason", "test", evidence)
        assert write_decision(project.lake, decision, earlier=earlier)
    return project


def test_the_champion_is_the_version_without_a_number(tiny: Any, live: Project) -> None:
    champion, other = live.version(), live.version(2)
    assert (champion.number, champion.is_champion) == (1, True)
    assert (other.number, other.is_champion) == (2, False)
    assert champion.cutoff == tiny.training.cutoff
    assert champion.features.version == tiny.pipeline.features.version
    inputs = tiny.training.holdout_inputs.head(9)
    assert champion.predictor.score(inputs).equals(tiny.predictor.score(inputs))


def test_a_version_displays_its_origin(tiny: Any, live: Project) -> None:
    shown = repr(live.version())
    assert shown.startswith("version 1 of tiny, which is live")
    assert f"{tiny.training.inputs.height:,} rows before" in shown
    assert "orders@0" in shown
    assert "which is live" not in repr(live.version(2))


def test_a_version_is_evaluated_on_what_came_after_its_training(tiny: Any, live: Project) -> None:
    evaluation = evaluate(live.version())
    orders = live.read("orders")
    later = orders.filter(orders["asked_at"] >= tiny.training.cutoff)
    assert sorted(evaluation.answers.rows["order_id"]) == sorted(later["order_id"])
    assert evaluation.seen == 0


def test_unknown_versions_are_errors(tiny: Any, live: Project, fresh: Project) -> None:
    with pytest.raises(NotFound) as caught:
        live.version(7)
    assert caught.value.code == "unknown_version"
    with pytest.raises(InvalidInput) as nothing:
        fresh.version()
    assert nothing.value.code == "nothing_live"
    assert "mlops run" in str(nothing.value.hint)
