"""The sections of `mlops.toml` that are not about the data, and `Settings`, which contains all sections."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlops_lab.project.ab_section import ABSection
from mlops_lab.project.approval_section import ApprovalSection
from mlops_lab.project.base import Config, Half, Positive, PositiveInt, Share, means
from mlops_lab.project.declaration import ContractSection, SourceSection, TableSection
from mlops_lab.project.monitors_section import MonitoringSection, MonitorSection
from mlops_lab.project.readiness_section import ReadinessSection


class ProjectSection(Config, frozen=True, kw_only=True):
    """`[project]`: its name, its time zone, its clock, and the licence of its models.

    `clock`: "wall" is this machine's time; "data" is the newest time in the project's own tables, for work with past
    data.
    """

    name: Annotated[
        str,
        means(
            "letters, digits, `-`, `_`; also the name of the registered model", pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$"
        ),
    ]
    timezone: Annotated[str, means("the time zone whose midnight ends a day")] = "UTC"
    license: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$")] | None,
        means(
            'the licence of the models, as SPDX writes it (`"Apache-2.0"`), for `mlops docs`; none: documents name none'
        ),
    ] = None
    clock: Annotated[
        Literal["wall", "data"],
        means(
            'the time that commands use as "now": `"wall"`, or `"data"` for the newest time in the tables; '
            'with `"wall"`, an outcome without `known_at` became known when it arrived',
        ),
    ] = "wall"


class LakeSection(Config, frozen=True, kw_only=True):
    """`[lake]`: where the tables lie: in `.mlops/lake`, or in an object store, of which that folder is then a copy.

    Several machines can share the tables in a store. Credentials come from where the store's own tools take them.
    """

    uri: Annotated[
        str,
        means(
            'the address below which the tables lie, such as `"s3://bucket/lake"`, `"gs://…"` or `"abfss://…"` (needs '
            "`mlops-lab[store]`); empty: in the folder of the project",
            pattern="^((s3|gs|az|abfss)://[^/]+.*)?$",
        ),
    ] = ""


class ModelSection(Config, frozen=True, kw_only=True):
    """`[model]`: which engines may serve a model: see docs/models.md.

    `runner`: a separate process, for models that neither LightGBM's library nor ONNX Runtime computes equally. It reads
    formats that cannot execute code: XGBoost's JSON, or skops, whose files may contain only types that skops trusts and
    those of `trusted_types`. `try_all`: try every engine, even if a faster one agrees.
    """

    runner: Annotated[
        bool, means("allow a separate process to serve models that cannot be converted (XGBoost's JSON, skops)")
    ] = False
    trusted_types: Annotated[
        list[str],
        means(
            'types that a skops file may contain, in addition to those that skops trusts: `["sklearn.tree._tree.Tree"]`'
        ),
    ] = msgspec.field(default_factory=list)
    try_all: Annotated[bool, means("try, time and report every engine, even if a faster one agrees")] = False


class TrainingSection(Config, frozen=True, kw_only=True):
    """`[training]`: the rows that a version learns from, among those whose label is known; and where it is trained."""

    window: Annotated[
        str,
        means(
            '`"all"` rows; those of the `"last 180d"`; with a `"half-life 90d"`: all, and one that is 90 days older '
            'counts half as much; `"auto"`: at each training, whichever of these did best on earlier days, each time '
            "with the labels known then"
        ),
    ] = "all"
    max_rows: Annotated[
        Annotated[int, msgspec.Meta(ge=100)] | None,
        means(
            "the most rows that a version learns from: of more, a sample that is always the same (by the hash of the "
            "row's id); rows that are held out are never left out"
        ),
    ] = None
    on: Annotated[
        Literal["here", "ray"],
        means(
            'where models are fitted: `"here"`, in this process; `"ray"`: on a Ray cluster (needs `mlops-lab[ray]`); '
            "see docs/training.md"
        ),
    ] = "here"
    ray_address: Annotated[
        str,
        means(
            'the cluster: `"HOST:PORT"`, `"ray://HOST:PORT"`, `"auto"` (one that runs on this machine), `"local"` (one '
            "of this process alone); empty: that of RAY_ADDRESS"
        ),
    ] = ""
    ray_cpus: Annotated[PositiveInt, means("the processors of a node of the cluster that one fit takes")] = 1
    ray_wait_seconds: Annotated[
        Positive, means("the most seconds to wait for a node with so many processors, where the cluster has none")
    ] = 600.0
    trials_at_once: Annotated[
        PositiveInt,
        means(
            "how many trials `mlops tune` draws before it learns from their results; more use more of a cluster, and "
            "draw other parameters than one after the other"
        ),
    ] = 1


class TrackingSection(Config, frozen=True, kw_only=True):
    """`[tracking]`: where runs, registered versions and their packages are kept: see docs/tracking.md.

    Credentials are those of MLflow's own variables; an address that holds some is refused.
    """

    uri: Annotated[
        str,
        means(
            'an MLflow server (`"https://mlflow.example.com"`), where runs, versions and packages are kept; empty: '
            "SQLite and files in `.mlops`",
        ),
    ] = ""
    name: Annotated[
        str,
        means(
            "letters, digits, `-`, `_`: the name of the registered model and of its experiment at the server; empty: "
            "the project's name",
            pattern="^([A-Za-z0-9][A-Za-z0-9_-]*)?$",
        ),
    ] = ""


class BacktestSection(Config, frozen=True, kw_only=True):
    """`[backtest]`: the last days, which are held out from training, and on which candidate and champion are compared;
    with `share`, the last rows instead, whatever their time."""

    days: Annotated[
        PositiveInt,
        means(
            "the number of last days held out from training, on which candidate and champion are compared; counted "
            "back from the newest known outcome, so outcomes may be late"
        ),
    ] = 14
    share: Annotated[
        Half | None,
        means(
            "instead of days: the share of the rows that is held out, the last ones (compared in 20 blocks)",
        ),
    ] = None
    min_days: Annotated[PositiveInt, means("the fewest days (or blocks) that neither model was trained on")] = 7
    alpha: Annotated[Share, means("the probability that a candidate which is no better passes by chance")] = 0.05


class GatesSection(Config, frozen=True, kw_only=True):
    """`[gates]`: the limits for a candidate, and whether it must be better than a linear model."""

    max_calibration_gap: Annotated[
        Positive, means("the greatest difference between mean prediction and observed rate")
    ] = 0.1
    slices: Annotated[list[str], means("request fields whose groups are compared separately")] = msgspec.field(
        default_factory=list
    )
    slice_min_rows: Annotated[PositiveInt, means("the fewest rows of a group that is compared")] = 300
    max_slice_loss: Annotated[Positive, means("how much the log loss of a group may increase")] = 0.03
    max_null_increase: Annotated[
        Share, means("how much more often an input may be null in the training data than when it was served")
    ] = 0.1
    must_beat_baseline: Annotated[
        bool, means("refuse a candidate that is not significantly better than a linear model")
    ] = False


class RolloutSection(Config, frozen=True, kw_only=True):
    """`[rollout]`: the steps from candidate to champion."""

    strategy: Annotated[
        Literal["canary", "blue_green"],
        means(
            'the steps from shadow to champion: `"canary"` first serves a share of the keys, `"blue_green"` all at '
            "once; in both, the version before stays loaded"
        ),
    ] = "canary"
    shadow_days: Annotated[
        PositiveInt, means("the days for which the candidate is scored but its predictions are not returned")
    ] = 2
    canary_days: Annotated[PositiveInt, means("the days for which it serves a share of the keys")] = 3
    canary_share: Annotated[Share, means("the share of the keys it serves")] = 0.1
    canary_steps: Annotated[
        list[Share],
        means(
            "instead of `canary_share`: the shares of the keys, one after another, such as `[0.01, 0.1, 0.5]`; each "
            "lasts `canary_days`, and a key that it serves in one step it serves in all later ones"
        ),
    ] = msgspec.field(default_factory=list)
    max_loss: Annotated[Positive, means("how much worse its log loss may be before it is rolled back")] = 0.02
    prove: Annotated[
        Literal["backtest", "better", "not_worse"],
        means(
            'where a candidate proves itself: `"backtest"`: before the rollout, once, on held-out days; `"better"`, '
            '`"not_worse"`: in the rollout, looked at after every day, while each training sends a fresher candidate, '
            "which has learned from all that is known, in place of the one before"
        ),
    ] = "backtest"
    alpha: Annotated[
        Share, means("the probability that a rollout promotes a candidate that is no better (or worse) than said")
    ] = 0.05
    margin: Annotated[
        Positive, means('with `"not_worse"`: how much worse its loss may be than that of the champion')
    ] = 0.002
    max_days: Annotated[PositiveInt, means("the days after which a rollout that has proved nothing ends")] = 120
    watch_days: Annotated[
        int,
        means(
            "the days after a promotion for which the champion before is scored on the same requests: if it proves to "
            "be better (`alpha`), the promotion is taken back; a new candidate ends it, 0 leaves it out",
            ge=0,
        ),
    ] = 28
    verdict_hours: Annotated[
        Positive,
        means(
            "the hours for which the loop's verdict (`GET /v1/rollout/verdict`) counts after a tick wrote it; an older "
            "one is `hold`"
        ),
    ] = 26.0

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of the keys that a canary serves, one after another."""
        return tuple(self.canary_steps) or (self.canary_share,)

    @property
    def proves_itself(self) -> bool:
        """Whether a candidate proves itself in the rollout, instead of before it."""
        return self.prove != "backtest"

    @property
    def allowed_loss(self) -> float:
        """By how much the loss of a candidate may be higher that proves what is asked of it."""
        return self.margin if self.prove == "not_worse" else 0.0


class GuardrailsSection(Config, frozen=True, kw_only=True):
    """`[guardrails]`: what ends a rollout at the next tick, whatever the outcomes will be.

    Looked at are the last 5,000 to 10,000 requests that each worker of the server asked the challenger to score.
    """

    min_requests: Annotated[PositiveInt, means("the fewest requests that a guardrail judges")] = 100
    max_errors: Annotated[Share, means("the share of requests at which the challenger may fail with an error")] = 0.01
    max_refused: Annotated[
        Share, means("the share of requests that it may leave without an answer, which the champion answered")
    ] = 0.02
    max_missing: Annotated[
        Share, means("how much more often than for the champion its views may have no values for a request")
    ] = 0.05
    max_score_ms: Annotated[Positive, means("the milliseconds that it may take to score a request, on average")] = 50.0
    max_output_shift: Annotated[
        Positive,
        means(
            "how far the mean of its answers may lie from that of the champion's on the same requests: in probability, "
            "or in standard deviations of a number"
        ),
    ] = 0.25


class TriggersSection(Config, frozen=True, kw_only=True):
    """`[triggers]`: what starts a retraining, and how often `mlops up` checks."""

    every_days: Annotated[PositiveInt, means("retrain when the last training was this many days ago")] = 28
    cooldown_days: Annotated[
        PositiveInt, means("the fewest days between two trainings, where a trigger has no cool-down of its own")
    ] = 14
    window_days: Annotated[
        PositiveInt, means("the number of last days over which calibration, loss and drift are measured")
    ] = 7
    max_calibration_gap: Annotated[
        Positive, means("retrain when mean prediction and observed rate differ by more than this")
    ] = 0.1
    max_loss_increase: Annotated[
        Positive | None,
        means(
            "retrain when the champion's loss is higher by more than this than on the rows held out when it was "
            "trained; none: never"
        ),
    ] = None
    loss_cooldown_days: Annotated[
        PositiveInt | None, means("the cool-down of `max_loss_increase`; none: `cooldown_days`")
    ] = None
    max_drift_loss: Annotated[
        Positive | None,
        means(
            "retrain when the inputs have moved so far that they may cost more loss than this: each input's drift "
            "counts as much as the model needs the input; none: never"
        ),
    ] = None
    drift_cooldown_days: Annotated[
        PositiveInt | None, means("the cool-down of `max_drift_loss`; none: `cooldown_days`")
    ] = None
    new_labels: Annotated[
        PositiveInt | None, means("retrain when so many labels have arrived since the last training; none: never")
    ] = None
    labels_cooldown_days: Annotated[
        PositiveInt | None, means("the cool-down of `new_labels`; none: `cooldown_days`")
    ] = None
    min_new_labels: Annotated[
        int,
        means("the fewest labels that must have arrived since the last training before a trigger starts one", ge=0),
    ] = 0
    budget: Annotated[
        PositiveInt | None,
        means(
            "the most trainings in `budget_days`; none: no limit. One that a person starts counts, and is never refused"
        ),
    ] = None
    budget_days: Annotated[PositiveInt, means("the days over which trainings are counted for `budget`")] = 365
    tick_every: Annotated[str, means('how often `mlops up` runs a tick of the loop: `"30s"`, `"5m"`, `"1h"`')] = "1m"


ChannelName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class AlertsSection(Config, frozen=True, kw_only=True):
    """`[alerts]`: where alerts are sent, and how often: see docs/alerts.md.

    A channel is an address of the library apprise (mail, chat, webhook). What is secret in it is a reference to an
    environment variable: `env:NAME`.
    """

    channels: Annotated[
        dict[ChannelName, str],
        means(
            "a table from a name to the address that alerts are sent to, as apprise writes it; secrets as `env:NAME` "
            "(needs `mlops-lab[alerts]`)"
        ),
    ] = msgspec.field(default_factory=dict)
    same_within_hours: Annotated[
        Positive, means("a rule that fires again at the same place within this many hours adds to the alert before")
    ] = 168.0
    timeout_seconds: Annotated[Positive, means("the most seconds that a channel may take to accept a message")] = 10.0
    max_attempts: Annotated[
        int,
        means(
            "how often an alert is tried on a channel; after each failure the wait doubles, from a minute", ge=1, le=20
        ),
    ] = 10


class ServingSection(Config, frozen=True, kw_only=True):
    """`[serving]`: where the server listens, its limits, and how durable its records are.

    `durability`: "async" writes the record to the operating system before the response (survives a killed process);
    "fsync" waits until it is on the disk (survives a power failure). `online_store`: where servers keep the facts that
    views look up: "memory" (each server its own), or a Redis that they share, as "redis://127.0.0.1:6379/0".
    """

    host: Annotated[str, means("the address on which the server listens")] = "127.0.0.1"
    port: Annotated[int, means("the port on which it listens", ge=1, le=65535)] = 8321
    durability: Annotated[
        Literal["async", "fsync"],
        means(
            '`"fsync"`: a prediction is on the disk before the response; `"async"`: only written to the operating '
            "system, which survives a killed process but not a power failure",
        ),
    ] = "fsync"
    workers: Annotated[int, means("the number of processes that serve requests, on one port", ge=1, le=64)] = 1
    predict_token: Annotated[
        bool | None,
        means(
            "whether a prediction needs a token (`mlops token create`); none: only if other machines can reach `host`"
        ),
    ] = None
    allowed_hosts: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^(\*|[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+)$")]],
        means(
            "further names of the server, as in `Host`: those of a proxy, for example; their pages may send requests; "
            '`"*"`: any'
        ),
    ] = msgspec.field(default_factory=list)
    max_rows: Annotated[PositiveInt, means("the most rows of a request")] = 10_000
    max_body_bytes: Annotated[PositiveInt, means("the greatest size of a request")] = 8 * 1024 * 1024
    max_connections: Annotated[
        PositiveInt, means("the most open connections of a worker; idle ones are closed for new ones")
    ] = 1000
    request_seconds: Annotated[
        Positive, means("the most seconds for a client to send a request, or to receive a part of the response")
    ] = 30.0
    tls_certificate: Annotated[
        str,
        means("the PEM file with the server's certificate and its chain to one that clients trust; empty: plain HTTP"),
    ] = ""
    tls_key: Annotated[str, means("the PEM file with the private key of the certificate")] = ""
    online_store: Annotated[
        str,
        means(
            "where servers keep the facts that views look up: in the memory of each, or in a Redis that they share "
            '(`"redis://127.0.0.1:6379/0"`, needs `mlops-lab[redis]`)',
            pattern="^(memory|(redis|rediss|unix)://.+)$",
        ),
    ] = "memory"


class Settings(Config, frozen=True, kw_only=True):
    """All of `mlops.toml`."""

    project: ProjectSection
    source: SourceSection
    tables: dict[str, TableSection] = msgspec.field(default_factory=dict)
    contract: ContractSection = ContractSection()
    lake: LakeSection = LakeSection()
    model: ModelSection = ModelSection()
    training: TrainingSection = TrainingSection()
    tracking: TrackingSection = TrackingSection()
    backtest: BacktestSection = BacktestSection()
    gates: GatesSection = GatesSection()
    rollout: RolloutSection = RolloutSection()
    guardrails: GuardrailsSection = GuardrailsSection()
    approval: ApprovalSection = ApprovalSection()
    triggers: TriggersSection = TriggersSection()
    ab: ABSection = ABSection()
    alerts: AlertsSection = AlertsSection()
    monitoring: MonitoringSection = MonitoringSection()
    monitors: list[MonitorSection] = msgspec.field(default_factory=list)
    serving: ServingSection = ServingSection()
    readiness: list[ReadinessSection] = msgspec.field(default_factory=list)

    @property
    def named_data(self) -> list[str]:
        """What `data` names, of the source and then of each table; empty text where one has no data."""
        return [self.source.data, *(table.data for table in self.tables.values())]
