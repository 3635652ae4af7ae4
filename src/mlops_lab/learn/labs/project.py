"""The project with a live version, with which most labs begin."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.learn.labs.data.cases import Case, write_cases
from mlops_lab.learn.labs.data.layout import TABLE, Layout
from mlops_lab.learn.labs.data.words import fill_words
from mlops_lab.learn.labs.scores import log_loss
from mlops_lab.learn.labs.work import ask, run_mlops, serving
from mlops_lab.project import load_project

_TEMPLATE = Path(__file__).parent / "template"
_ALLOWED = 0.35
"""How far from the loss of a good model to that of a constant answer an answer may be."""
_MAX_SHARE_OF_BASE = 0.95
BACKTEST = "[backtest]\ndays = 7\n"
"""A line of each project's settings, for labs in which somebody changed it."""


def make_project(
    root: Path, past: Iterable[Case], layout: Layout, *, edits: Mapping[str, str] | None = None, data: str | None = None
) -> None:
    """Write the project: its settings (with some lines replaced), its pipeline, and its rows of the past."""
    root.mkdir(parents=True)
    fields = "\n".join(
        f"{name if name.isascii() else json.dumps(name, ensure_ascii=False)} = {kind}"
        for name, kind in layout.fields.items()
    )
    text = fill_words((_TEMPLATE / "mlops.toml").read_text(encoding="utf-8"), layout, fields=fields)
    for before, after in (edits or {}).items():
        assert before in text, before
        text = text.replace(before, after)
    (root / "mlops.toml").write_text(text, encoding="utf-8")
    (root / "pipeline.py").write_text(_render_pipeline(layout), encoding="utf-8")
    (root / ".gitignore").write_text(".mlops/\n__pycache__/\n", encoding="utf-8")
    write_cases(root / (data or data_file(layout)), past, layout.columns)


def data_file(layout: Layout) -> str:
    """Where a project has its rows of the past."""
    return fill_words("data/{rows}.csv", layout)


def _render_pipeline(layout: Layout) -> str:
    derived = ", ".join(f'"{part}": pl.col("{layout.time}").dt.{part}()' for part in layout.parts)
    numbers, categories = _as_list([*layout.numbers, *layout.parts]), _as_list(layout.categories)
    text = (_TEMPLATE / "pipeline.py.txt").read_text(encoding="utf-8")
    return fill_words(text, layout, numbers=numbers, categories=categories, derived=f"{{{derived}}}")


def _as_list(names: Iterable[str]) -> str:
    return json.dumps([*names], ensure_ascii=False)


def make_simpler(root: Path) -> str:
    """Leave three trees to the model: it is worse than before, and better than a constant. What the pipeline was."""
    path = root / "pipeline.py"
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"n_estimators=\d+", "n_estimators=3", before), encoding="utf-8")
    return before


def train(root: Path, layout: Layout) -> None:
    """Train a version, which passes its gates; InvalidInput where the learner's own table does not allow it."""
    done = run_mlops("run", folder=root)
    if done.returncode == 1:
        said = (done.stdout + done.stderr).strip()[-600:]
        refuse_table(
            layout, f"a model of these rows does not pass the gates, and this lab begins with one that does: {said}"
        )
    if done.returncode:
        raise _not_made("run", done.stderr.strip())


def refuse_table(layout: Layout, what: str) -> NoReturn:
    """Say that no lab can be made of this data: InvalidInput for a learner's own table, EnvironmentFault for ours."""
    if layout.source != TABLE:
        raise _not_made("start", what)
    raise InvalidInput(what, code="unfit_table", where="--data", hint="bring another table, or take --data flights")


def must_run(*words: object, folder: Path) -> str:
    """What a command prints while a lab is made; EnvironmentFault where it fails, as with data that chance made odd."""
    done = run_mlops(*words, folder=folder)
    if done.returncode:
        raise _not_made(words[0], done.stderr.strip())
    return done.stdout


def _not_made(word: object, said: str) -> EnvironmentFault:
    what = f"`mlops {word}` failed while the lab was made: {said}"
    return EnvironmentFault(what, code="lab_not_made", hint="make it with other data: another --seed")


def measure_loss(root: Path, cases: list[Case]) -> tuple[float, float]:
    """The log loss of what a copy of the project answers, and that of a constant answer."""
    with tempfile.TemporaryDirectory(prefix="mlops-lab-") as scratch:
        copy = Path(shutil.copytree(root, Path(scratch, root.name), symlinks=True))
        with serving(load_project(copy)) as client:
            answers = [body["output"] for _, body in ask(client, (case.request for case in cases))]
    truth = [case.label for case in cases]
    return log_loss(answers, truth), log_loss([sum(truth) / len(truth)] * len(truth), truth)


def find_max_loss(root: Path, cases: list[Case]) -> float:
    """Up to which log loss answers to these hidden rows are as good as those of the live version; InvalidInput where
    it is hardly better than a constant."""
    layout = cases[0].layout
    loss, base = measure_loss(root, cases)
    if loss > _MAX_SHARE_OF_BASE * base:
        what = f"the inputs say too little: a model has a log loss of {loss:.3f}, a constant answer {base:.3f}"
        refuse_table(layout, what)
    return loss + _ALLOWED * (base - loss)
