"""What an installation costs in a fresh environment: packages, megabytes, seconds; and its largest packages.

With several things to install, they are compared in the order given: two folders of the code, or one with extras.

    python benchmarks/bench_install.py [WHAT ...]        WHAT: a folder, a wheel, "FOLDER[mlflow,s3]"; else this one
"""

import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import Distribution, distributions
from pathlib import Path
from time import perf_counter
from typing import Any

from report import write_report

ROOT = Path(__file__).parents[1]
SHOWN = 15


def measure(what: str) -> dict[str, Any]:
    """Install it; the figures, without those of the empty environment."""
    with tempfile.TemporaryDirectory(prefix="mlops-install-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        before = size_of(Path(folder))
        start = perf_counter()
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", what]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        seconds = perf_counter() - start
        (library,) = Path(folder).glob("lib/python*/site-packages")
        installed = [one for one in distributions(path=[str(library)]) if one.name not in {"pip", "setuptools"}]
        sizes = Counter({one.name: sum(map(size_of, files_of(one))) for one in installed})
        return {
            "packages": len(installed),
            "megabytes": round((size_of(Path(folder)) - before) / 1e6),
            "seconds": round(seconds, 1),
            "largest": {name: round(size / 1e6, 1) for name, size in sizes.most_common(SHOWN)},
        }


def files_of(distribution: Distribution) -> list[Path]:
    return [Path(str(file.locate())) for file in distribution.files or []]


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def main() -> None:
    figures = {}
    for what in sys.argv[1:] or [str(ROOT)]:
        figures[what] = result = measure(what)
        print(f"{what}: {result['packages']} packages, {result['megabytes']:,} MB, {result['seconds']:.0f} s")
        for name, size in result["largest"].items():
            print(f"  {size:7.1f} MB  {name}")
    first, *others = figures.values()
    for other in others:
        ratios = ", ".join(
            f"{other[key] / first[key]:.2f} of the {key}" for key in ("packages", "megabytes", "seconds")
        )
        print(f"against the first: {ratios}")
    write_report("install", {"installations": figures})


if __name__ == "__main__":
    main()
