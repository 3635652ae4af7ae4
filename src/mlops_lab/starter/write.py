"""The files of a new project. People read and edit them, so they are kept simple."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from mlops_lab.ci.plan import CIPlan, is_in_repository
from mlops_lab.ci.write import Provider, write_ci_files
from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.infer import write_key, write_toml
from mlops_lab.errors import InvalidInput
from mlops_lab.files import check_path
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.sources import ALL_COLUMNS
from mlops_lab.lake.sql import is_uri
from mlops_lab.project import CONFIG_NAME, PIPELINE_NAME, load_project
from mlops_lab.project.declaration import LOOP_TABLES
from mlops_lab.starter.analysis import TableAnalysis
from mlops_lab.starter.choose_recipe import ChosenRecipe
from mlops_lab.starter.columns import ColumnProfile
from mlops_lab.starter.pipeline import write_pipeline
from mlops_lab.starter.requirement import PackageRequirement
from mlops_lab.starter.roles import LEFT_OUT
from mlops_lab.starter.templates import (
    GITIGNORE,
    README,
    REQUIREMENTS,
    TEST,
)
from mlops_lab.training.pipeline import load_pipeline

_NEVER_NEGATIVE = re.compile(
    r"(^|_)(age|amount|area|capacity|charges?|cost|count|distance|duration|fare|floors?|height|hours|income|items|"
    r"length|minutes|mileage|number|price|quantity|rate|revenue|rooms?|salary|seconds|size|speed|stars|tenure|total|"
    r"volume|weight|width|years)(_|$)",
    re.IGNORECASE,
)
_MAX_SET_ASIDE = 0.01
_WORKBOOKS = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}


def check_folder(folder: Path) -> str:
    """The name of the project to be written into `folder`; InvalidInput where that is not possible."""
    name, where = folder.absolute().name, str(folder)
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
        hint = "letters, digits, - and _, such as my-shop"
        raise InvalidInput(f'"{name}" cannot be a project\'s name', code="bad_name", where="NAME", hint=hint)
    check_path(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        hint = "name a folder that does not exist yet; nothing was changed"
        raise InvalidInput("exists already, and is not empty", code="folder_exists", where=where, hint=hint)
    if not folder.absolute().parent.is_dir():
        hint = "make the folder above it first"
        raise InvalidInput("is in a folder that does not exist", code="no_folder", where=where, hint=hint)
    return name


def write_files(
    name: str,
    analysis: TableAnalysis,
    *,
    data: str,
    query: str | None,
    requirement: PackageRequirement,
    selection: ColumnSelection = ALL_COLUMNS,
    chosen: ChosenRecipe | None = None,
    about: str = "",
) -> dict[str, str | bytes]:
    """The content of each file of the project, by its path in the folder. `data` is relative to that folder, `about` a
    sentence on it.
    """
    config = _write_config(name, analysis, data=data, query=query, selection=selection)
    example = _to_shell_json(_to_plain_row(analysis.example))
    outcome = _to_shell_json({analysis.target.field: _to_plain_value(_example_truth(analysis))})
    tasks = {"binary": "yes or no", "multiclass": f"one of {len(analysis.classes)} classes", "regression": "a number"}
    files: dict[str, str | bytes] = {
        CONFIG_NAME: config,
        PIPELINE_NAME: write_pipeline(analysis, chosen),
        "README.md": README.format(
            name=name,
            target=analysis.target.field,
            task=tasks[analysis.task],
            about=f" {about}" if about else "",
            example=example,
            outcome=outcome[1:-1],
            wheel=", from `wheels/`" if requirement.wheel else "",
        ),
        ".gitignore": GITIGNORE,
        "requirements.txt": REQUIREMENTS.format(line=requirement.line, reason=requirement.reason),
        "tests/test_project.py": TEST,
        **write_ci_files(
            Provider.GITHUB, CIPlan(has_data=is_in_repository(data), checks_contract=analysis.set_aside == 0)
        ),
    }
    return files | ({requirement.wheel_path: requirement.wheel} if requirement.wheel else {})


def name_extra(data: str) -> str:
    """The extra of the package that reads the data, in brackets; "" where none is needed."""
    if data.startswith("postgres"):
        return "[postgres]"
    if data.startswith("s3:"):
        return "[s3]"
    return "[excel]" if Path(data).suffix in _WORKBOOKS else ""


def is_on_this_machine_only(data: str) -> bool:
    """Whether a project names its data by a path that other machines do not have."""
    return Path(data.removeprefix("sqlite:///")).is_absolute()


def make_project(
    folder: Path, files: Mapping[str, str | bytes], *, check: Callable[[Path], None] = lambda _: None
) -> None:
    """Write the files into `folder`: all or none, and only if they are a project that can be loaded, and that `check`
    accepts: it is given the folder that becomes `folder`."""
    name = check_folder(folder)
    target = folder.absolute()
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        for path, content in files.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / path).write_bytes(content.encode() if isinstance(content, str) else content)
        load_pipeline(load_project(draft))
        check(draft)
        shutil.rmtree(draft / "__pycache__", ignore_errors=True)
        draft.chmod(0o755)
        os.replace(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def locate_data(data: str, folder: Path) -> str:
    """The data's location as the project in `folder` names it: relative where the data is close to it."""
    if data.startswith("sqlite:///") and not data.startswith("sqlite:////"):
        return f"sqlite:///{locate_data(data.removeprefix('sqlite:///'), folder)}"
    if is_uri(data):
        return data
    path, target = Path(data).absolute(), folder.absolute()
    is_close = path.is_relative_to(target.parent)
    return Path(os.path.relpath(path, target)).as_posix() if is_close else path.as_posix()


# ---- mlops.toml ------------------------------------------------------------------------------------------------------


def _write_config(
    name: str, analysis: TableAnalysis, *, data: str, query: str | None, selection: ColumnSelection
) -> str:
    time, identity = analysis.first("time"), analysis.first("id")
    target = analysis.target
    lines = [f"# This project is {_purpose(analysis)}. All keys are in docs/configuration.md of MLOps Lab.", ""]
    lines += ["[project]", f"name = {_text(name)}", ""]
    lines += ["[source]" + " " * 29 + "# past requests: one row for each, with its outcome"]
    lines += [f"table = {_text(_table_name(name))}", f"data = {_text(data)}"]
    lines += [f"query = {_text(query)}"] if query else []
    given = {key: value for key, value in asdict(selection.options).items() if value}
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()]
    lines += [f"id = {_text(identity.field)}"] if identity else []
    lines += [f"time = {_text(time.field)}" + "  # the moment of the request"] if time else []
    lines += [f"label = {_text(target.field)}"]
    lines += [f"key = {_text(analysis.key)}  # requests with the same key get the same version"] if analysis.key else []
    if analysis.order == "shuffled":
        lines += ['order = "shuffled"  # the rows are sorted by the label']
    lines += _write_skip(analysis, sorted(selection.skip))
    renamed = analysis.renamed
    if renamed:
        lines += ["", "[source.rename]  # from the data's columns to fields"]
        lines += [f"{write_key(column.name)} = {_text(column.field)}" for column in renamed]
    lines += ["", '[source.request]  # what a client sends ("?": may be null)']
    fields = [_field(time, nullable=False)] if time else []
    fields += [_field(column, nullable=column.field != analysis.key) for column in analysis.inputs]
    lines += [write_toml(fields)]
    lines += ["", "[source.outcome]  # what an outcome contains", write_toml([_label(analysis)])]
    if analysis.set_aside > _MAX_SET_ASIDE:
        share = min(1.0, round(analysis.set_aside * 1.2 + 0.01, 2))
        lines += ["", "[contract]"]
        lines += [f"max_quarantined_share = {share:g}  # {analysis.set_aside:.1%} of the rows cannot be used"]
    lines += ["", "[backtest]", "share = 0.2  # a candidate is tested on the last fifth of the rows"]
    return "\n".join(lines) + "\n"


def _purpose(analysis: TableAnalysis) -> str:
    how = {"binary": "yes or no", "regression": "a number"}.get(
        analysis.task, f"one of {len(analysis.classes)} classes"
    )
    return f"predicting {analysis.target.field} ({how}) from {len(analysis.inputs)} fields"


def _write_skip(analysis: TableAnalysis, unread: Sequence[str]) -> list[str]:
    """The lines that name the columns left out, with the reasons."""
    skipped = [(name, "as asked") for name in unread]
    skipped += [(item.column.name, item.note) for item in analysis.columns if item.role == LEFT_OUT]
    if not skipped:
        return []
    lines = ["skip = [  # columns that are left out, with the reason; to use one, move it to [source.request]"]
    lines += [f"    {_text(name)},  # {note}" for name, note in skipped]
    return [*lines, "]"]


def _field(column: ColumnProfile, *, nullable: bool) -> Field:
    """A field of a request, with few rules: the data shows only a part of what clients may send."""
    numeric = column.kind in {"integer", "float"}
    never_negative = numeric and column.span is not None and column.span[0] >= 0
    minimum = 0.0 if never_negative and _NEVER_NEGATIVE.search(column.field) else None
    return Field(column.field, column.kind, nullable or column.missing > 0, minimum, format=column.format)


def _label(analysis: TableAnalysis) -> Field:
    kind = {"binary": "boolean", "multiclass": "string"}.get(analysis.task, analysis.target.kind)
    return Field(analysis.target.field, kind, nullable=False, categories=analysis.classes)


def _table_name(name: str) -> str:
    plain = name.lower().replace("-", "_")
    return f"{plain}_rows" if plain in LOOP_TABLES else plain


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# ---- examples --------------------------------------------------------------------------------------------------------


def _to_plain_row(row: dict[str, object]) -> dict[str, object]:
    return {name: _to_plain_value(value) for name, value in row.items()}


def _to_plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _to_shell_json(row: dict[str, object]) -> str:
    """The row as JSON that can be put between single quotes in a shell."""
    return json.dumps(row, ensure_ascii=False).replace("'", "\\u0027")


def _example_truth(analysis: TableAnalysis) -> object:
    if analysis.task == "binary":
        return True
    return analysis.classes[0] if analysis.classes else (analysis.target.span or (0.0, 0.0))[1]
