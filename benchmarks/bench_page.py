"""What the page costs: the time and size of each view, and how much slower the server answers while a page is open.

    python benchmarks/bench_page.py [PREDICTIONS | --project FOLDER] [--rounds N]

The project has so many predictions (10 million; written in the product's own schema) and a server that answers. The
page is in a process of its own, with one browser's worth of questions: its stream of events, and *Now* every few
seconds. Loads with and without it alternate. Exits with 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.request import urlopen

import msgspec
import polars as pl

from bench_growth import MLOPS, make_project, start_server
from report import write_report
from serving.load import Setting, send_load
from serving.process import ServerProcess, free_port

LARGEST_MS = 300.0
LARGEST_KIB = 300.0
LEAST_SHARE = 0.97
"""Of the requests a second without a page, with one."""
ASK_SECONDS = 5.0
"""How often the open page asks for its view again: far more often than one in a browser does where nothing happens."""
RUNS = 7
PATIENCE_SECONDS = 120.0


class Timed(NamedTuple):
    """The median time of a view, and its size."""

    ms: float
    kib: float


def get(port: int, path: str) -> tuple[float, bytes]:
    """The milliseconds until a view was there, and the view."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    began = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    took_ms = 1000 * (time.perf_counter() - began)
    connection.close()
    if response.status != 200:
        raise SystemExit(f"error: {path} answers {response.status}")
    return took_ms, body


def time_views(port: int, name: str) -> dict[str, Timed]:
    """Each view in turn, several times; after a first round, as the page has it once it has started."""
    from mlops_lab.web.views.catalog import VIEWS

    rounds = [{view: get(port, f"/{name}/{view}") for view in VIEWS} for _ in range(RUNS + 1)][1:]
    return {
        view: Timed(median(one[view][0] for one in rounds), max(len(one[view][1]) for one in rounds) / 1024)
        for view in VIEWS
    }


def write_requests(project: Path, folder: Path) -> Path:
    """Bodies of requests, one a line: those that were answered last."""
    from mlops_lab.clock import now
    from mlops_lab.project import load_project
    from mlops_lab.tables.declared import PREDICTIONS
    from mlops_lab.tables.fields import request_fields
    from mlops_lab.tables.open_lake import open_lake

    opened = load_project(project)
    time_field = opened.settings.source.time
    names = [field.name for field in request_fields(opened) if field.name != time_field]
    rows = PREDICTIONS.read(open_lake(opened), columns=[*names, "at"]).sort("at").tail(1000)
    is_past = opened.settings.project.clock == "data"  # else requests are of now
    rows = rows.rename({"at": time_field}).with_columns(
        pl.col(time_field) if is_past else pl.lit(now()).alias(time_field)
    )
    path = folder / "bodies"
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows.to_dicts()))
    return path


@contextmanager
def browser(port: int, name: str) -> Iterator[None]:
    """An open page: it follows the project, and asks for *Now* again and again."""
    over = threading.Event()

    def follow() -> None:
        with urlopen(f"http://127.0.0.1:{port}/{name}/live") as events:
            for _ in events:  # one a second at least
                if over.is_set():
                    return

    def ask() -> None:
        while not over.wait(ASK_SECONDS):
            get(port, f"/{name}/now")

    threads = [threading.Thread(target=follow), threading.Thread(target=ask)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def compare_loads(server_port: int, page_port: int, name: str, bodies: Path, *, rounds: int) -> float:
    """Requests a second with an open page, relative to those without: the median of pairs that alternate."""
    url, setting = f"http://127.0.0.1:{server_port}/v1/predict", Setting("16", 16)
    send_load(url, bodies, setting, seconds=2)
    shares = []
    for number in range(rounds):
        found = {}
        for has_page in (True, False) if number % 2 else (False, True):
            if has_page:
                with browser(page_port, name):
                    found[has_page] = send_load(url, bodies, setting, seconds=10).per_second
            else:
                found[has_page] = send_load(url, bodies, setting, seconds=10).per_second
        shares.append(found[True] / found[False])
    return median(shares)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--project", type=Path, help="a project to measure instead, whose server must not run")
    parser.add_argument("--rounds", type=int, default=6, help="of loads with and without a page")
    options = parser.parse_args()
    end = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        project = options.project
        if project is None:
            project = folder / "growth"
            make_project(project, options.predictions, end=end)
            start_server(project)  # the first start reads all that was ever logged
        bodies = write_requests(project, folder)
        server_port, page_port = free_port(), free_port()
        server, page = ([*MLOPS, word, "--project", str(project.resolve())] for word in ("serve", "page"))
        with (
            ServerProcess(
                [*server, "--port", str(server_port)], port=server_port, log=folder / "server.log"
            ) as serving,
            ServerProcess([*page, "--port", str(page_port)], port=page_port, log=folder / "page.log"),
        ):
            serving.wait_for_answer("/v1/predict", bodies.read_bytes().splitlines()[0])
            views = time_views(page_port, project.resolve().name)
            share = compare_loads(server_port, page_port, project.resolve().name, bodies, rounds=options.rounds)
    is_met = share >= LEAST_SHARE and all(each.ms <= LARGEST_MS and each.kib <= LARGEST_KIB for each in views.values())
    print(f"{'view':<14}{'ms':>8}{'KiB':>8}    limits {LARGEST_MS:.0f} ms, {LARGEST_KIB:.0f} KiB")
    for name, each in views.items():
        print(f"{name:<14}{each.ms:>8.0f}{each.kib:>8.0f}")
    print(f"requests a second with an open page: {share:.3f} of those without (at least {LEAST_SHARE})")
    rows = {name: each._asdict() for name, each in views.items()}
    write_report("page", {"predictions": options.predictions, "views": rows, "share": share})
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
