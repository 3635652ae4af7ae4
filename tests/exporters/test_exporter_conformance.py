"""What every exporter of `exporters/catalog.py` must do. The message of a failed check says what is missing."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from outputs import read_output
from typer.testing import CliRunner

from mlops_lab.cli.export import make_app
from mlops_lab.cli.records.exports import ExportList
from mlops_lab.clock import EPOCH
from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.catalog import EXPORTERS
from mlops_lab.exporters.exporter import Exporter
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.serving.http.tokens import ensure_token

NAME = f"2nd_Shop-{'x' * 60}_"
"""A name that is allowed in mlops.toml, and not in many tools."""
every_exporter = pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda exporter: exporter.name)


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_export(exporter: Exporter, project: Project, folder: Path) -> None:
    """The checks that every export into a new folder must pass."""
    report = exporter.export(project, folder)
    files = read_files(folder)
    assert report.lines, "the report has no line that says what was written"
    for pattern in exporter.writes:
        assert any(Path(name).match(pattern) for name in files), f"`writes` names {pattern}, but there is no such file"
    for name in files:
        assert any(Path(name).match(pattern) for pattern in exporter.writes), f"`writes` does not name {name}"
    assert "README.md" in files, "a README.md must say how the files are used"
    command = f"mlops export {exporter.name}".encode()
    assert command in files["README.md"], f"README.md must say by what command it was made: {command.decode()}"
    secrets = {ensure_token(project), "hunter2", str(project.root), str(folder), str(Path.home()), sys.prefix}
    for name, data in files.items():
        for secret in secrets:
            assert secret.encode() not in data, f"{name} holds {secret}: no secrets, and no paths of this machine"


@every_exporter
def test_it_describes_itself(exporter: Exporter) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", exporter.name), "the name is a word of the command line"
    assert exporter.name.islower()
    assert exporter.summary.endswith("."), "the summary is a sentence"
    assert len(exporter.summary) <= 120, "the summary fits into one line of the help"
    assert exporter.name not in {"list", "check"}, "that is a command of its own"
    assert bool(exporter.read_by) == bool(exporter.said), "what read it and what that said belong together"
    assert exporter.read_by or exporter.unchecked, "say which public command read it, or why none did"
    assert not exporter.unchecked or "," in exporter.unchecked, "say what is unchecked, and after a comma why"
    assert [entry.name for entry in EXPORTERS].count(exporter.name) == 1, "two exporters have the same name"


@every_exporter
def test_it_writes_what_it_says_and_nothing_private(
    exporter: Exporter, edit_config: Callable[[str, str], Project], tmp_path: Path
) -> None:
    project = edit_config(
        'data = "data/traffic.csv"', 'data = "postgresql://lab:hunter2@127.0.0.1:1/lab"\nquery = "traffic"'
    )
    check_export(exporter, project, tmp_path / "exported")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "no draft is left behind"


@every_exporter
def test_it_fills_an_empty_folder(exporter: Exporter, live_project: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    check_export(exporter, live_project, tmp_path / "empty")


READERS: dict[str, Callable[[str], object]] = {
    ".py": ast.parse,
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": lambda text: list(yaml.safe_load_all(text)),
    ".yml": lambda text: list(yaml.safe_load_all(text)),
}


@every_exporter
def test_a_hard_name_is_no_problem(
    exporter: Exporter, edit_config: Callable[[str, str], Project], tmp_path: Path
) -> None:
    project = edit_config('name = "parcels"', f"name = {json.dumps(NAME)}")
    exporter.export(project, tmp_path / "exported")
    for name, data in read_files(tmp_path / "exported").items():
        if read := READERS.get(Path(name).suffix):
            read(data.decode())  # raises where the file is broken


@every_exporter
def test_two_exports_have_the_same_bytes(exporter: Exporter, live_project: Project, tmp_path: Path) -> None:
    exporter.export(live_project, tmp_path / "first")
    exporter.export(live_project, tmp_path / "second")
    first, second = read_files(tmp_path / "first"), read_files(tmp_path / "second")
    assert first.keys() == second.keys()
    differing = [name for name, data in first.items() if data != second[name]]
    assert not differing, f"{differing} differ from one export to the next: leave out times, ids and random order"


@every_exporter
def test_it_says_what_would_change(exporter: Exporter, live_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    assert set(exporter.compare(live_project, folder).values()) == {"new"}
    assert not folder.exists()
    exporter.export(live_project, folder)
    (folder / "notes.of.mine").write_text("not part of the export")
    assert set(exporter.compare(live_project, folder).values()) == {"same"}
    (folder / "README.md").write_text("edited")
    assert exporter.compare(live_project, folder)["README.md"] == "changed"


@every_exporter
def test_a_folder_with_files_in_it_is_left_alone(exporter: Exporter, live_project: Project, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for taken in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(InvalidInput) as caught:
            exporter.export(live_project, taken)
        assert (caught.value.code, caught.value.where) == ("folder_taken", str(taken))
        assert caught.value.hint
    assert read_files(tmp_path) == {"thesis.txt": b"years of work"}


@every_exporter
def test_a_project_without_a_live_version(exporter: Exporter, new_project: Project, tmp_path: Path) -> None:
    if exporter.needs_data:
        with pytest.raises(InvalidInput) as caught:
            exporter.export(new_project, tmp_path / "before the first run")
        assert "mlops run" in (caught.value.hint or ""), "the hint names the command that is needed first"
    else:
        check_export(exporter, new_project, tmp_path / "before the first run")
    load_sources(new_project, Lake(new_project.lake_path), now=EPOCH, received_at=EPOCH)
    if not exporter.needs_live_version:
        check_export(exporter, new_project, tmp_path / "exported")
        return
    with pytest.raises(InvalidInput) as caught:
        exporter.export(new_project, tmp_path / "exported")
    assert caught.value.code == "nothing_live", "`needs_live_version`: use rollout.versions.find_champion"
    assert "mlops run" in (caught.value.hint or "")
    assert [path.name for path in tmp_path.iterdir()] == ["parcels"], "nothing is left behind"


def test_the_help_lists_the_exporters_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for exporter in EXPORTERS:
        monkeypatch.delitem(sys.modules, exporter.module, raising=False)
    shown = CliRunner().invoke(make_app(EXPORTERS), ["--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for exporter in EXPORTERS:
        assert exporter.name in shown.stdout
        assert exporter.summary in shown.stdout
        assert exporter.module not in sys.modules


ANOTHER = '''
"""The project as one line of text."""

from pathlib import Path

from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write the name of the project."""
    (folder / "README.md").write_text("Written by `mlops export plain`: name.txt is the name of the project.")
    (folder / "name.txt").write_text(project.name)
    return ExportReport({"letters": len(project.name)}, (f"{len(project.name)} letters",))
'''


def test_one_more_exporter_as_contributing_says(
    live_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain_exporter.py").write_text(ANOTHER)
    monkeypatch.syspath_prepend(tmp_path)
    plain = Exporter(
        name="plain",
        summary="The name of the project.",
        writes=("README.md", "name.txt"),
        module="plain_exporter",
        unchecked="all of it, as no tool reads it",
    )
    check_export(plain, live_project, tmp_path / "exported")
    app = make_app((*EXPORTERS, plain))
    folder = tmp_path / "from the command line"
    arguments = ["plain", str(folder), "--project", str(live_project.root)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f'{{"schema_version": 1, "folder": "{folder}", "letters": 7}}'
    assert read_files(folder) == read_files(tmp_path / "exported")
    taken = CliRunner().invoke(app, arguments)
    assert isinstance(taken.exception, InvalidInput)
    assert "The name of the project." in CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout


def test_every_exporter_is_listed_with_what_tested_it() -> None:
    done = CliRunner().invoke(make_app(EXPORTERS), ["list", "--json"])
    assert done.exit_code == 0
    told = read_output(["export", "list"], done.stdout)
    assert isinstance(told, ExportList)
    assert [tool.name for tool in told.tools] == [exporter.name for exporter in EXPORTERS]
    for tool in told.tools:
        words = {tool.read_by, tool.said, tool.unchecked}
        assert all(part in tool.tested for part in words)
