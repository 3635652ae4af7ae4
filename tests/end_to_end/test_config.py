"""Layers of settings where they count: real servers and commands; `mlops config` itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from running import MLOPS, mlops, mlops_serve
from test_imports import FAMILIES, imported

from mlops_lab.cli.main import COMMANDS
from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project, load_project
from mlops_lab.serving.process.server_process import ServerProcess

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


def around(**variables: str) -> dict[str, str]:
    return {**os.environ, **variables}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_the_environment_and_set_say_where_the_server_listens(project: Project) -> None:
    one, two = free_port(), free_port()
    with mlops_serve(project.root, port=None, MLOPS_SERVING__PORT=str(one)) as ready:
        assert ready["ready"] == f"http://127.0.0.1:{one}"
    with mlops_serve(project.root, f"--set=serving.port={two}", port=None, MLOPS_SERVING__PORT=str(one)) as ready:
        assert ready["ready"] == f"http://127.0.0.1:{two}"
        told = mlops("status", project=project.root).data
        assert told["server"] == f"http://127.0.0.1:{two}"


def test_what_set_says_reaches_the_server_that_a_command_starts(project: Project) -> None:
    with ServerProcess(load_project(project.root, flags=["serving.host=localhost"])) as process:
        assert process.address.host == "127.0.0.1"
    with pytest.raises(EnvironmentFault, match="cannot listen") as caught:
        ServerProcess(load_project(project.root, flags=["serving.host=192.0.2.1"]))
    assert "192.0.2.1" in str(caught.value)


def test_a_server_that_is_told_nonsense_says_which_variable_did(project: Project) -> None:
    error = mlops("serve", project=project.root, code=2, env=around(MLOPS_SERVING__PORT="high")).error
    assert (error["code"], error["where"]) == (
        "bad_config",
        "environment variable MLOPS_SERVING__PORT, key serving.port",
    )
    error = mlops("serve", "--set", "serving.prt=1", project=project.root, code=2).error
    assert (error["code"], error["where"]) == ("bad_config", "--set serving.prt")
    assert 'did you mean "port"?' in error["hint"]


def test_how_it_is_served_makes_no_other_candidate(project: Project) -> None:
    ran = mlops(
        "run", "--set", "rollout.shadow_days=1", project=project.root, code=1, env=around(MLOPS_SERVING__PORT="9")
    )
    assert (ran.data["rule"], ran.data["version"]) == ("identical", 1)


def test_config_show_tells_what_won_and_imports_nothing_heavy() -> None:
    command = [MLOPS[0], "-X", "importtime", *MLOPS[1:], "config", "show", "--project", str(FLIGHTS)]
    done = subprocess.run(
        [*command, "--set", "gates.slice_min_rows=7"],
        capture_output=True,
        text=True,
        timeout=100,
        env=around(MLOPS_SERVING__PORT="9000", COLUMNS="100"),
    )
    assert done.returncode == 0, done.stderr
    assert not imported(done.stderr) & FAMILIES
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    text = (FLIGHTS / "mlops.toml").read_text().splitlines()
    durability = next(number for number, line in enumerate(text, 1) if line.startswith("durability"))
    section = lines.index("[serving]")
    assert lines[section + 1 : section + 4] == [
        'host "127.0.0.1" default',
        "port 9000 MLOPS_SERVING__PORT",
        f'durability "async" mlops.toml, line {durability}',
    ]
    assert "slice_min_rows 7 --set gates.slice_min_rows" in lines


def test_config_show_and_schema_as_json(tmp_path: Path) -> None:
    told = mlops("config", "show", project=FLIGHTS, env=around(MLOPS_SERVING__PORT="9000")).data
    assert told["config"] == str(FLIGHTS / "mlops.toml")
    rows = {row["key"]: row for row in told["settings"]}
    assert rows["serving.port"] == {
        "key": "serving.port",
        "value": 9000,
        "from": "environment",
        "where": "MLOPS_SERVING__PORT",
    }
    assert rows["source.weight"] == {"key": "source.weight", "value": None, "from": "default", "where": None}
    schema = mlops("config", "schema", cwd=tmp_path).data
    assert schema == json.loads((FLIGHTS.parents[1] / "docs" / "mlops.schema.json").read_text())


def test_every_command_that_opens_a_project_takes_set() -> None:
    """Asked of the command line itself: where there is `--project`, there is `--set`, and it is heard."""
    script = """
import json, sys
from mlops_lab.cli.main import COMMANDS, app
import typer
sys.argv = ["mlops", "x"]
found = {}
def walk(name, command):
    for inner, each in getattr(command, "commands", {}).items():
        walk(f"{name} {inner}", each)
    options = [option for one in command.params for option in one.opts]
    if "--project" in options:
        found[name] = options.count("--set")
group = typer.main.get_command(app)
for name in COMMANDS:
    walk(name, group.get_command(None, name))
print(json.dumps(found))
"""
    done = subprocess.run([MLOPS[0], "-c", script], capture_output=True, text=True, timeout=100, check=True)
    found = json.loads(done.stdout)
    assert {name.split()[0] for name in found} == COMMANDS.keys() - {"demo", "init", "lab"}
    assert set(found.values()) == {1}
    error = mlops("features", "list", "--set", "serving.prt=1", project=FLIGHTS, code=2).error
    assert error["where"] == "--set serving.prt"


@pytest.mark.parametrize(("typed", "meant"), [("stats", "status"), ("cofnig", "config")])
def test_a_command_that_is_none_brings_the_one_that_was_meant(typed: str, meant: str) -> None:
    ran = mlops(typed, code=2)
    assert f"Did you mean '{meant}'?" in ran.err
    assert ran.data["error"]["code"] == "usage"
