"""The tables that the benchmark prints: ratios first, then figures; starts and memory; limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.table import Table

from serving.figures import SETTINGS, Figures, best_peer
from serving.limits import Check
from serving.servers import LIMIT


def draw_loads(measured: Sequence[Figures]) -> Table:
    """For each load and server: requests a second as a ratio to the best peer, CPU a request, and the figures."""
    table = Table(title="Requests of one model, answered by one worker each")
    for heading in (
        "",
        "× best\npeer",
        "CPU µs a\nrequest",
        "× constant\nJSON",
        "requests\na second",
        "p50 ms",
        "p99 ms",
    ):
        table.add_column(heading, justify="right" if heading else "left")
    constant = next((one for one in measured if one.name == LIMIT.name), None)
    for setting in SETTINGS:
        name, best = setting.name, best_peer(measured, setting.name)
        several = "s" if setting.connections > 1 else ""
        rows = f", {setting.rows} rows a request" if setting.rows > 1 else ""
        table.add_row(f"[bold]{setting.connections} connection{several}{rows}[/bold]")
        for one in measured:
            table.add_row(
                f"  {one.name}",
                f"{shorten(one.rate(name) / best.rate(name))}×" if best else "–",
                shorten(one.cpu_us(name)),
                f"{shorten(one.cpu_us(name) / constant.cpu_us(name))}×" if constant else "–",
                f"{one.rate(name):,.0f}",
                shorten(one.p50_ms(name)),
                shorten(one.p99_ms(name)),
            )
        table.add_section()
    return table


def draw_starts(measured: Sequence[Figures]) -> Table:
    """Seconds to the first answer, and memory."""
    table = Table(title="Start and memory (all processes of a server together)")
    for heading in ("", "first answer\nafter s", "resident MiB\nthen", "resident MiB\nafter the loads"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in measured:
        ready = one.median_of(lambda run: run.ready_seconds)
        start, after = one.median_of(lambda run: run.resident_mib), one.median_of(lambda run: run.loaded_mib)
        table.add_row(one.name, f"{ready:.2f}", f"{start:.0f}", f"{after:.0f}")
    return table


def draw_stages(stages: Mapping[str, Mapping[str, Mapping[str, float]]], measured: Sequence[Figures]) -> Table:
    """Microseconds of a request by stage, for one request at a time and for several at once; below, what is measured
    from outside: constant JSON for HTTP, and the whole."""
    table = Table(title="Where the time goes: µs a request, so many requests at once")
    table.add_column("")
    found = {one.name: one for one in measured}
    columns = [(server, at_once) for server, times in stages.items() for at_once in times]
    for server, at_once in columns:
        table.add_column(f"{server}\n{at_once} at once", justify="right")
    for stage in next((times[at_once] for times in stages.values() for at_once in times), {}):
        table.add_row(stage, *(f"{stages[server][at_once][stage]:.1f}" for server, at_once in columns))
    table.add_section()
    sums = [sum(stages[server][at_once].values()) for server, at_once in columns]
    table.add_row("sum", *(f"{total:.1f}" for total in sums))
    if LIMIT.name in found:
        table.add_row(
            "HTTP: CPU of constant JSON", *(f"{found[LIMIT.name].cpu_us(at_once):.1f}" for _, at_once in columns)
        )
    table.add_row(
        "CPU of the server", *(f"{found[name].cpu_us(at_once):.1f}" for name, at_once in columns if name in found)
    )
    return table


def draw_limits(checks: Sequence[Check]) -> Table:
    """Which limits hold."""
    table = Table(title="Limits")
    for heading in ("", "limit", "measured", "holds"):
        table.add_column(heading, justify="right" if heading in ("limit", "measured") else "left")
    for check in checks:
        limit = f"{'≥' if check.at_least else '≤'} {check.limit:g} {check.unit}"
        if check.measured is None:
            table.add_row(check.what, limit, "–", "not measured")
        else:
            holds = "yes" if check.holds else "[red]no[/red]"
            table.add_row(check.what, limit, f"{shorten(check.measured)} {check.unit}", holds)
    return table


def shorten(number: float) -> str:
    """A figure to three digits or so."""
    digits = max(0, 2 - math.floor(math.log10(number))) if 0 < number < 100 else 0
    return f"{number:,.{min(digits, 3)}f}"
