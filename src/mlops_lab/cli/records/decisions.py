"""Decisions as the commands print them with `--json`."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.rollout.decision_record import DecisionRecord
from mlops_lab.status.records import RolloutProgress, WatchRecord
from mlops_lab.status.rollout_days import RolloutDay
from mlops_lab.status.rollout_groups import RolloutGroup


class MadeDecision(DecisionRecord, frozen=True, kw_only=True):
    """`mlops run`: the decision about the candidate."""

    schema_version: int = 1


class RollbackRecord(MadeDecision, frozen=True, kw_only=True):
    """`mlops rollback`: the decision, and the version that is live after it."""

    champion: int | None


class RolloutRecord(Struct, frozen=True, kw_only=True):
    """`mlops rollout show`: the versions, the stage and since when; `progress` is null where there is no rollout.
    `days` are those with outcomes, in order; `groups` those of `gates.slices`, the one that loses most first; `watch`
    is the one after a promotion."""

    schema_version: int = 1
    champion: int | None
    challenger: int | None
    stage: str | None
    since: str | None
    progress: RolloutProgress | None
    days: list[RolloutDay] = []
    watch: WatchRecord | None = None
    groups: list[RolloutGroup] = []


class SteeredRecord(MadeDecision, frozen=True, kw_only=True):
    """`mlops rollout pause | resume | abort | promote`: the decision, and the version that is live after it."""

    champion: int | None


class SplitRecord(MadeDecision, frozen=True, kw_only=True):
    """`mlops split`: the decision, and the share of keys of each version in an A/B test."""

    arms: dict[str, float]


class ApprovalRecord(MadeDecision, frozen=True, kw_only=True):
    """`mlops approve`: the decision, how many more must approve the step (`missing`), and of whom, in words."""

    missing: int
    whom: str


class RejectRecord(MadeDecision, frozen=True, kw_only=True):
    """`mlops reject`: the decision, and the version that is live after it."""

    champion: int | None


class TickRecord(Struct, frozen=True, kw_only=True):
    """`mlops tick`: the moment taken for now, the decisions made, the ends of the days that were measured, in what the
    last of these differs much from training, or from the days before, and what waits for MLflow's store or server."""

    schema_version: int = 1
    at: str
    decisions: list[DecisionRecord]
    measured: list[str] = []
    warnings: list[str] = []
    waiting: list[str] = []


class LoggedDecision(DecisionRecord, frozen=True, kw_only=True):
    """A decision with its number, the system user whose process wrote it, and its hash; both are null where an older
    release wrote it."""

    number: int = 0
    user: str | None = None
    hash: str | None = None


class FaultRecord(Struct, frozen=True, kw_only=True):
    """What is wrong with the chain of decisions: `changed`, `missing`, `cut` (missing at the end), `repeated`,
    `not_hashed`, `no_head`, `head_differs`, or `not_noted`; with which decision (`number`); in words (`what`)."""

    code: str
    number: int | None
    what: str


class ChainRecord(Struct, frozen=True, kw_only=True):
    """The check of the hash chain: how many decisions there are, the first one with a hash, the last hash (`head`), and
    what is wrong. `noted` is the decision that has the hash given with `--noted`."""

    decisions: int
    hashed_from: int | None
    head: str | None
    noted: int | None
    faults: list[FaultRecord]


class HistoryRecord(Struct, frozen=True, kw_only=True):
    """`mlops history`: every decision ever made, in order; `head` is the hash of the last one, and `chain` is the check
    of the hash chain, with `--verify`."""

    schema_version: int = 1
    decisions: list[LoggedDecision]
    head: str | None = None
    chain: ChainRecord | None = None
