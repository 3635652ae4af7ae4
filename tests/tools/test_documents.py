"""Documents, read by their own tools, in an environment of their own; and a registry that the layout is pushed to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import mlops
from synthetic import make_world, write_project

from mlops_lab.inference.predictor import Predictor
from mlops_lab.lineage.documents.version_facts import VersionFacts, read_version_facts
from mlops_lab.project import Project, load_project

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]
PYTHON = Path(__file__).parents[2] / ".peers" / "documents" / "bin" / "python"


def skip(what: str, *, hint: str) -> None:
    """Skip the test; fail it in CI."""
    assert not os.environ.get("CI"), f"CI lacks {what}"
    pytest.skip(f"needs {what}: {hint}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a version, and a declared licence."""
    folder = tmp_path_factory.mktemp("documented") / "parcels"
    write_project(folder, make_world())
    text = (folder / "mlops.toml").read_text()
    (folder / "mlops.toml").write_text(text.replace("[project]", '[project]\nlicense = "Apache-2.0"', 1))
    mlops("run", project=folder)
    return load_project(folder)


@pytest.fixture(scope="module")
def facts(project: Project) -> VersionFacts:
    return read_version_facts(project, 1)


@pytest.fixture(scope="module")
def folder(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents") / "parcels-1"
    mlops("docs", 1, folder, project=project.root)
    return folder


def ask(check: str, *arguments: object) -> Any:
    """What the tool says."""
    if not PYTHON.exists():
        skip("the tools of documents in an environment of their own", hint="make peers")
    script = Path(__file__).with_name("ask_documents.py")
    done = subprocess.run(
        [PYTHON, script, check, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_hugging_face_reads_the_card(folder: Path, facts: VersionFacts) -> None:
    read = ask("card", folder / "README.md")
    (sanity,) = (gate for gate in facts.gates if gate.gate == "sanity")
    assert read == {
        "name": "parcels, version 1",
        "license": "apache-2.0",
        "pipeline": "tabular-classification",
        "results": {name: sanity.evidence[name] for name in ("calibration_gap", "log_loss")},
    }


def test_the_bill_of_materials_is_valid(folder: Path, facts: VersionFacts) -> None:
    read = ask("bom", folder / "bom.cdx.json")
    assert read["error"] is None
    assert set(read["components"]) >= {"mlops-lab", "lightgbm", *(table.name for table in facts.tables)}


def test_mlcroissant_loads_all_rows(folder: Path, project: Project, facts: VersionFacts) -> None:
    copy = Path(shutil.copy(folder / "croissant.json", project.root / "croissant.json"))
    read = ask("croissant", copy)
    assert read["errors"] == []
    assert all("is recommended, but does not exist" in warning for warning in read["warnings"])
    for table in facts.tables:
        sets = {name: rows for name, rows in read["rows"].items() if name.split(" ")[0] == table.name}
        assert sum(sets.values()) == table.snapshot.rows


def test_openlineage_reads_its_events(folder: Path) -> None:
    written = [json.loads(line) for line in (folder / "openlineage.ndjson").read_text().splitlines()]
    read = ask("openlineage", folder / "openlineage.ndjson")
    assert without_empty(read) == without_empty(written), "the types add what is empty by default"


def without_empty(value: Any) -> Any:
    """The value without empty lists and objects inside of it."""
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    if isinstance(value, dict):
        return {name: without_empty(item) for name, item in value.items() if item not in ([], {})}
    return value


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of a registry on loopback."""
    program = shutil.which("docker-registry")
    if program is None:
        skip("a registry", hint="apt install docker-registry")
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": "127.0.0.1:0"},
    }
    (tmp_path / "registry.json").write_text(json.dumps(config))  # JSON is YAML, too
    command = [str(program), "serve", str(tmp_path / "registry.json")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            address = next(match[1] for line in process.stderr if (match := re.search(r"listening on ([\d.:]+)", line)))
            yield address
        finally:
            process.terminate()


def test_a_registry_takes_and_gives_the_package(
    folder: Path, registry: str, facts: VersionFacts, tmp_path: Path
) -> None:
    read = ask("registry", folder / "oci", f"{registry}/parcels:1", tmp_path / "pulled")
    assert read["artifact"] == "application/vnd.cncf.model.manifest.v1+json"
    assert read["config"]["descriptor"]["revision"] == facts.origin.fingerprint
    assert read["config"]["descriptor"]["licenses"] == ["Apache-2.0"]
    documents = {"README.md", "bom.cdx.json", "croissant.json", "openlineage.ndjson"}
    assert set(read["files"]) == {*facts.files, *documents}
    for name in documents:
        assert (tmp_path / "pulled" / name).read_bytes() == (folder / name).read_bytes()
    pulled = Predictor(tmp_path / "pulled", version=1, fingerprint=facts.origin.fingerprint)
    assert pulled.plan == facts.plan
