"""Every check: what it says about itself, and what it finds in a project that is well, in broken ones, and in none."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.cli.commands import COMMANDS
from mlops_lab.cli.main import load_command
from mlops_lab.doctor.catalog import CHECKS
from mlops_lab.doctor.check import Check, Patient
from mlops_lab.doctor.records import CheckResult
from mlops_lab.doctor.run import admit, examine, run_check
from mlops_lab.project import Project

DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"
every = pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])


def check_commands(text: str) -> None:
    """The commands in a hint exist, with their options."""
    for line in re.findall(r"`(mlops [^`]+)`", text):
        words = shlex.split(line)[1:]
        command: Any = load_command(COMMANDS[words[0]])
        if hasattr(command, "commands"):
            command = command.commands[words[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def check_result(result: CheckResult) -> None:
    assert result.state in {"ok", "warn", "fail", "off"}
    assert result.seen
    assert result.seen[-1] not in ".!"
    assert "Traceback" not in result.seen
    assert "the check itself failed" not in result.seen
    assert result.hint or result.state in {"ok", "off"}, "say what is to be done"
    check_commands(result.hint or "")


def replace_text(path: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / path).write_text(text)


def delete(path: str) -> Callable[[Path], object]:
    return lambda root: shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


def cut_a_table(root: Path) -> None:
    files = (root / ".mlops" / "lake" / "decisions").glob("*.parquet")
    min(files, key=lambda path: path.stat().st_mtime_ns).unlink()  # of the last commit, it would be undone


def cut_the_model(root: Path) -> None:
    next((root / ".mlops" / "mlflow" / "artifacts").rglob("plan.json")).write_text("{}")


def fill_a_log(root: Path) -> None:
    """The oldest commit of a table is no JSON."""
    sorted((root / ".mlops" / "lake" / "parcels" / "_delta_log").glob("*.json"))[0].write_bytes(b"\xff{")


BROKEN: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "settings are no TOML": (replace_text("mlops.toml", "[project\n"), {"settings"}),
    "settings have an unknown key": (replace_text("mlops.toml", "[projekt]\n"), {"settings"}),
    "settings are no text": (lambda root: (root / "mlops.toml").write_bytes(b"\xff"), {"settings"}),
    "no pipeline": (delete("pipeline.py"), {"pipeline"}),
    "pipeline is no Python": (replace_text("pipeline.py", "def (:\n"), {"pipeline"}),
    "no state": (delete(".mlops"), set()),
    "state is a file": (lambda root: (shutil.rmtree(root / ".mlops"), (root / ".mlops").write_text("")), set()),
    "no lake": (delete(".mlops/lake"), set()),
    "a file of a table is gone": (cut_a_table, {"lake"}),
    "a log cannot be read": (fill_a_log, {"lake"}),
    "routing table is empty": (replace_text(".mlops/deployment.json", ""), {"version"}),
    "package was changed": (cut_the_model, {"version"}),
    "no packages": (delete(".mlops/mlflow/artifacts"), {"version"}),
    "no database": (
        replace_text(".mlops/mlflow/mlflow.db", "this is no database, and long enough to be read as one" * 9),
        {"mlflow"},
    ),
    "keys are no JSON": (replace_text(".mlops/keys.json", "{"), {"keys"}),
}


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """All files and folders below, with what changes when one is written."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }


def test_names_are_different_and_in_the_page() -> None:
    names = [check.name for check in CHECKS]
    assert len({*names}) == len(names)
    page = DOCS.read_text()
    assert [name for name in names if f"| `{name}` |" not in page] == []


@every
def test_a_check_says_what_it_looks_at(check: Check) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", check.name)
    assert check.looks_at
    assert check.looks_at[-1] != "."
    assert "|" not in check.looks_at


@every
def test_a_project_that_is_well(check: Check, live_project: Project) -> None:
    result = run_check(check, admit(live_project.root))
    check_result(result)
    assert result.state in (
        {"ok", "off", "warn"} if check.name in {"fsync", "memory", "disk", "mlflow", "packages"} else {"ok", "off"}
    )


@every
def test_no_project_at_all(check: Check, tmp_path: Path) -> None:
    result = run_check(check, admit(tmp_path))
    check_result(result)
    assert (result.state == "off") == (check.needs != "machine")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_project(name: str, copied: Path) -> None:
    break_it, failing = BROKEN[name]
    break_it(copied)
    found = examine(admit(copied))
    for result in found.checks:
        check_result(result)
    failed = {result.name for result in found.checks if result.state == "fail"}
    assert failed >= failing, found
    assert found.failed == len(failed)


def test_nothing_is_changed(copied: Path) -> None:
    sorted((copied / ".mlops" / "lake" / "parcels" / "_delta_log").glob("*.json"))[-1].write_bytes(b"")  # a power cut
    before = snapshot(copied)
    found = examine(admit(copied))
    assert snapshot(copied) == before
    assert {result.name: result.state for result in found.checks}["lake"] != "ok", "it would be mended by others"


def test_a_check_is_given_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("nonsense")
    patient = admit(tmp_path)
    assert (patient.root, patient.project) == (tmp_path, None)
    assert isinstance(patient, Patient)
    states = {check.name: run_check(check, patient).state for check in CHECKS if check.needs == "settings"}
    assert {*states.values()} == {"off"}
