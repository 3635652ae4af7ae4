"""How long `mlops --help` takes beside a bare Typer program of one command.

Whole processes, wall time, alternated in one run so that both see the same machine. Also names the heavy
libraries that `mlops --help` imported: there must be none, and this exits with 1 if there is one.

    python benchmarks/bench_startup.py [PAIRS]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from report import write_report

DEFAULT_PAIRS = 21
ALLOWED_RATIO = 1.5
HEAVY = ("pandas", "polars", "sklearn", "mlflow")

BARE_MODULE = '''\
import typer

app = typer.Typer()


@app.command()
def hello(name: str = "world") -> None:
    """Say hello."""
    typer.echo(f"hello {name}")


def main() -> None:
    app()
'''

# What pip writes as the `mlops` script; the bare program is started through the same text.
SCRIPT = """\
import sys
from {module} import main
if __name__ == "__main__":
    sys.exit(main())
"""

LIST_IMPORTS = """\
import json, sys
from mlops_lab.cli import main
sys.argv = ["mlops", "--help"]
try:
    main()
except SystemExit as exit:
    assert not exit.code, exit.code
finally:
    with open({path!r}, "w") as file:
        json.dump(sorted({{name.partition(".")[0] for name in sys.modules}}), file)
"""


def run(command: list[str]) -> float:
    """Seconds from start to exit of a process that must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=environment)
    return perf_counter() - start


def list_heavy_imports(folder: Path) -> list[str]:
    """Which of HEAVY are imported once `mlops --help` has printed."""
    path = folder / "imports.json"
    run([sys.executable, "-c", LIST_IMPORTS.format(path=str(path))])
    imported = set(json.loads(path.read_text()))
    return [name for name in HEAVY if name in imported]


def measure(folder: Path, pairs: int) -> dict[str, list[float]]:
    """Seconds of each run, per program, the two taking turns at going first."""
    (folder / "bare_app.py").write_text(BARE_MODULE)
    commands: dict[str, list[str]] = {}
    for program, module in (("bare typer", "bare_app"), ("mlops", "mlops_lab.cli")):
        script = folder / f"run_{module.replace('.', '_')}.py"
        script.write_text(SCRIPT.format(module=module))
        commands[program] = [sys.executable, str(script), "--help"]

    for command in commands.values():  # warm: byte code written, files in the page cache
        run(command)
    seconds: dict[str, list[float]] = {program: [] for program in commands}
    for pair in range(pairs):
        order = list(commands) if pair % 2 == 0 else list(reversed(commands))
        for program in order:
            seconds[program].append(run(commands[program]))
    return seconds


def main() -> int:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PAIRS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = measure(folder, pairs)
        heavy = list_heavy_imports(folder)

    bare, mlops = seconds["bare typer"], seconds["mlops"]
    ratio = median(m / b for m, b in zip(mlops, bare, strict=True))
    print(f"{'--help':<12} {'median ms':>10} {'fastest ms':>11} {'ratio':>7}")
    print(f"{'bare typer':<12} {1000 * median(bare):>10.0f} {1000 * min(bare):>11.0f} {1:>7.2f}")
    print(f"{'mlops':<12} {1000 * median(mlops):>10.0f} {1000 * min(mlops):>11.0f} {ratio:>7.2f}")
    print(f"median ratio of {pairs} pairs, at most {ALLOWED_RATIO} wanted")
    print(f"heavy libraries imported by mlops --help: {', '.join(heavy) or 'none'}")

    write_report(
        "startup",
        {
            "pairs": pairs,
            "median_seconds": {"bare": median(bare), "mlops": median(mlops)},
            "fastest_seconds": {"bare": min(bare), "mlops": min(mlops)},
            "median_ratio": ratio,
            "allowed_ratio": ALLOWED_RATIO,
            "heavy_imports": heavy,
        },
    )
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
