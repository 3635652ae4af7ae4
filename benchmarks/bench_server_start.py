"""How long a server takes from its start to its first answer, its memory, and which heavy libraries it imports.

Replays two days first to have a project to serve. Exits with 1 if a heavy library is in the server.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from report import write_report

RUNS = 7
HEAVY = ("pandas", "sklearn", "mlflow", "lightgbm", "deltalake")
MLOPS = [sys.executable, "-c", "from mlops_lab.cli import main; main()"]


def start_once(project: Path) -> tuple[float, float, int]:
    """(seconds of `mlops serve` until it answers, seconds of the server process alone, resident KiB)."""
    began = perf_counter()
    server = subprocess.Popen(
        [*MLOPS, "serve", "--port", "0", "--project", str(project)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline()
        whole = perf_counter() - began
        status = Path(f"/proc/{server.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    finally:
        server.terminate()
        server.wait()
    began = perf_counter()
    alone = subprocess.Popen(
        [sys.executable, "-m", "mlops_lab.serving", str(project), "--port", "0"], stdout=subprocess.PIPE
    )
    try:
        assert alone.stdout is not None
        assert alone.stdout.readline()
        return whole, perf_counter() - began, resident
    finally:
        alone.terminate()
        alone.wait()


def heavy_imports() -> list[str]:
    """The heavy libraries that importing the server brings in."""
    found_heavy = f"[name for name in {HEAVY!r} if name in sys.modules]"
    code = f"import json, sys, mlops_lab.serving.__main__; print(json.dumps({found_heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "demo"
        subprocess.run(
            [*MLOPS, "demo", "--to", "2013-03-02", "--dir", str(project), "--json"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        runs = [start_once(project) for _ in range(RUNS)]
    whole, alone, resident = (median(column) for column in zip(*runs, strict=True))
    heavy = heavy_imports()
    print(f"mlops serve until ready:     {whole:.2f} s (median of {RUNS})")
    print(f"server process until ready:  {alone:.2f} s")
    print(f"resident:                    {resident / 1024:.0f} MiB")
    print(f"heavy libraries imported:    {', '.join(heavy) or 'none'}")
    figures = {"serve_seconds": whole, "server_seconds": alone, "resident_mib": resident / 1024, "heavy": heavy}
    write_report("server_start", figures)
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
