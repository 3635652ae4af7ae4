"""How far one machine goes: a model of the system, its constants measured here, checked against what was measured and
against a simulation.

    python benchmarks/bench_capacity.py [--kept] [--page FILE]
    python benchmarks/bench_capacity.py --rate 2000 [--delay HOURS] [--entities NUMBER] [--days DAYS] [--cores CORES] …

Without a rate: measures (some minutes; `--kept`: takes the last measurement), checks, and prints docs/scale.md. With
one: what that load needs, what breaks first, and what it costs. Exits with 1 where the model is too far off.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from capacity.constants import PATH, as_dict, read_constants
from capacity.measure import measure_all
from capacity.model import Host, Load
from capacity.page import compare_loads, compare_plays, describe_load, render_page
from capacity.server_runs import Loaded
from promises import Promises
from report import write_report

MOST_CPU_OFF, MOST_BUSY_OFF, MOST_MEAN_OFF = 0.3, 0.05, 0.2


def main() -> int:
    options = parse_options()
    if options.rate is not None:
        load = Load(
            rate=options.rate,
            peak_factor=options.peak_factor,
            label_delay_hours=options.delay,
            entities=options.entities,
            kept_days=options.days,
            trained_days=options.trained_days,
        )
        print(describe_load(read_constants(), load, Host(cores=options.cores, memory_gib=options.memory)))
        return 0
    if not options.kept:
        constants, loads = measure_all()
        write_report("capacity", {"constants": as_dict(constants), "loads": [asdict(load) for load in loads]})
    constants = read_constants()
    measured = json.loads(PATH.read_text())
    compared = compare_loads(constants, [Loaded(**load) for load in measured["loads"]])
    played = compare_plays(constants)
    page = render_page(constants, compared, played, machine=measured["machine"])
    print(page)
    if options.page:
        options.page.write_text(page)
    promises = Promises()
    for row in compared:
        allowed = max(MOST_CPU_OFF, row.spread)  # nearer than the same load a minute later it cannot be
        promises.expect(abs(row.cpu_off) <= allowed, f"{row.name}: CPU a request is off by {row.cpu_off:+.0%}")
    for play in played:
        promises.expect(abs(play.busy_off) <= MOST_BUSY_OFF, f"{play.name}: busy is off by {play.busy_off:+.1%}")
        promises.expect(abs(play.mean_off) <= MOST_MEAN_OFF, f"{play.name}: the mean is off by {play.mean_off:+.0%}")
    for broken in promises.broken:
        print(f"error: {broken}", file=sys.stderr)
    return 1 if promises.broken else 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How far one machine goes.")
    parser.add_argument("--kept", action="store_true", help="take the constants of the last measurement")
    parser.add_argument("--page", type=Path, help="write the page there")
    parser.add_argument("--rate", type=float, help="requests a second at the peak")
    parser.add_argument("--peak-factor", type=float, default=2.0, help="the peak as a multiple of the mean")
    parser.add_argument("--delay", type=float, default=3.0, help="hours until an outcome is known")
    parser.add_argument("--entities", type=float, default=1e6, help="of all views together")
    parser.add_argument("--days", type=float, default=30.0, help="days that answers are kept")
    parser.add_argument("--trained-days", type=float, default=30.0, help="days that a training learns from")
    parser.add_argument("--cores", type=int, default=16, help="of the machine")
    parser.add_argument("--memory", type=float, default=64.0, help="GiB of the machine")
    options = parser.parse_args()
    given = {
        name: getattr(options, name) for name in ("rate", "peak_factor", "days", "trained_days", "cores", "memory")
    }
    for name, value in given.items():
        if value is not None and not 0 < value < float("inf"):
            parser.error(f"--{name.replace('_', '-')} must be above 0")
    if min(options.delay, options.entities) < 0 or options.cores < 2 or options.peak_factor < 1:
        parser.error("--delay and --entities must not be below 0, --cores not below 2, --peak-factor not below 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
