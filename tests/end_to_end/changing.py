"""A shop that lives and changes: its commands and its server in this process, and a ledger of what was acknowledged."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import polars as pl
from drafts import DAYS, FIRST_DAY, Draft
from in_process import InProcessServer

from mlops_lab.cli import serve as serve_command
from mlops_lab.cli.errors import guarded
from mlops_lab.cli.main import app
from mlops_lab.errors import MlopsError
from mlops_lab.lake import Lake
from mlops_lab.project import load_project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.app import App

_BUGS = {"bug", "lake_fault", "journal_foreign", "journal_damaged", "journal_gap"}
_edits = count()


class Broken(AssertionError):
    """What must not happen to a project, however it changes."""


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, its output, and its error, checked."""

    code: int
    output: Any
    error: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.code} {self.error}"


class _Started(Exception):
    """`mlops serve` is ready to become the server."""


def run_command(folder: Path | None, *words: str) -> Result:
    """A command in this process, of the project in a folder. Broken where it ends with a bug, or with an error that
    does not help."""
    stdout, arguments = io.StringIO(), [*words, "--json", *(["--project", str(folder)] if folder else [])]
    before, sys.argv = sys.argv, ["mlops", *arguments]
    try:
        # what a command sets for its own process must not reach the tests after this one
        with patch.dict(os.environ, MLOPS_DEBUG="1"), redirect_stdout(stdout), redirect_stderr(io.StringIO()):
            code = guarded(app)
    except _Started:
        code = 0
    except Exception as error:
        raise Broken(f"mlops {' '.join(words)}: {type(error).__name__}: {error}\n{traceback.format_exc()}") from error
    finally:
        sys.argv = before
    lines = stdout.getvalue().splitlines()
    output = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None
    error = output.get("error") if isinstance(output, dict) else None
    if code > 1 or error:
        check_error(f"mlops {' '.join(words)}", error)
    return Result(code, output, error)


def check_error(what: str, error: dict[str, Any] | None) -> None:
    """Broken where the error is not one that says what to do."""
    if not error or error["code"] in _BUGS or not error["hint"] or not error["what"]:
        raise Broken(f"{what}: {error}")


@dataclass
class Shop:
    """A project folder, and what was acknowledged in it: requests with their answers, outcomes, rows."""

    folder: Path
    draft: Draft
    now: datetime = FIRST_DAY + timedelta(days=DAYS + 1)
    number: int = 0
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def copy(self, folder: Path) -> Shop:
        """The same shop in another folder."""
        shutil.copytree(self.folder, folder)
        requests, outcomes = dict(self.requests), dict(self.outcomes)
        return Shop(folder, self.draft.copy(), self.now, self.number, requests, outcomes, list(self.facts))

    def edit(self, draft: Draft) -> None:
        """Write the project anew, so that all of it counts as edited."""
        self.draft = draft
        draft.write(self.folder)
        moment = 10**9 + next(_edits)
        os.utime(self.folder / "pipeline.py", (moment, moment))  # compiled code is kept for the same second

    def mlops(self, *words: str) -> Result:
        return run_command(self.folder, *words)

    # ---- serving -------------------------------------------------------------------------------------------------

    @contextmanager
    def serving(self) -> Iterator[InProcessServer | Result]:
        """The server that `mlops serve` would become, or how the command ended."""

        def start(*_: Any) -> None:
            raise _Started

        execv, serve_command.os.execv = serve_command.os.execv, start  # type: ignore[assignment]
        try:
            result = self.mlops("serve", "--port", "0")
        finally:
            serve_command.os.execv = execv  # type: ignore[assignment]
        if result.code:
            yield result
            return
        project = load_project(self.folder)
        try:
            service = Service(project, read_routing_table(project.deployment_path))
        except MlopsError as error:
            raise Broken(f"the server does not start: {error.as_dict()}") from error
        token = ensure_token(project)
        server = InProcessServer(App(service, authorizer=Authorizer(project)), service, operate=token, predict=token)
        try:
            yield server
        finally:
            server.close()

    def ask(self, server: InProcessServer, count: int = 3) -> list[int]:
        """Ask, and note each answer; the status of each response."""
        statuses = []
        for _ in range(count):
            self.number += 1
            self.now += timedelta(minutes=20)
            row = self.draft.request_at(self.now, self.number, f"r{self.number}")
            status, answer = _post(server, "/v1/predict", row)
            if status == 200:
                self.requests[row["id"]] = row | {
                    "output": answer["predictions"][0] if "predictions" in answer else answer
                }
            statuses.append(status)
        return statuses

    def ask_again(self, server: InProcessServer, name: str) -> Any:
        """The answer to a request that was answered before."""
        row = {field: value for field, value in self.requests[name].items() if field != "output"}
        return _post(server, "/v1/predict", row)[1]

    def tell(self, server: InProcessServer, count: int = 2) -> list[int]:
        """Submit outcomes of requests that have none yet, and note those that are accepted."""
        statuses = []
        waiting = [name for name in self.requests if name not in self.outcomes]
        for name in waiting[:count]:
            self.now += timedelta(minutes=20)
            row = self.draft.outcome_of(name, int(name[1:]), self.now)
            status, answer = _post(server, "/v1/outcomes", {"outcomes": [row]})
            if status == 200 and answer["counts"]["accepted"]:
                self.outcomes[name] = row
            statuses.append(status)
        return statuses

    def report(self, server: InProcessServer) -> list[int]:
        """Send a row of each table, and note those that are accepted."""
        statuses = []
        for table, declared in self.draft.tables.items():
            if declared.known_at is None:
                continue
            self.number += 1
            self.now += timedelta(minutes=20)
            row = self.draft.fact_at(table, self.now, self.number)
            status, answer = _post(server, f"/v1/tables/{table}/rows", {"rows": [row]})
            if status == 200 and answer["accepted"]:
                self.facts.append((table, row))
            statuses.append(status)
        return statuses

    # ---- what must be true ---------------------------------------------------------------------------------------

    @property
    def lake(self) -> Lake:
        return Lake(self.folder / ".mlops/lake")

    def decided(self) -> dict[str, Any]:
        """What a command that is refused must leave as it is: decisions, measurements, what servers follow, and the
        loaded rows. Records of the journal may have moved into the lake."""
        deployment, source = self.folder / ".mlops/deployment.json", self._rows(self.draft.source)
        tables = [name for name in ("decisions", "measurements", "alerts") if self.lake.exists(name)]
        return {
            "tables": {name: self.lake.version(name) for name in tables},
            "deployment": deployment.read_bytes() if deployment.exists() else b"",
            "rows": source.height,
        }

    def check_nothing_lost(self) -> None:
        """Broken where something that was acknowledged is not in the lake, once, with its values."""
        stored = {name: self._rows(name) for name in ("predictions", "outcomes")}
        accepted = stored["outcomes"].filter(verdict="accepted") if stored["outcomes"].height else stored["outcomes"]
        _check_rows("prediction", self.requests, stored["predictions"])
        _check_rows("outcome", self.outcomes, accepted)
        for table, row in self.facts:
            rows = self._rows(table)
            if not any(_holds(row, there) for there in rows.iter_rows(named=True)):
                raise Broken(f"a row of {table} is lost: {row}")

    def _rows(self, table: str) -> pl.DataFrame:
        return self.lake.read(table, as_stored=True) if self.lake.exists(table) else pl.DataFrame({"id": []})


def _post(server: InProcessServer, path: str, body: Any) -> tuple[int, Any]:
    response = server.send("POST", path, msgspec.json.encode(body), token=server.operate)
    answer = response.json()
    if response.status_code >= 400:
        check_error(path, answer["error"])
        if response.status_code >= 500:
            raise Broken(f"{path}: {response.status_code} {answer}")
    return response.status_code, answer


def _check_rows(kind: str, acknowledged: dict[str, dict[str, Any]], stored: pl.DataFrame) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in stored.iter_rows(named=True) if acknowledged else ():
        found.setdefault(row["id"], []).append(row)
    for name, row in acknowledged.items():
        rows = found.get(name, [])
        if len(rows) != 1:
            raise Broken(f"{kind} {name} is in the lake {len(rows)} times")
        if not _holds(row, rows[0]):
            raise Broken(f"{kind} {name} was {row} and is stored as {rows[0]}")


def _holds(sent: dict[str, Any], stored: dict[str, Any]) -> bool:
    return all(_is_same(value, stored.get(name)) for name, value in sent.items() if name != "output")


def _is_same(sent: Any, stored: Any) -> bool:
    """Whether a stored value is the one that was sent, perhaps as another type."""
    if sent is None or stored is None:
        return sent is stored
    if isinstance(stored, datetime) or (isinstance(stored, str) and isinstance(sent, str) and sent != stored):
        return _moment(sent) == _moment(stored)
    if isinstance(stored, str) and not isinstance(sent, str):
        return bool(json.loads(stored) == sent)
    if isinstance(sent, str) and not isinstance(stored, str):
        return bool(json.loads(sent) == stored)
    return bool(sent == stored)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return moment.astimezone(UTC)
