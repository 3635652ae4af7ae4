"""Every benchmark writes its results to benchmarks/out/NAME.json."""

import json
import os
import platform
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out"


def write_report(name: str, figures: dict[str, Any]) -> Path:
    """The file written: `figures`, with the Python and the machine they were measured on."""
    machine = {
        "python": platform.python_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps({"benchmark": name, "machine": machine, **figures}, indent=2) + "\n")
    return path
