"""Outcomes and facts from files: sent to the running server, or, where none runs, accepted by the same code here."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.tables import breaches_of, conform, sort_out
from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, NotFound, Refused
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.quarantine import find_fixed, release, set_aside
from mlops_lab.intake.read import read_rows
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.project.owners import Hold, Role, take_role
from mlops_lab.rollout.compatibility import check_schema
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import fold
from mlops_lab.rollout.deploy import deploy
from mlops_lab.serving.answering.opening import open_service
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.address import Address, find_server
from mlops_lab.tables.fields import row_keys, submitted_fields, table_fields
from mlops_lab.tables.open_lake import open_lake

ROWS_AT_ONCE = 5000
START_SECONDS = 15.0
"""How long a server that is starting is waited for."""
POLL_SECONDS = 0.25


def deliver_outcomes(project: Project, file: str | Path) -> dict[str, Any]:
    """What became of each outcome in the file: counts by verdict, and the problems."""
    fields = submitted_fields(project)
    frame = read_rows(project, project.settings.source.table, file, fields)
    for field in fields:
        if field.nullable and field.name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, field.dtype).alias(field.name))
    rows = conform(frame, fields, table="outcomes").to_dicts()
    return _deliver(project, rows, path="/v1/outcomes", name="outcomes", table=None)


def deliver_facts(project: Project, table: str, file: str | Path) -> dict[str, Any]:
    """How many rows of the file were new to the table: counts of accepted and duplicate ones."""
    keys = row_keys(project)
    if table not in keys:
        raise NotFound(
            f'there is no table "{table}" that takes rows',
            code="unknown_table",
            where="TABLE",
            hint=f"declared in mlops.toml: {', '.join(keys) or 'none'}",
        )
    fields = table_fields(project)[table]
    good, aside = sort_out(read_rows(project, table, file, fields), fields, table=table, key=keys[table])
    result = deliver_rows(project, table, good.to_dicts())
    if aside:
        lake = open_lake(project)
        set_aside(lake, current_moment(project, lake), table=table, rows=aside)
        result["quarantined"] = result.get("quarantined", 0) + len(aside)
        result["problems"] = [*result.get("problems", []), *(str(breach) for breach in breaches_of(table, aside))]
    return result


def deliver_rows(project: Project, table: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many of these rows were new to the table."""
    return _deliver(project, rows, path=f"/v1/tables/{table}/rows", name="rows", table=table)


def replay_quarantine(project: Project, *, by: str, why: str = "") -> dict[str, int]:
    """Bring the quarantined rows that keep the contract by now into their tables; how many, by table. The table of the
    quarantine notes by whom, and why.

    If it is killed it can be run again: no row is added twice.
    """
    lake = open_lake(project)
    ingest_journal(project, lake)
    now = current_moment(project, lake)
    released = {}
    for table, (ids, rows) in find_fixed(project, lake).items():
        if table == project.settings.source.table:
            key = project.settings.source.id
            new = rows.join(lake.read(table, columns=[key]), on=key, how="anti", maintain_order="left")
            lake.append(table, new.with_columns(received_at=pl.lit(now, pl.Datetime("us", "UTC"))))
            _deploy_new_state(project, lake)
        else:
            result = deliver_rows(project, table, rows.to_dicts())
            if result.get("quarantined"):
                raise Refused(
                    "the running server still has the old contract",
                    code="old_contract",
                    where=f'table "{table}"',
                    hint="restart `mlops serve`, then run it again",
                )
        release(lake, now, ids=ids, by=by, why=why)
        released[table] = len(ids)
    return released


def _deliver(
    project: Project, rows: Sequence[dict[str, Any]], *, path: str, name: str, table: str | None
) -> dict[str, Any]:
    """The response to the rows: of the running server, or of the same code without one."""
    found = _find_server_or_be_it(project)
    response: dict[str, Any] = {}
    if isinstance(found, Address):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            try:
                part = _send(project, found, path, {name: rows[start : start + ROWS_AT_ONCE]})
            except MlopsError as error:
                raise _part_error(error, start, rows=len(rows)) from None
            for problem in part.get("problems", []):
                problem["where"] = _shift_index(problem["where"], start)
            _merge(response, part)
        return response or {"counts": {}, "problems": []}
    with found:
        return _accept(project, rows, name=name, table=table)


def _find_server_or_be_it(project: Project) -> Address | Hold:
    """The running server, or else its role, for a moment; an error where a server takes too long to start."""
    end = time.perf_counter() + START_SECONDS
    while True:
        if (server := find_server(project)) is not None:
            return server
        try:
            return take_role(project, Role.SERVER, is_brief=True)
        except EnvironmentFault as fault:
            if fault.code != "journal_locked" or time.perf_counter() >= end:
                raise
        time.sleep(POLL_SECONDS)  # a server is starting


def _accept(project: Project, rows: Sequence[dict[str, Any]], *, name: str, table: str | None) -> dict[str, Any]:
    """What a server would respond, without one."""
    lake = open_lake(project)
    ingest_journal(project, lake)
    decisions = read_decisions(lake)
    check_schema(project, lake, decisions)
    deploy(project, lake, decisions=decisions, state=fold(decisions))
    service = open_service(project)
    try:
        service.score_shadows()
        if table is None:
            return service.accept_outcomes([msgspec.convert(row, service.schemas.outcome) for row in rows])
        return service.accept_facts(table, [msgspec.convert(row, service.schemas.rows[table]) for row in rows])
    except msgspec.ValidationError as error:
        raise InvalidInput(
            str(error), code=f"invalid_{name}", where=name, hint="fix the row; nothing was accepted"
        ) from None
    finally:
        service.close()


def _deploy_new_state(project: Project, lake: Lake) -> None:
    """Have servers start from everything that the lake holds by now."""
    decisions = read_decisions(lake)
    deploy(project, lake, decisions=decisions, state=fold(decisions), new_state=True)


def _part_error(error: MlopsError, start: int, *, rows: int) -> MlopsError:
    """The error in one part of the rows, as one of all of them: which were taken before it."""
    if isinstance(error, InvalidInput):
        error.where = _shift_index(error.where, start)
    if start:
        taken = f"the first {start:,} of {rows:,} rows were taken, and none after them"
        error.hint = f"{taken}; mend it and send the file again: no row is taken twice"
    return error


def _shift_index(where: str | None, start: int) -> str | None:
    """The index of a row among those sent at once (`$.outcomes[3]`) as its index among all rows, `start` before it."""
    return where and re.sub(r"\[(\d+)\]", lambda match: f"[{int(match[1]) + start}]", where, count=1)


def _merge(response: dict[str, Any], part: dict[str, Any]) -> None:
    """Add the counts and problems of one part of the rows to the response about all of them."""
    for key, value in part.items():
        if isinstance(value, dict):
            _merge(response.setdefault(key, {}), value)
        else:
            response[key] = response[key] + value if key in response else value


def _send(project: Project, server: Address, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        server.url + path,
        data=msgspec.json.encode(body),
        headers={"Authorization": f"Bearer {ensure_token(project)}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60, context=server.ssl_context()) as message:
            response: dict[str, Any] = msgspec.json.decode(message.read())
            return response
    except urllib.error.HTTPError as error:
        reported = msgspec.json.decode(error.read())["error"]
        raise InvalidInput(
            reported["what"], code=reported["code"], where=reported["where"], hint=reported["hint"]
        ) from None
    except urllib.error.URLError as error:
        raise EnvironmentFault(
            f"the server does not answer: {error.reason}",
            code="server_gone",
            where=f"{server.host}:{server.port}",
            hint="start it with `mlops serve` and send the file again: no row is added twice",
        ) from None
