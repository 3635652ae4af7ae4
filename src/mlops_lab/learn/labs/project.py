"""The shop's project with a live version, with which most labs begin."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.learn.labs.orders import Order, write_orders
from mlops_lab.learn.labs.work import run_mlops

_TEMPLATE = Path(__file__).parent / "shop"


def make_shop(
    root: Path, past: Iterable[Order], *, edits: Mapping[str, str] | None = None, data: str = "data/orders.csv"
) -> None:
    """Write the project: its settings (with some lines replaced), its pipeline, and its orders of the past."""
    root.mkdir(parents=True)
    text = (_TEMPLATE / "mlops.toml").read_text(encoding="utf-8")
    for before, after in (edits or {}).items():
        assert before in text, before
        text = text.replace(before, after)
    (root / "mlops.toml").write_text(text, encoding="utf-8")
    shutil.copy(_TEMPLATE / "pipeline.py.txt", root / "pipeline.py")
    (root / ".gitignore").write_text(".mlops/\n__pycache__/\n", encoding="utf-8")
    write_orders(root / data, past)


def train(root: Path) -> None:
    """Train a version, which passes its gates."""
    must_run("run", folder=root)


def must_run(*words: object, folder: Path) -> str:
    """What a command prints while a lab is made; EnvironmentFault where it fails, as with data that chance made odd."""
    done = run_mlops(*words, folder=folder)
    if done.returncode:
        what = f"`mlops {words[0]}` failed while the lab was made: {done.stderr.strip()}"
        raise EnvironmentFault(what, code="lab_not_made", hint="make it with other data: another --seed")
    return done.stdout


_SIMPLER = {
    'numbers = ["items", "weight_kg", "price", "express", "hour", "weekday"]': 'numbers = ["items", "price"]',
    'categories = ["city", "carrier"]': 'categories = ["city"]',
}


def make_simpler(root: Path) -> str:
    """Let the pipeline look at less, which makes its model worse; what it was before."""
    path = root / "pipeline.py"
    before = text = path.read_text(encoding="utf-8")
    for line, simpler in _SIMPLER.items():
        text = text.replace(line, simpler)
    path.write_text(text, encoding="utf-8")
    return before
