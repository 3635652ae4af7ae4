"""docs/scale.md: the constants, how well the model agrees with what is measured and played, and worked examples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from capacity import texts
from capacity.constants import MEANINGS, Constants, as_dict
from capacity.model import (
    MOST_BUSY,
    Host,
    Load,
    batches_a_second,
    busy,
    closed_rate,
    cpu_us,
    limits_of,
    loop_us,
    mean_ms,
    money_a_month,
    most_trained_days,
    needs_of,
)
from capacity.server_runs import FITTED, ROUNDS, Loaded
from capacity.simulation import SECONDS, WARM_SECONDS, World

PLAYED = ((1, 0.2), (1, 0.5), (1, 0.8), (2, 0.5), (4, 0.5))
DELAY_SECONDS = 5.0
EXAMPLES = (1e3, 1e5, 1e6)
MOVED_BY_SETTINGS = {"one worker", "a training in memory", "the disk"}
"""Limits that a setting or a purchase moves; the others need another part of the keys on another machine."""


@dataclass(frozen=True)
class Compared:
    """A load as the model has it, and as it was measured."""

    name: str
    is_fitted: bool
    model_cpu_us: float
    cpu_us: float
    spread: float
    model_rate: float
    rate: float

    @property
    def cpu_off(self) -> float:
        return self.model_cpu_us / self.cpu_us - 1


@dataclass(frozen=True)
class PlayedLoad:
    """A load as the model has it, and as the simulation played it."""

    name: str
    model_busy: float
    busy: float
    model_mean_ms: float
    mean_ms: float
    p99_ms: float
    model_loop: float
    loop: float
    model_waiting: float
    waiting: float

    @property
    def busy_off(self) -> float:
        """The difference of how busy a worker is, as a part of its time."""
        return self.model_busy - self.busy

    @property
    def mean_off(self) -> float:
        return self.model_mean_ms / self.mean_ms - 1


def compare_loads(constants: Constants, loads: Iterable[Loaded]) -> list[Compared]:
    """The rate of the model is that on the cores that the server really had: others use the machine, too."""
    found = []
    for load in loads:
        model_cpu = cpu_us(constants, load.workers, load.connections)
        alone = closed_rate(constants, load.connections) if load.workers == 1 else math.inf
        found.append(
            Compared(
                name=f"{load.workers} workers, {load.connections} connections".replace("1 workers", "1 worker"),
                is_fitted=(load.workers, load.connections) in FITTED,
                model_cpu_us=model_cpu,
                cpu_us=load.cpu_us,
                spread=load.spread,
                model_rate=min(alone, load.cores * 1e6 / model_cpu),
                rate=load.per_second,
            )
        )
    return found


def compare_plays(constants: Constants) -> list[PlayedLoad]:
    """Some rates, by how busy they keep so many workers."""
    found = []
    for workers, share in PLAYED:
        rate = share / busy(constants, workers, 1.0)
        seen = World(constants, workers=workers, rate=rate, delay_seconds=DELAY_SECONDS).play()
        seconds = SECONDS - WARM_SECONDS
        batches = batches_a_second(constants, workers, rate)
        found.append(
            PlayedLoad(
                name=f"{workers} workers, {rate:,.0f} requests/s".replace("1 workers", "1 worker"),
                model_busy=share + batches * constants.batch_us / 1e6,
                busy=seen.server_seconds / seconds / workers,
                model_mean_ms=mean_ms(constants, workers, rate),
                mean_ms=seen.mean_ms,
                p99_ms=seen.p99_ms,
                model_loop=rate * loop_us(constants) / 1e6,
                loop=seen.loop_seconds / seconds,
                model_waiting=rate * DELAY_SECONDS,
                waiting=seen.end_waiting,
            )
        )
    return found


# ---- in words -----------------------------------------------------------------------------------------------------


def describe_load(constants: Constants, load: Load, host: Host) -> str:
    """What a load needs, what breaks first, and what it costs: Markdown."""
    return "\n".join([*describe_limits(constants, load, host), *describe_needs(constants, [load], host)])


def describe_limits(constants: Constants, load: Load, host: Host) -> list[str]:
    """What breaks on one machine, the first of all first."""
    limits = limits_of(constants, load, host)
    return [
        f"A machine of {host.cores} cores, {host.memory_gib:g} GiB of memory and {host.disk_gib:g} GiB of disk; "
        f"outcomes after {load.label_delay_hours:g} h, {load.entities:,.0f} entities, {load.inputs} inputs, "
        f"{load.kept_days:g} days kept, {load.trained_days:g} days trained on.",
        "",
        "| what breaks | at, requests/s | then |",
        "| --- | ---: | --- |",
        *(f"| {limit.name} | {_round(limit.rate)} | {limit.then} |" for limit in limits),
        "",
    ]


def describe_needs(constants: Constants, loads: Sequence[Load], host: Host) -> list[str]:
    """What each load needs, in a column of its own."""
    columns = [_needs(constants, load, host) for load in loads]
    return [
        f"| at the peak, requests/s | {' | '.join(f'{load.rate:,.0f}' for load in loads)} |",
        f"| --- |{' ---: |' * len(loads)}",
        *(f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0]),
        "",
    ]


def _needs(constants: Constants, load: Load, host: Host) -> dict[str, str]:
    limits = limits_of(constants, load, host)
    most = min(limit.rate for limit in limits if limit.name not in MOVED_BY_SETTINGS)
    parts = max(1, math.ceil(load.rate / most))
    part = replace(load, rate=load.rate / parts, entities=load.entities / parts)
    part = replace(part, trained_days=min(load.trained_days, most_trained_days(constants, part, host)))
    needs = needs_of(constants, part)
    money = money_a_month(needs, host)
    return {
        "machines, each for a part of the keys": f"{parts:,}",
        "of each: workers": "no number is enough" if needs.workers is None else f"{needs.workers}",
        "of each: cores of the server, on average": f"{needs.server_cores:.2f}",
        "of each: cores of the loop, on average": f"{needs.loop_cores:.2f}",
        "of each: memory of the server": f"{needs.server_gib:.1f} GiB",
        "of each: memory of the loop, for the day that it measures": f"{needs.loop_gib:.1f} GiB",
        "of each: days that a training can learn from": f"{part.trained_days:.1f}",
        "of each: memory of that training": f"{needs.training_gib:,.1f} GiB",
        "of each: CPU of that training": f"{needs.training_hours:.1f} h",
        "of each: journal": f"{needs.journal_mib_a_second:.1f} MiB/s",
        "of each: tables": f"{needs.disk_gib:,.0f} GiB",
        "money a month, of all": f"{parts * sum(money.values()):,.0f}",
        "of it cores, memory, disk": ", ".join(f"{parts * value:,.0f}" for value in money.values()),
    }


def _round(rate: float) -> str:
    """Two digits: it is no more exact than that."""
    if rate >= 1e9 / 2:
        return "never"
    digits = 1 - math.floor(math.log10(max(rate, 1.0)))
    return f"{round(rate, digits):,.0f}"


def render_page(
    constants: Constants, compared: Sequence[Compared], played: Sequence[PlayedLoad], *, machine: dict[str, object]
) -> str:
    """The whole page."""
    host = Host()
    values = as_dict(constants)
    lines = [
        texts.INTRODUCTION,
        *(f"| {MEANINGS[name]} | {value:,.{1 if value < 100 else 0}f} |" for name, value in values.items()),
        texts.MEASURED.format(**machine, fitted=len(FITTED), rounds=ROUNDS),
        *(
            f"| {row.name}{' (fitted)' if row.is_fitted else ''} | {row.model_cpu_us:.0f} | {row.cpu_us:.0f} |"
            f" {row.cpu_off:+.0%} | {row.spread:.0%} | {row.model_rate:,.0f} | {row.rate:,.0f} |"
            for row in compared
        ),
        texts.PLAYED.format(seconds=f"{SECONDS - WARM_SECONDS:g}", delay=f"{DELAY_SECONDS:g}"),
        *(
            f"| {row.name} | {row.model_busy:.2f} | {row.busy:.2f} | {row.model_mean_ms:.2f} | {row.mean_ms:.2f} |"
            f" {row.p99_ms:.2f} | {row.model_loop:.2f} | {row.loop:.2f} | {row.model_waiting:,.0f} |"
            f" {row.waiting:,.0f} |"
            for row in played
        ),
        texts.EXAMPLES.format(
            core=host.core_hour, memory=host.memory_gib_hour, disk=host.disk_gib_month, busy=f"{MOST_BUSY:.0%}"
        ),
        *describe_limits(constants, Load(rate=EXAMPLES[0]), host),
        *describe_needs(constants, [Load(rate=rate) for rate in EXAMPLES], host),
        texts.LIMITS,
    ]
    return "\n".join(lines)
