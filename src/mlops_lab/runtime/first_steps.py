"""A first request and its outcome, made from the newest row of the project, as commands to paste into a shell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.fields import make_struct, parse_fields
from mlops_lab.ids import new_id
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.serving.http.tokens import needs_token_to_predict
from mlops_lab.serving.process.tls import find_tls
from mlops_lab.tables.fields import submitted_fields

NEWEST = 100
MAX_PASTED = 3000
"""A body with more characters is too long to paste and goes into a file."""


@dataclass(frozen=True)
class Example:
    """A request that the server answers, and an outcome that it accepts for it; JSON data without nulls."""

    request: dict[str, Any]
    outcome: dict[str, Any]


@dataclass(frozen=True)
class FirstSteps:
    """Commands to paste: a first prediction and its outcome (None where there is no row to make them from), and a file
    of outcomes with the header that it needs."""

    predict: str | None
    outcome: str | None
    file: str
    header: str


def first_steps(project: Project, lake: Lake, *, now: datetime, url: str, folder: Path) -> FirstSteps:
    """What to type first, in `folder`, where a server of the project is reached at `url`."""

    def write_path(path: Path) -> str:
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    project_option = "" if folder.is_relative_to(project.root) else f" --project {shlex.quote(str(project.root))}"
    predict = outcome = None
    example = make_example(project, lake, now=now)
    if example is not None:
        home = project.home
        token = write_path(project.token_path)
        tls = find_tls(project)
        certificate = write_path(tls.certificate) if tls else None
        send = partial(curl, write_path=write_path, certificate=certificate)
        predict_token = token if needs_token_to_predict(project) else None
        predict = send(f"{url}/v1/predict", example.request, file=home / "first-request.json", token=predict_token)
        outcomes = {"outcomes": [example.outcome]}
        outcome = send(f"{url}/v1/outcomes", outcomes, file=home / "first-outcome.json", token=token)
    return FirstSteps(predict, outcome, f"mlops outcomes labels.csv{project_option}", file_header(project))


def make_example(project: Project, lake: Lake, *, now: datetime) -> Example | None:
    """The newest row of the source table that a server would accept, as a new request; None where there is none.

    Its moments are shifted to `now`: a row of long ago becomes a request of today.
    """
    source = project.settings.source
    request = make_struct("Request", parse_fields(source.request, where="source.request"), id=str)
    outcome = make_struct("Outcome", submitted_fields(project))
    now, name = now.replace(microsecond=0), f"first-{new_id()[:8]}"
    for row in _newest_rows(project, lake):
        request_row = {"id": name} | {column: row.get(column) for column in source.request}
        if source.time in source.request:
            request_row[source.time] = now
        outcome_row = {"id": name} | {column: row.get(column) for column in source.outcome}
        if project.settings.project.clock == "data":
            outcome_row["known_at"] = now + max(row[source.known_at] - row[source.time], timedelta(0))
        example = Example(_plain(request_row), _plain(outcome_row))
        try:
            msgspec.convert(example.request, request)
            msgspec.convert(example.outcome, outcome)
        except msgspec.ValidationError:  # it is older than the present contract
            continue
        return example
    return None


def file_header(project: Project) -> str:
    """The first line of a CSV file of outcomes. `known_at` is left out where it may be null."""
    return ",".join(field.name for field in submitted_fields(project) if field.name != "known_at" or not field.nullable)


def curl(
    url: str,
    body: Any,
    *,
    file: Path,
    write_path: Callable[[Path], str] = str,
    token: str | None = None,
    certificate: str | None = None,
) -> str:
    """The command that posts `body`, for any POSIX shell. A long body is written to `file` and sent from there.

    `write_path` turns a path into text. `token` and `certificate` are the paths of the files with the token and with
    the server's certificate.
    """
    text = write_json(body)
    if len(text) > MAX_PASTED:
        file.write_text(text, encoding="utf-8")
        argument = shlex.quote(f"@{write_path(file)}")
    else:
        argument = f"'{text}'"
    header = f' -H "Authorization: Bearer $(cat {shlex.quote(token)})"' if token else ""
    trust = f" --cacert {shlex.quote(certificate)}" if certificate else ""
    return f"curl {url}{trust}{header} -d {argument}"


def write_json(data: Any) -> str:
    """JSON that can be put between single quotes and copied from a terminal: apostrophes and invisible characters are
    written as \\\\u escapes."""
    text = json.dumps(data, ensure_ascii=False)
    return "".join(
        char if char.isprintable() and char != "'" else "".join(f"\\u{unit:04x}" for unit in _utf16(char))
        for char in text
    )


def _utf16(char: str) -> list[int]:
    data = char.encode("utf-16-be")
    return [int.from_bytes(data[start : start + 2], "big") for start in range(0, len(data), 2)]


def _newest_rows(project: Project, lake: Lake) -> list[dict[str, Any]]:
    """The newest rows of the source table, newest first. Older rows are not read."""
    source = project.settings.source
    if not lake.exists(source.table):
        return []
    moments = lake.read(source.table, columns=[source.time])[source.time].drop_nulls()
    if moments.is_empty():
        return []
    since = moments.top_k(NEWEST).min()
    assert isinstance(since, datetime)
    rows = lake.read(source.table, since=(source.time, since))
    return rows.sort(pl.col(source.time), descending=True).head(NEWEST).to_dicts()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _text(value) if isinstance(value, datetime) else value for name, value in row.items() if value is not None
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
