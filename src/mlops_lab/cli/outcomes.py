"""`mlops outcomes FILE`."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json
from mlops_lab.errors import EnvironmentFault, InvalidInput, Refused
from mlops_lab.loop.outcomes import accept_outcomes, read_outcomes
from mlops_lab.project import Project
from mlops_lab.serving.address import Address, find_server
from mlops_lab.serving.token import ensure_token


def command(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines: id, known_at and the outcome fields.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Send outcomes to the project's server; where none runs, write them down for the next tick."""
    opened = open_project(project)
    rows = read_outcomes(opened, file)
    server = find_server(opened)
    told = _send(opened, server, rows) if server else accept_outcomes(opened, rows)
    if json:
        print_json(told)
    else:
        print(", ".join(f"{count} {verdict}" for verdict, count in told["counts"].items() if count) or "no outcomes")
        for problem in told["problems"]:
            print(f"{problem['where']}: {problem['what']}")
    if told["problems"]:
        refuse(
            Refused(
                f"{len(told['problems'])} outcomes were not accepted",
                code="outcomes_refused",
                hint="each is listed above",
            )
        )


def _send(project: Project, server: Address, rows: list[dict[str, Any]]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://{server.host}:{server.port}/v1/outcomes",
        data=msgspec.json.encode({"outcomes": rows}),
        headers={"Authorization": f"Bearer {ensure_token(project)}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            told: dict[str, Any] = msgspec.json.decode(answer.read())
            return told
    except urllib.error.HTTPError as error:
        said = msgspec.json.decode(error.read())["error"]
        raise InvalidInput(said["what"], code=said["code"], where=said["where"], hint=said["hint"]) from None
    except urllib.error.URLError as error:
        raise EnvironmentFault(
            f"the server does not answer: {error.reason}",
            code="server_gone",
            where=f"{server.host}:{server.port}",
            hint="start it with `mlops serve` and send the file again",
        ) from None
