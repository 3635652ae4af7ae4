"""Our server against six others on the same model, and against constant JSON: requests a second, CPU, seconds, memory.

Usage: make bench-serving ARGS="[--quick] [--only NAME …] [--work FOLDER]"      (needs wrk)

The servers alternate: in every round each is started, checked, warmed up, measured and stopped; medians are reported.
The work is in serving/work.py, the servers in serving/servers.py and serving/peers.py, the limits in serving/limits.py.
Exits with 1 if an answer was wrong or missing, or a limit does not hold.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from report import write_report
from serving.figures import SETTINGS, Figures, Round
from serving.limits import check_limits
from serving.load import Setting, find_wrk, send_load
from serving.peers import PEERS, is_installed
from serving.process import ServerProcess, free_port
from serving.servers import HERE, LIMIT, OUR_PYTHON, OURS, STAGED, Server, copy_project
from serving.tables import draw_limits, draw_loads, draw_stages, draw_starts
from serving.work import Work, prepare_work

BODIES = {1: 1000, 100: 64}  # number of different bodies, by the rows in each
TOLERANCE = 1e-5  # for a peer; ours must answer exactly like the model
WARM_UP = Setting("warm-up", 16)
SINGLE_ROWS, BATCH_ROWS = 20, 100  # rows whose answers are compared with the model before the load
console_stderr = Console(stderr=True)


def main() -> int:
    options = parse_options()
    if not options.only and not any(map(is_installed, PEERS)):
        print("no peer is installed: `make bench-serving` installs them")
        return 0
    find_wrk()
    servers = choose(options.only)
    seconds, rounds = (2, 1) if options.quick else (options.seconds, options.rounds)
    measured = [Figures(server.name, server.is_peer) for server in servers]
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        console_stderr.print("preparing: two versions, one pipeline, the requests")
        work = prepare_work(options.work or Path(temporary) / "work")
        for number in range(rounds):
            for server, figures in zip(servers, measured, strict=True):
                console_stderr.print(f"round {number + 1} of {rounds}: {server.name}")
                try:
                    figures.rounds.append(measure(server, work, seconds=seconds, faults=faults))
                except RuntimeError as error:
                    faults.append(f"{server.name} {error}")
        stages = {server.name: time_stages(server, work) for server in servers if server in STAGED}
    measured = [figures for figures in measured if figures.rounds]
    checks = check_limits(measured)
    console = Console()
    tables = [draw_loads(measured), draw_starts(measured), draw_stages(stages, measured), draw_limits(checks)]
    console.print(*tables, sep="\n")
    for fault in faults:
        console_stderr.print(f"error: {fault}", style="red", markup=False)
    limits = [{"what": check.what, "limit": check.limit, "measured": check.measured} for check in checks]
    figures_by_name = {figures.name: figures.as_dict() for figures in measured}
    write_report("serving", {"servers": figures_by_name, "stages_us": stages, "limits": limits, "faults": faults})
    return 1 if faults or not all(check.holds for check in checks) else 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our server against six others on the same model.")
    parser.add_argument("--quick", action="store_true", help="one round of 2 s a load: a first look")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="measure this one, and the limit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="how long each load lasts")
    parser.add_argument("--work", type=Path, help="a folder in which the trained models are kept for the next run")
    return parser.parse_args()


def choose(names: list[str]) -> list[Server]:
    """The servers to measure: the named ones and the limit, else all that are installed."""
    servers = [LIMIT, *OURS, *PEERS]
    if unknown := set(names) - {server.name for server in servers}:
        raise SystemExit(f"error: there is no server named {', '.join(sorted(unknown))}\n"
                         f"hint: there are {', '.join(server.name for server in servers)}")  # fmt: skip
    chosen = [server for server in servers if not names or server.name in names or server is LIMIT]
    for missing in [server for server in chosen if server.is_peer and not is_installed(server)]:
        console_stderr.print(f"{missing.name} is not installed: `make peers` installs it")
        chosen.remove(missing)
    return chosen


def measure(server: Server, work: Work, *, seconds: int, faults: list[str]) -> Round:
    """One server from its start to its end."""
    rows = getattr(work, server.sent)
    with tempfile.TemporaryDirectory() as temporary:
        folder, port = Path(temporary), free_port()
        bodies = write_bodies(server, rows, folder)
        command = server.command(work, folder, port)
        with ServerProcess(command, port=port, log=folder / "log") as process:
            ready, _ = process.wait_for_answer(server.path, encode(server, rows[:1]))
            found = Round(ready, resident_mib=process.resident_mib())
            faults.extend(compare(server, work, process))
            url = f"http://127.0.0.1:{port}{server.path}"
            send_load(url, bodies[1], WARM_UP, seconds=1)
            for setting in SETTINGS:
                before = process.cpu_seconds()
                load = send_load(url, bodies[setting.rows], setting, seconds=seconds)
                spent = process.cpu_seconds() - before
                found.loads[setting.name] = load
                found.cpu_us[setting.name] = spent / load.answered * 1e6 if load.answered else math.inf
                if load.faults:
                    faults.append(f"{server.name} at {setting.name}: {load.explain()}")
            found.loaded_mib = process.resident_mib()
    return found


def time_stages(server: Server, work: Work) -> dict[str, dict[str, float]]:
    """Microseconds of a request by stage, as `serving/stages.py` measures them in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bodies = write_bodies(server, getattr(work, server.sent), folder)
        project = copy_project(STAGED[server], work, folder)
        command = [*OUR_PYTHON, str(HERE / "stages.py"), project, str(bodies[1])]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def compare(server: Server, work: Work, process: ServerProcess) -> list[str]:
    """What is wrong with the answers: they must be those of the model, one at a time and in a batch."""
    rows = getattr(work, server.sent)
    outputs: list[float | None] = []
    for batch in (*([row] for row in rows[:SINGLE_ROWS]), rows[:BATCH_ROWS]):
        status, answer = process.post(server.path, encode(server, batch))
        if status != 200:
            return [f"{server.name} answers {status} to {len(batch)} rows: {answer[:300]}"]
        outputs += server.answers(answer)
    if server is LIMIT:
        return []
    expected = [*work.expected[:SINGLE_ROWS], *work.expected[:BATCH_ROWS]]
    compared = [abs(mine - right) for mine, right in zip(outputs, expected, strict=True) if mine is not None]
    tolerance = TOLERANCE if server.is_peer else 0.0
    if len(compared) < len(expected) / 2 or max(compared) > tolerance:
        return [f"{server.name} differs by up to {max(compared, default=math.nan):g} from the model it serves"]
    if server.sent == "requests" and len(compared) == len(expected):
        return [f"{server.name} answers by one version only"]
    return []


def write_bodies(server: Server, rows: list[dict[str, object]], folder: Path) -> dict[int, Path]:
    """Files of bodies, one a line, by the number of rows in each."""
    paths = {}
    for size, number in BODIES.items():
        starts = [index * size % (len(rows) - size + 1) for index in range(number)]
        paths[size] = folder / f"bodies-{size}"
        paths[size].write_bytes(b"\n".join(encode(server, rows[start : start + size]) for start in starts) + b"\n")
    return paths


def encode(server: Server, rows: list[dict[str, object]]) -> bytes:
    return json.dumps(server.body(rows), separators=(",", ":")).encode()


if __name__ == "__main__":
    sys.exit(main())
