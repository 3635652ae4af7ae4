"""The status of a project as typed records: what `mlops status --json` prints.

Moments are texts (ISO 8601). Fields are only ever added: see docs/json.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, Struct, UnsetType

from mlops_lab.rollout.decision_record import DecisionRecord
from mlops_lab.status.error_rate import ErrorRateRecord


class RecentRequests(Struct, frozen=True, kw_only=True):
    """Requests of the last hour, and predictions that wait for an outcome that is still expected: how many, when the
    oldest was made, and after how many days no outcome is expected any more."""

    answered_last_hour: int
    waiting: int
    oldest: str | None
    within_days: int


class WindowPerformance(Struct, frozen=True, kw_only=True):
    """The loss over some time: which (`metric`), its `value`, the loss of the best constant prediction (`base`, null
    where it is not known), the number of outcomes, and when the last window ended.

    `value` is as known now. Where outcomes were corrected since, `first_known` is what it was when the windows ended.
    """

    metric: str
    value: float
    base: float | None
    outcomes: int
    at: str
    first_known: float | UnsetType = UNSET


class Performance(Struct, frozen=True, kw_only=True):
    """The loss in the last 24 hours, on the last day that was measured, and in the week before that day.

    A window without outcomes is left out, and so are the last 24 hours where they are that last day.
    """

    last_24_hours: WindowPerformance | UnsetType = UNSET
    last_day: WindowPerformance | UnsetType = UNSET
    week_before: WindowPerformance | UnsetType = UNSET

    def windows(self) -> Iterator[tuple[str, WindowPerformance]]:
        """The windows that have outcomes, by name, the newest first."""
        for name in self.__struct_fields__:
            window = getattr(self, name)
            if window is not UNSET:
                yield name, window


class AlertRecord(Struct, frozen=True, kw_only=True):
    """One alert: when, which rule fired, what it saw, where, what to do about it, and what it is about (empty: where
    it was seen), which is the same from day to day."""

    at: str
    rule: str
    what: str
    where: str
    hint: str
    about: str = ""


class FailingChannelRecord(Struct, frozen=True, kw_only=True):
    """A channel of alerts that fails: its name, since when, and why the last attempt failed."""

    name: str
    since: str
    reason: str


class UnmeasuredRecord(Struct, frozen=True, kw_only=True):
    """Time of which something was not measured: from when (`since`) to when (`until`), and why."""

    since: str
    until: str
    reason: str


class ProofRecord(Struct, frozen=True, kw_only=True):
    """What the `days` of a rollout show: by how much (`gain`) the candidates' loss is lower on average, between which
    bounds the true gain lies (`lower`, `upper`; null: none yet), and the evidence (`e_value`), which must reach
    `needed`."""

    days: int
    gain: float
    lower: float | None
    upper: float | None
    e_value: float
    needed: float
    is_proved: bool
    text: str


class RolloutProgress(Struct, frozen=True, kw_only=True):
    """What the present stage of a rollout needs (`days`, over at `until`, and `rows_needed` requests with an outcome),
    how much of it there is (`days_over`, `rows`), the stage that comes `then`, the share of keys of a canary (in
    shadow: of the first step), and that of the next step (`next_share`; null: it is promoted). While it is paused it
    takes no step forward.

    `proof`, where candidates prove themselves in the rollout: what its days show."""

    days: int
    until: str
    rows: int
    rows_needed: int
    then: str
    days_over: int
    canary_share: float
    is_paused: bool = False
    proof: ProofRecord | None = None
    next_share: float | None = None


class WatchRecord(Struct, frozen=True, kw_only=True):
    """The watch after a promotion: the champion before (`version`) scores the same requests, since it `began` and
    `until` when; `proof` is what its days show. If it proves to be better, the promotion is taken back."""

    version: int
    began: str
    until: str
    proof: ProofRecord


class RetrainingStatus(Struct, frozen=True, kw_only=True):
    """A retraining under way: when it `began`, and its `reason`. Otherwise the next one: when it is `due`, `every_days`
    after the last, and from when on (`watched_from`) it starts earlier, as soon as `watched` holds. `budget` is there
    where the budget of so many trainings is spent until `due`."""

    began: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    due: str | UnsetType = UNSET
    every_days: int | UnsetType = UNSET
    watched_from: str | UnsetType = UNSET
    watched: str | UnsetType = UNSET
    budget: int | UnsetType = UNSET


class MonitoringStatus(Struct, frozen=True, kw_only=True):
    """How far the watching of the measured days is: the declared days between two false alarms (`budget_days`), the
    number of series that are `watched`, and how many of them are `calibrated`: they have `needed_days` of history. Of
    the others, `days` is how many the one with the most has got; null where all are calibrated. `unusual` names what
    was told and is not usual again."""

    budget_days: float
    watched: int
    calibrated: int
    days: int | None
    needed_days: int
    unusual: list[str]


class EstimateRecord(Struct, frozen=True, kw_only=True):
    """The quality of the champion's answers on the last measured day (`at`), before their outcomes are known: which
    (`metric`), its `value`, the `error` within which the truth has lain on 90 % of days, and how often it lay within
    the one stated before (`coverage`; null while too few days tell). `value` is null, and `reason` says why, where what
    was stated did not hold."""

    metric: str
    at: str
    value: float | None
    error: float | None
    coverage: float | None
    reason: str


class ApprovalStatus(Struct, frozen=True, kw_only=True):
    """A step that waits for the approval of people: of which version, which step, since when and until when, who has
    approved it already (`given`), how many are missing, whose word can count (`approvers`; null: anybody's but those of
    `not_by`), and whose version it is."""

    version: int
    step: str
    since: str
    until: str
    given: list[str]
    missing: int
    approvers: list[str] | None
    not_by: list[str]
    text: str


class FollowingStatus(Struct, frozen=True, kw_only=True):
    """How far the decisions are in effect: the generation of the routing table (`table`; null where there is none), and
    the one that each worker of the server answers by (`workers`; empty where no server answers).

    `lagging` names the workers that answer by older decisions than the last, `error` says why one could not take them
    over. `not_loaded` says by version why it is not ready: the champion answers for it.
    """

    table: int | None
    workers: dict[str, int]
    lagging: list[str]
    error: str | None
    not_loaded: dict[str, str]


class ProjectStatus(Struct, frozen=True, kw_only=True):
    """What is live, since when and why, how good it is, and what is waiting for what.

    `now` is the moment that the loop takes for now. It is null, like most other facts, while no version is live.
    `live_by` is the decision that made the champion live. `arms` holds the share of keys of each version in an A/B
    test, `watch` how the champion before does after a promotion, `quality` the newest measurement of each quality
    metric of the champion's answers. `pending` counts all predictions without an outcome. `days_to_measure` counts the
    days that are over and not measured yet, `unmeasured` lists what could not be measured. `following` says how far the
    decisions are in effect.
    `warnings` says what makes the backtest better than live answers can be.
    `error_rate` says how many versions that are no better a year may promote; null while too little time has passed.
    `alerts` counts the alerts that are not resolved, by state; `failing_channels` lists the channels that cannot send
    them.
    `monitoring` says how far the watching of the days is; null while none was measured. `estimates` holds the
    quality before outcomes are known.
    `approval` is the step that waits for the approval of people; null where none does.
    `damaged_places` counts where the servers' log was ever damaged, `damaged_bytes` what was set aside there.
    """

    schema_version: int = 1
    project: str
    folder: str
    timezone: str
    now: str | None
    server: str | None
    champion: int | None
    since: str | None
    live_by: DecisionRecord | None
    challenger: int | None
    stage: str | None
    arms: dict[str, float]
    generation: int
    quality: dict[str, float]
    performance: Performance
    predictions: int
    pending: int
    recent: RecentRequests | None
    unknown_outcomes: int
    too_late_outcomes: int
    conflicting_outcomes: int
    quarantined: int
    alert: AlertRecord | None
    rollout: RolloutProgress | None
    retraining: RetrainingStatus | None
    last_decision: DecisionRecord | None
    days_to_measure: int = 0
    unmeasured: list[UnmeasuredRecord] = []
    warnings: list[str] = []
    following: FollowingStatus | None = None
    damaged_places: int = 0
    damaged_bytes: int = 0
    error_rate: ErrorRateRecord | None = None
    watch: WatchRecord | None = None
    alerts: dict[str, int] = {}
    failing_channels: list[FailingChannelRecord] = []
    monitoring: MonitoringStatus | None = None
    estimates: list[EstimateRecord] = []
    approval: ApprovalStatus | None = None
