"""The files of a new project. They are made to be read and edited; nothing in them is cleverer than it has to be."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.infer import write_key, write_toml
from mlops_lab.errors import InvalidInput
from mlops_lab.lake.sql import is_uri
from mlops_lab.project import CONFIG_NAME, PIPELINE_NAME, load_project
from mlops_lab.starter.columns import Column
from mlops_lab.starter.pipeline import write_pipeline
from mlops_lab.starter.roles import LEFT_OUT
from mlops_lab.starter.texts import GITIGNORE, README, TEST, WORKFLOW
from mlops_lab.starter.understand import Understanding
from mlops_lab.training.pipeline import load_pipeline

_NEVER_NEGATIVE = re.compile(
    r"(^|_)(age|amount|area|capacity|charges?|cost|count|distance|duration|fare|floors?|height|hours|income|items|"
    r"length|minutes|mileage|number|price|quantity|rate|revenue|rooms?|salary|seconds|size|speed|stars|tenure|total|"
    r"volume|weight|width|years)(_|$)",
    re.IGNORECASE,
)
_MAX_SET_ASIDE = 0.01
_LOOP_TABLES = {"predictions", "outcomes", "refusals", "decisions", "measurements", "quarantine", "alerts"}


def check_folder(folder: Path) -> str:
    """The name of the project that is to be made in `folder`; InvalidInput where it cannot be."""
    name, where = folder.absolute().name, str(folder)
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
        hint = "letters, digits, - and _, such as my-shop"
        raise InvalidInput(f'"{name}" cannot be a project\'s name', code="bad_name", where="NAME", hint=hint)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        hint = "name a folder that does not exist yet; nothing was changed"
        raise InvalidInput("is there already, and not empty", code="folder_exists", where=where, hint=hint)
    if not folder.absolute().parent.is_dir():
        hint = "make the folder above it first"
        raise InvalidInput("would lie in a folder that does not exist", code="no_folder", where=where, hint=hint)
    return name


def write_files(name: str, found: Understanding, *, data: str, query: str | None) -> dict[str, str]:
    """The text of every file of the project, by its path in the folder. `data` is seen from there."""
    config = _write_config(name, found, data=data, query=query)
    unclean = found.set_aside > 0
    contract = "" if unclean else "      - run: mlops contract check\n"
    outside = f"      # The data must be there too: mlops.toml names {data}\n" if not is_uri(data) else ""
    extra = "[postgres]" if data.startswith("postgres") else ""
    example = _in_quotes(_plain(found.example))
    outcome = _in_quotes({found.target.field: _plain_value(_any_truth(found))})
    words = {"binary": "yes or no", "multiclass": f"one of {len(found.classes)} classes", "regression": "a number"}
    return {
        CONFIG_NAME: config,
        PIPELINE_NAME: write_pipeline(found),
        "README.md": README.format(
            name=name, target=found.target.field, task=words[found.task], example=example, outcome=outcome[1:-1]
        ),
        ".gitignore": GITIGNORE,
        "tests/test_project.py": TEST,
        ".github/workflows/mlops.yml": WORKFLOW.format(contract=contract, outside=outside, extra=extra),
    }


def make_project(folder: Path, files: dict[str, str]) -> None:
    """Write the files into `folder`, all of them or none, and only if they are a project that can be loaded."""
    name = check_folder(folder)
    target = folder.absolute()
    spare = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        for path, text in files.items():
            (spare / path).parent.mkdir(parents=True, exist_ok=True)
            (spare / path).write_text(text, encoding="utf-8")
        load_pipeline(load_project(spare))
        shutil.rmtree(spare / "__pycache__", ignore_errors=True)
        spare.chmod(0o755)
        os.replace(spare, target)
    except BaseException:
        shutil.rmtree(spare, ignore_errors=True)
        raise


def place_data(data: str, folder: Path) -> str:
    """How the project in `folder` names data that is named from here: relative where it lies near."""
    if data.startswith("sqlite:///") and not data.startswith("sqlite:////"):
        return f"sqlite:///{place_data(data.removeprefix('sqlite:///'), folder)}"
    if is_uri(data):
        return data
    path, target = Path(data).absolute(), folder.absolute()
    near = path.is_relative_to(target.parent)
    return Path(os.path.relpath(path, target)).as_posix() if near else path.as_posix()


# ---- mlops.toml ------------------------------------------------------------------------------------------------------


def _write_config(name: str, found: Understanding, *, data: str, query: str | None) -> str:
    time, identity = found.first("time"), found.first("id")
    target = found.target
    lines = [f"# What this project is about: {_purpose(found)}. Every key: docs/configuration.md of MLOps Lab.", ""]
    lines += ["[project]", f"name = {_text(name)}", ""]
    lines += ["[source]" + " " * 29 + "# the past: one row a request, and how it ended"]
    lines += [f"table = {_text(_table_name(name))}", f"data = {_text(data)}"]
    lines += [f"query = {_text(query)}"] if query else []
    lines += [f"id = {_text(identity.field)}"] if identity else []
    lines += [f"time = {_text(time.field)}" + "  # the moment of the request"] if time else []
    lines += [f"label = {_text(target.field)}"]
    lines += [f"key = {_text(found.key)}  # the same one always meets the same version"] if found.key else []
    if found.order == "shuffled":
        lines += ['order = "shuffled"  # the rows are sorted by the label']
    lines += _write_skip(found)
    renamed = [one.column for one in found.columns if one.column.name != one.column.field and one.role != LEFT_OUT]
    if renamed:
        lines += ["", "[source.rename]  # from the data's columns to fields"]
        lines += [f"{write_key(column.name)} = {_text(column.field)}" for column in renamed]
    lines += ["", '[source.request]  # what a client sends ("?": may be null)']
    lines += [write_toml([*([_field(time)] if time else []), *map(_field, found.inputs)])]
    lines += ["", "[source.outcome]  # what an outcome brings", write_toml([_label(found)])]
    if found.set_aside > _MAX_SET_ASIDE:
        share = min(1.0, round(found.set_aside * 1.2 + 0.01, 2))
        lines += ["", "[contract]"]
        lines += [f"max_quarantined_share = {share:g}  # {found.set_aside:.1%} of the rows lack what they need"]
    lines += ["", "[backtest]", "share = 0.2  # a candidate is tested on the last fifth of the rows"]
    return "\n".join(lines) + "\n"


def _purpose(found: Understanding) -> str:
    how = {"binary": "yes or no", "regression": "a number"}.get(found.task, f"one of {len(found.classes)} classes")
    return f"predicting {found.target.field} ({how}) from {len(found.inputs)} fields"


def _write_skip(found: Understanding) -> list[str]:
    """The columns that are left out, with the reasons."""
    skipped = [one for one in found.columns if one.role == LEFT_OUT]
    if not skipped:
        return []
    lines = ["skip = [  # columns of the data that are left out; one that is wanted moves to [source.request]"]
    lines += [f"    {_text(one.column.name)},  # {one.note}" for one in skipped]
    return [*lines, "]"]


def _field(column: Column) -> Field:
    """A field of a request. What was seen says little of what may come: hardly any rule is drawn from it."""
    numeric = column.kind in {"integer", "float"}
    never_negative = numeric and column.span is not None and column.span[0] >= 0
    least = 0.0 if never_negative and _NEVER_NEGATIVE.search(column.field) else None
    return Field(column.field, column.kind, column.missing > 0, least, format=column.format)


def _label(found: Understanding) -> Field:
    kind = {"binary": "boolean", "multiclass": "string"}.get(found.task, found.target.kind)
    return Field(found.target.field, kind, nullable=False, categories=found.classes)


def _table_name(name: str) -> str:
    plain = name.lower().replace("-", "_")
    return f"{plain}_rows" if plain in _LOOP_TABLES else plain


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# ---- examples --------------------------------------------------------------------------------------------------------


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _in_quotes(row: dict[str, object]) -> str:
    """The row as JSON that may stand within the single quotes of a shell."""
    return json.dumps(row, ensure_ascii=False).replace("'", "\\u0027")


def _any_truth(found: Understanding) -> object:
    if found.task == "binary":
        return True
    return found.classes[0] if found.classes else (found.target.span or (0.0, 0.0))[1]
