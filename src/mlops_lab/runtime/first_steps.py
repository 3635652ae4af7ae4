"""A first request, and how it ends: made from the newest row that the project knows, ready to paste into a shell."""

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
"""The most characters of a body that a person would paste; a longer one goes into a file."""


@dataclass(frozen=True)
class Example:
    """A request that the server answers, and an outcome that it accepts afterwards; plain JSON data without nulls."""

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

    def near(path: Path) -> str:
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    elsewhere = "" if folder.is_relative_to(project.root) else f" --project {shlex.quote(str(project.root))}"
    predict = outcome = None
    example = make_example(project, lake, now=now)
    if example is not None:
        home = project.home
        token = near(project.token_path)
        send = partial(curl, near=near, certificate=near(tls.certificate) if (tls := find_tls(project)) else None)
        predicting = token if needs_token_to_predict(project) else None
        predict = send(f"{url}/v1/predict", example.request, file=home / "first-request.json", token=predicting)
        told = {"outcomes": [example.outcome]}
        outcome = send(f"{url}/v1/outcomes", told, file=home / "first-outcome.json", token=token)
    return FirstSteps(predict, outcome, f"mlops outcomes labels.csv{elsewhere}", file_header(project))


def make_example(project: Project, lake: Lake, *, now: datetime) -> Example | None:
    """The newest row of the source table that a server would take in, asked anew at `now`; None where there is none.

    The moments are those of `now` where a project has them: a row of long ago is asked about as if it were today.
    """
    source = project.settings.source
    request = make_struct("Request", parse_fields(source.request, where="source.request"), id=str)
    outcome = make_struct("Outcome", submitted_fields(project))
    now, name = now.replace(microsecond=0), f"first-{new_id()[:8]}"
    for row in _newest_rows(project, lake):
        asked = {"id": name} | {column: row.get(column) for column in source.request}
        if source.time in source.request:
            asked[source.time] = now
        told = {"id": name} | {column: row.get(column) for column in source.outcome}
        if project.settings.project.clock == "data":
            told["known_at"] = now + max(row[source.known_at] - row[source.time], timedelta(0))
        found = Example(_plain(asked), _plain(told))
        try:
            msgspec.convert(found.request, request)
            msgspec.convert(found.outcome, outcome)
        except msgspec.ValidationError:  # from before the contract became what it is
            continue
        return found
    return None


def file_header(project: Project) -> str:
    """The first line of a CSV file of outcomes; what may be null may also be left out of it."""
    return ",".join(field.name for field in submitted_fields(project) if field.name != "known_at" or not field.nullable)


def curl(
    url: str,
    body: Any,
    *,
    file: Path,
    near: Callable[[Path], str] = str,
    token: str | None = None,
    certificate: str | None = None,
) -> str:
    """The command that posts `body`, for any POSIX shell; a long body is written into `file`, to be sent from there.

    `near` says how a path is written; `token` and `certificate` name the files that hold the token, and the certificate
    by which a server is known.
    """
    text = write_json(body)
    if len(text) > MAX_PASTED:
        file.write_text(text, encoding="utf-8")
        argument = shlex.quote(f"@{near(file)}")
    else:
        argument = f"'{text}'"
    header = f' -H "Authorization: Bearer $(cat {shlex.quote(token)})"' if token else ""
    trust = f" --cacert {shlex.quote(certificate)}" if certificate else ""
    return f"curl {url}{trust}{header} -d {argument}"


def write_json(data: Any) -> str:
    """JSON that can stand between single quotes and be copied from a terminal: apostrophes, and whatever does not show,
    are written as \\\\u escapes."""
    text = json.dumps(data, ensure_ascii=False)
    return "".join(
        char if char.isprintable() and char != "'" else "".join(f"\\u{unit:04x}" for unit in _utf16(char))
        for char in text
    )


def _utf16(char: str) -> list[int]:
    data = char.encode("utf-16-be")
    return [int.from_bytes(data[start : start + 2], "big") for start in range(0, len(data), 2)]


def _newest_rows(project: Project, lake: Lake) -> list[dict[str, Any]]:
    """The newest rows of the source table, the newest first; only these are read."""
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
