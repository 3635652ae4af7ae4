"""What people decide: to roll back, to steer a rollout, to approve, and to test versions against each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mlops_lab.loop.approval import decide_to_approve, decide_to_reject
from mlops_lab.loop.commands import (
    decide_to_roll_back,
    decide_to_split,
    decide_to_start_test,
    decide_to_steer,
    decide_to_stop_test,
)
from mlops_lab.loop.decider import Decider
from mlops_lab.rollout.decisions import Decision, DecisionKind, apply
from mlops_lab.rollout.deploy import check_deployable, deployed_generation
from mlops_lab.rollout.versions import check_loads


class PeopleDecider(Decider):
    """Writes the decisions of people, and acts on them. Nobody needs to wait for a loop that is at work."""

    def roll_back(self, now: datetime, *, by: str, reason: str) -> Decision:
        """Take the challenger back, or, where there is none, the version before the champion. Refused if neither; an
        error, and nothing is decided, where servers could not follow.

        A rollback that was decided, and then interrupted before servers could follow it, is finished: it is not done
        twice.
        """
        deployed = deployed_generation(self.project)
        is_behind = deployed is not None and deployed < self.state.generation
        if is_behind and self.decisions[-1].what is DecisionKind.ROLL_BACK:
            self.act()
            return self.decisions[-1]
        decision = decide_to_roll_back(self.state, now, by=by, reason=reason)
        check_deployable(self.project, self.decisions, apply(self.state, decision))
        return self._record_and_act(decision)

    def steer(self, now: datetime, what: DecisionKind, *, by: str, reason: str) -> Decision:
        """Pause, resume, end (`roll_back`) or finish (`promote`) the rollout under way. Refused where it may not; an
        error, and nothing is decided, where servers could not follow."""
        watch_days = self.project.settings.rollout.watch_days
        decision = decide_to_steer(self.state, now, what=what, by=by, reason=reason, watch_days=watch_days)
        return self._decide_for_person(decision)

    def approve(self, now: datetime, version: int, *, step: str | None, by: str, note: str) -> Decision:
        """Approve a step of a version, by default the one that waits or comes next: the next tick takes it. Refused
        where this person may not."""
        return self._record_and_act(
            decide_to_approve(
                self.project, self.decisions, self.state, now, version=version, step=step, by=by, note=note
            )
        )

    def reject(self, now: datetime, version: int, *, by: str, note: str) -> Decision:
        """Reject a version: its rollout ends, and it never answers. Refused where it has answered users."""
        return self._record_and_act(
            decide_to_reject(self.decisions, self.state, now, version=version, by=by, note=note)
        )

    def split(self, now: datetime, version: int, *, share: float, by: str) -> Decision:
        """Have a version answer a fixed share of the keys from now on; 0 ends that. Refused where it may not."""
        decision = decide_to_split(self.decisions, self.state, now, version=version, share=share, by=by)
        if share:
            check_loads(self.project, self.decisions, version)
        return self._decide_for_person(decision)

    def start_test(self, now: datetime, shares: Mapping[int, float], *, by: str, reason: str) -> Decision:
        """Begin an A/B test: versions answer these shares of the keys. Refused where they may not; an error, and
        nothing is decided, where servers could not follow."""
        decision = decide_to_start_test(self.decisions, self.state, now, shares=shares, by=by, reason=reason)
        for version in shares:
            check_loads(self.project, self.decisions, version)
        return self._decide_for_person(decision)

    def stop_test(
        self, now: datetime, *, keep: int | None, by: str, reason: str, evidence: Mapping[str, object]
    ) -> Decision:
        """End the A/B test; `keep` is the version that is the champion from now on, where it is not the present one."""
        decision = decide_to_stop_test(self.state, now, keep=keep, by=by, reason=reason, evidence=evidence)
        return self._decide_for_person(decision)
