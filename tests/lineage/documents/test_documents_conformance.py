"""What every document of `lineage/documents/document_list.py` must do. The message of a failed check says what is missing."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import yaml
from running import mlops
from webhook import open_webhook

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lineage.documents.document import Document
from mlops_lab.lineage.documents.document_list import DOCUMENTS
from mlops_lab.lineage.documents.version_facts import VersionFacts, read_version_facts
from mlops_lab.project import Project, load_project
from mlops_lab.serving.http.tokens import ensure_token

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
HOSTILE = [
    '<script>alert("x")</script>',
    "a|b",
    "two\nlines: - [x](y)",
    "`code`",
    "ü\u202e\x07",
    "---",
    "key: {v}",
    "'",
]


def make_hostile(facts: VersionFacts) -> VersionFacts:
    """The facts, with texts that a careless writer would let out of their place."""
    decision = replace(facts.decided, reason=" ".join(HOSTILE), by=HOSTILE[0])
    profile = msgspec.structs.replace(facts.profiles["depot"], categories=HOSTILE)
    tables = [
        replace(
            table, columns=[replace(column, name=f"{column.name}{HOSTILE[1]}{HOSTILE[0]}") for column in table.columns]
        )
        for table in facts.tables
    ]
    return replace(
        facts, label=HOSTILE[2], decisions=[decision], tables=tables, profiles={**facts.profiles, "depot": profile}
    )


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@every_document
def test_it_describes_itself(document: Document, facts: VersionFacts) -> None:
    assert document.name.isidentifier(), "the name is a word of the command line"
    assert len(document.summary) <= 80, "the summary fits into a line of the table"
    assert [entry.name for entry in DOCUMENTS].count(document.name) == 1, "two documents have the same name"
    files = document.make(facts)
    assert any(name == document.main or name.startswith(f"{document.main}/") for name in files)
    assert all(name == document.main or name.startswith(f"{document.main}/") for name in files), "a file beside `main`"


@every_document
def test_a_copy_of_the_project_elsewhere_gives_the_same_bytes(
    document: Document, facts: VersionFacts, live_project: Project, tmp_path: Path
) -> None:
    moved = load_project(shutil.copytree(live_project.root, tmp_path / "moved"))
    first, again = document.make(facts), document.make(read_version_facts(moved, 1))
    assert first.keys() == again.keys()
    assert not [name for name, content in first.items() if content != again[name]]


@every_document
def test_nothing_in_it_is_secret_or_of_this_machine(
    document: Document, live_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL", "hunter2")
    folder = Path(shutil.copytree(live_project.root, tmp_path / "with secrets"))
    text = (folder / "mlops.toml").read_text()
    (folder / "mlops.toml").write_text(text + '\n[alerts.channels]\nmail = "env:MAIL"\n')
    project = load_project(folder)
    secrets = {ensure_token(project), "hunter2", str(project.root), str(Path.home()), sys.prefix, "file://"}
    for name, content in document.make(read_version_facts(project, 1)).items():
        for secret in secrets:
            assert secret.encode() not in content, f"{name} holds {secret}: no secrets, and no paths of this machine"


@every_document
def test_hostile_names_stay_in_their_place(document: Document, facts: VersionFacts) -> None:
    for name, content in document.make(make_hostile(facts)).items():
        match Path(name).suffix:
            case ".json" if not name.startswith("oci/blobs"):
                json.loads(content)
            case ".ndjson":
                assert len([json.loads(line) for line in content.splitlines()]) == 2
            case ".md":
                _check_markdown(content.decode())
    if document.main.startswith("mlmodel"):
        yaml.safe_load(document.make(make_hostile(facts))["mlmodel/MLmodel"])


def _check_markdown(text: str) -> None:
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    assert yaml.safe_load(head)["tags"]
    assert "<script" not in body
    assert "](y)" not in body.replace("\\]", "")
    columns = 0
    for line in body.splitlines():
        if line.startswith("|"):
            bars = line.replace("\\|", "").count("|")
            assert columns in {0, bars}, line
            columns = bars
        else:
            columns = 0


def test_the_command_writes_all_or_some(facts: VersionFacts, live_project: Project, tmp_path: Path) -> None:
    printed = mlops("docs", 1, tmp_path / "all", project=live_project.root).data
    assert [entry["name"] for entry in printed["documents"]] == [document.name for document in DOCUMENTS]
    made = [document.make(facts) for document in DOCUMENTS]
    assert read_folder(tmp_path / "all") == {name: content for files in made for name, content in files.items()}
    assert [entry["files"] for entry in printed["documents"]] == [len(files) for files in made]
    with open_webhook() as webhook:
        words = ("--only", "openlineage", "--send", f"http://{webhook.address}/api/v1/lineage")
        printed = mlops("docs", 1, tmp_path / "some", *words, project=live_project.root).data
        assert printed["sent_events"] == len(webhook.received) == 2
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["openlineage.ndjson"]


def test_the_command_refuses_what_it_cannot_write(live_project: Project, tmp_path: Path) -> None:
    def refuse(*words: object, code: int = 2) -> str:
        error: str = mlops("docs", *words, project=live_project.root, code=code).error["code"]
        return error

    assert refuse(7, tmp_path / "new") == "unknown_version"
    assert refuse(1, tmp_path / "new", "--only", "card,poem") == "unknown_document"
    assert refuse(1, tmp_path / "new", "--send", "ftp://127.0.0.1") == "bad_address"
    assert refuse(1, tmp_path / "new", "--send", "http://127.0.0.1:1/v1", code=3) == "not_sent"
    (tmp_path / "thesis.txt").write_text("years of work")
    assert refuse(1, tmp_path) == "folder_taken"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("profile.json", "{", "bad_package"),
        ("environment.json", "[]", "bad_package"),
        ("MLmodel", "[", "bad_package"),
        ("MLmodel", "text", "bad_package"),
        ("plan.json", "{}", "package_changed"),
    ],
)
def test_a_damaged_package_is_an_error(
    name: str, content: str, code: str, live_project: Project, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(live_project.root, tmp_path / "damaged"))
    (path,) = folder.glob(f".mlops/mlflow/artifacts/*/artifacts/model/{name}")
    path.write_text(content)
    with pytest.raises(EnvironmentFault) as caught:
        read_version_facts(load_project(folder), 1)
    assert caught.value.code == "package_changed", "it is not what was signed"
    (folder / ".mlops" / "keys.json").unlink()
    with pytest.raises(EnvironmentFault) as caught:
        read_version_facts(load_project(folder), 1)
    assert caught.value.code == code
