"""All of `mlops.toml`: the sections beside the data, and the whole."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlops_lab.project.base import Config, Half, Positive, PositiveInt, Share, means
from mlops_lab.project.declaration import ContractSection, SourceSection, TableSection


class ProjectSection(Config, frozen=True, kw_only=True):
    """`[project]`: its name, the zone in which its days begin, and what "now" is where nobody says it.

    `clock`: "wall" is this machine's time; "data" is the newest moment that the project's own tables know of, for
    work on a stretch of the past.
    """

    name: Annotated[
        str,
        means(
            "letters, digits, `-`, `_`; also the name of the registered model", pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$"
        ),
    ]
    timezone: Annotated[str, means("whose midnight ends a day")] = "UTC"
    clock: Annotated[
        Literal["wall", "data"],
        means(
            'what "now" is where nobody says it: `"wall"`, or `"data"` for the newest moment the tables know of; '
            "on the wall's, an outcome without `known_at` was known when it came",
        ),
    ] = "wall"


class ModelSection(Config, frozen=True, kw_only=True):
    """`[model]`: what may serve a model: see docs/models.md.

    `runner`: a process of its own, for what neither LightGBM's library nor ONNX Runtime answers alike. It reads formats
    that cannot execute code: XGBoost's JSON, or skops, whose files may hold only types that skops trusts and those of
    `trusted_types`. `try_all`: every engine is tried, also where one that is known to be faster agrees.
    """

    runner: Annotated[
        bool, means("allow a process of its own to serve what does not convert (XGBoost's JSON, skops)")
    ] = False
    trusted_types: Annotated[
        list[str],
        means('types that a skops file may hold beside those skops trusts: `["sklearn.tree._tree.Tree"]`'),
    ] = msgspec.field(default_factory=list)
    try_all: Annotated[
        bool, means("try, time and report every engine, also those after one that agrees and is known to be faster")
    ] = False


class BacktestSection(Config, frozen=True, kw_only=True):
    """`[backtest]`: the last days, kept from the candidate, on which it meets the champion; with `share`, that share
    of the rows instead, the last ones, whenever they were."""

    days: Annotated[PositiveInt, means("the last days, kept from the candidate, on which it meets the champion")] = 14
    share: Annotated[
        Half | None,
        means(
            "instead of days: the share of the rows that is kept, the last ones, whenever they were (compared in 20 "
            "stretches)",
        ),
    ] = None
    min_days: Annotated[PositiveInt, means("the fewest days (or stretches) that neither has seen")] = 7
    alpha: Annotated[Share, means("how often an equal candidate may pass by chance")] = 0.05


class GatesSection(Config, frozen=True, kw_only=True):
    """`[gates]`: the limits that a candidate must keep; and whether it must be better than a linear model."""

    max_calibration_gap: Annotated[Positive, means("how far the mean answer may be from the rate observed")] = 0.1
    slices: Annotated[list[str], means("request fields whose groups are compared one by one")] = msgspec.field(
        default_factory=list
    )
    slice_min_rows: Annotated[PositiveInt, means("the fewest rows of a group worth comparing")] = 300
    max_slice_loss: Annotated[Positive, means("how much the log loss of a group may rise")] = 0.03
    must_beat_baseline: Annotated[bool, means("refuse what is no better, beyond chance, than a linear model")] = False


class RolloutSection(Config, frozen=True, kw_only=True):
    """`[rollout]`: the way from candidate to champion."""

    strategy: Annotated[
        Literal["canary", "blue_green"],
        means(
            'the way from shadow to champion: `"canary"` answers a share of the keys first, `"blue_green"` all at '
            "once; the version before is kept ready either way"
        ),
    ] = "canary"
    shadow_days: Annotated[PositiveInt, means("how long the candidate is scored and answers nobody")] = 2
    canary_days: Annotated[PositiveInt, means("how long it answers a share of the keys")] = 3
    canary_share: Annotated[Share, means("the share of the keys it answers")] = 0.1
    max_loss: Annotated[Positive, means("how much worse its log loss may be before it is taken back")] = 0.02


class TriggersSection(Config, frozen=True, kw_only=True):
    """`[triggers]`: what starts a retraining, and how often `mlops up` looks."""

    every_days: Annotated[PositiveInt, means("retrain when the last training is that many days ago")] = 28
    cooldown_days: Annotated[PositiveInt, means("leave at least so many days between trainings")] = 14
    window_days: Annotated[PositiveInt, means("the days over which calibration is watched")] = 7
    max_calibration_gap: Annotated[
        Positive, means("retrain when the rate observed and the mean answer lie further apart")
    ] = 0.1
    tick_every: Annotated[str, means('how often `mlops up` turns the loop: `"30s"`, `"5m"`, `"1h"`')] = "1m"


class ServingSection(Config, frozen=True, kw_only=True):
    """`[serving]`: where the server listens, and when an answer counts as written down.

    `durability`: "async" hands the record to the operating system before the answer (survives a killed process);
    "fsync" waits until it is on the disk (survives a power cut). `online_store`: where servers keep the facts that
    views look up: "memory" (each its own), or a Redis that they share, as "redis://127.0.0.1:6379/0".
    """

    host: Annotated[str, means("the address on which the server listens")] = "127.0.0.1"
    port: Annotated[int, means("the port on which it listens", ge=1, le=65535)] = 8321
    durability: Annotated[
        Literal["async", "fsync"],
        means(
            '`"fsync"`: an answer is on the disk before it is given; `"async"`: handed to the operating system, which '
            "survives a killed process but not a power cut",
        ),
    ] = "fsync"
    workers: Annotated[int, means("how many processes answer, behind one port", ge=1, le=64)] = 1
    predict_token: Annotated[
        bool | None,
        means(
            "whether a prediction needs a token (`mlops token create`); none: only where `host` lets other machines ask"
        ),
    ] = None
    max_rows: Annotated[PositiveInt, means("how many rows a request may bring at once")] = 10_000
    max_body_bytes: Annotated[PositiveInt, means("how large a request may be")] = 8 * 1024 * 1024
    max_connections: Annotated[
        PositiveInt, means("how many connections a worker keeps at once; idle ones make room for new ones")
    ] = 1000
    request_seconds: Annotated[
        Positive, means("how long a client may take to send a request, or to take in a part of its answer")
    ] = 30.0
    tls_certificate: Annotated[
        str,
        means("the PEM file with the server's certificate, and those that lead to one that clients know; none: HTTP"),
    ] = ""
    tls_key: Annotated[str, means("the PEM file with the certificate's private key")] = ""
    online_store: Annotated[
        str,
        means(
            "where the facts that views look up are kept: each server's memory, or a Redis that servers share "
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
    model: ModelSection = ModelSection()
    backtest: BacktestSection = BacktestSection()
    gates: GatesSection = GatesSection()
    rollout: RolloutSection = RolloutSection()
    triggers: TriggersSection = TriggersSection()
    serving: ServingSection = ServingSection()
