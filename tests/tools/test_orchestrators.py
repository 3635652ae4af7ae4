"""What is exported for DVC and Dagster, run by these tools in environments of their own: the same version in the end."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running import MLOPS
from synthetic import make_world, write_project
from webhook import skip_without

PEERS = Path(__file__).parents[2] / ".peers"
SOURCE = Path(__file__).parents[2] / "src"

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project before its first run."""
    write_project(tmp_path / "parcels", make_world())
    return tmp_path / "parcels"


@pytest.fixture(scope="module")
def fingerprint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """That of the version that `mlops run` makes of the same project."""
    folder = tmp_path_factory.mktemp("plain") / "parcels"
    write_project(folder, make_world())
    found: str = json.loads(run([*MLOPS, "run", "--json"], folder).stdout)["evidence"]["fingerprint"]
    return found


def run(words: list[str], folder: Path, *, tool: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as in the environment of the tool; it must exit with this code."""
    path = os.pathsep.join([str(PEERS / tool / "bin"), os.environ["PATH"]]) if tool else os.environ["PATH"]
    home = {"DAGSTER_HOME": str(folder / "home"), "DO_NOT_TRACK": "1", "DVC_NO_ANALYTICS": "1"}
    variables = {**os.environ, **home, "PATH": path, "MLOPS": shlex.join(MLOPS), "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def export(tool: str, project: Path) -> Path:
    skip_without(tool, is_there=(PEERS / tool / "bin" / "python").exists(), install="make peers")
    run([*MLOPS, "export", tool, tool], project)
    return project / tool


def commit(folder: Path) -> None:
    for words in (["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "state"]):
        run(["git", *words], folder)


def test_dvc_repro_makes_the_same_version(project: Path, fingerprint: str) -> None:
    run(["git", "init", "-q"], project)
    (project / ".gitignore").write_text(".mlops/\n__pycache__/\n")
    folder = export("dvc", project)
    run(["dvc", "repro"], folder, tool="dvc")
    version: dict[str, Any] = json.loads((folder / "results" / "version.json").read_text())
    assert (version["version"], version["fingerprint"]) == (1, fingerprint)
    commit(project)
    assert "didn't change, skipping" in run(["dvc", "repro"], folder, tool="dvc").stdout
    shown = json.loads(run(["dvc", "metrics", "show", "--json"], folder, tool="dvc").stdout)
    assert shown[""]["data"]["results/metrics.json"]["data"]["sanity.log_loss"] > 0
    run(["dvc", "plots", "show", "--out", "shown"], folder, tool="dvc")
    assert "sanity.log_loss" in (folder / "shown" / "index.html").read_text()

    forced = run(["dvc", "repro", "--force"], folder, tool="dvc")
    assert "Running stage 'run'" in forced.stdout
    assert json.loads((folder / "results" / "version.json").read_text()) == version, "identical: the same version"

    data = json.loads((folder / "results" / "metrics.json").read_text())
    (folder / "results" / "metrics.json").write_text(json.dumps({**data, "sanity.log_loss": 0.25}))
    differing = json.loads(run(["dvc", "metrics", "diff", "--json"], folder, tool="dvc").stdout)
    assert differing["results/metrics.json"]["sanity.log_loss"]["new"] == 0.25


def test_a_gate_that_refuses_fails_the_stage(project: Path) -> None:
    config = project / "mlops.toml"
    config.write_text(config.read_text().replace("[gates]", "[gates]\nmust_beat_baseline = true"))
    run(["git", "init", "-q"], project)
    folder = export("dvc", project)
    failed = run(["dvc", "repro"], folder, tool="dvc", code=255)
    assert "logistic regression" in failed.stdout + failed.stderr
    assert not (folder / "results" / "version.json").exists()


MATERIALIZE = """
import json, dagster as dg, definitions
result = dg.materialize([definitions.checked_data, definitions.model_version], raise_on_error=False)
ticked = dg.materialize([definitions.ticks], raise_on_error=False) if result.success else result
events = [event for event in result.all_events if event.is_step_materialization]
versions = {event.asset_key.to_user_string(): event.materialization.tags.get("dagster/data_version") for event in events}
checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
schedule = definitions.defs.resolve_schedule_def("loop")
dg.Definitions.validate_loadable(definitions.defs)
print(json.dumps([result.success, ticked.success, versions, checks, schedule.cron_schedule]))
"""


def materialize(folder: Path) -> list[Any]:
    (folder / "home").mkdir(exist_ok=True)
    done = run(["python", "-c", MATERIALIZE], folder, tool="dagster")
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_dagster_makes_the_same_version(project: Path, fingerprint: str) -> None:
    folder = export("dagster", project)
    success, ticked, versions, checks, cron = materialize(folder)
    assert success
    assert ticked
    assert versions["model_version"] == fingerprint
    assert len(checks) == 8
    assert all(checks.values())
    assert cron == "*/15 * * * *"


def test_dagster_shows_the_gate_that_refused(project: Path) -> None:
    config = project / "mlops.toml"
    config.write_text(config.read_text().replace("[gates]", "[gates]\nmust_beat_baseline = true"))
    success, _, versions, checks, _ = materialize(export("dagster", project))
    assert not success
    assert "model_version" not in versions
    assert [name for name, passed in checks.items() if not passed] == ["baseline"]
