"""What commands print with `--json` is published as JSON schemas, and released fields stay."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import typer

from mlops_lab.alerts.alert import Alert
from mlops_lab.cli import json_schemas
from mlops_lab.cli.json_schemas import ERROR, RECORDS, file_name, list_fields, make_schema, write_json
from mlops_lab.cli.records.server import StoppedEvent
from mlops_lab.cli.records.tables import BreachRecord, ContractDifferences, FieldRecord
from mlops_lab.cli.records.tuning import TrialRecord, TuneRecord
from mlops_lab.cli.shared import encode_record, print_record
from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.rules import Breach
from mlops_lab.rollout.decision_record import DecisionRecord
from mlops_lab.rollout.decisions import Decision
from mlops_lab.runtime.up import UpSummary
from mlops_lab.status.records import AlertRecord
from mlops_lab.tuning.result import ParameterResult, Tuning

PUBLISHED = Path(__file__).parents[2] / "docs" / "json"
RELEASED_FILE = Path(__file__).parent / "released_fields.json"
RELEASED: dict[str, dict[str, str]] = json.loads(RELEASED_FILE.read_text())
GENERATE = "python -m mlops_lab.cli.json_schemas docs/json"
RELEASE = f"{GENERATE} tests/cli/released_fields.json"


def commands_with_json(command: Any, name: str = "") -> Iterator[str]:
    """The full names of a command and of those in its groups that have the option `--json`."""
    for inner_name, inner in ((each, command.get_command(None, each)) for each in command.list_commands(None)):
        full_name = f"{name} {inner_name}".strip()
        if hasattr(inner, "list_commands"):
            yield from commands_with_json(inner, full_name)
        elif any("--json" in parameter.opts for parameter in inner.params):
            yield full_name


def test_every_command_with_json_has_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mlops", "status"])  # as for any command: commands are loaded whole
    main = importlib.import_module("mlops_lab.cli.main")  # the package exports its function under the same name
    commands = set(commands_with_json(typer.main.get_command(main.app)))
    assert commands == RECORDS.keys() - {ERROR}, "add the command's record to RECORDS in mlops_lab/cli/json_schemas.py"


def test_published_schemas_are_those_of_the_records() -> None:
    changed = [
        command
        for command in RECORDS
        if (PUBLISHED / file_name(command)).read_text() != write_json(make_schema(command))
    ]
    assert changed == [], f"out of date: run `{GENERATE}`"


def test_nothing_else_is_published() -> None:
    assert {path.name for path in PUBLISHED.glob("*.json")} == {file_name(command) for command in RECORDS}
    table = (PUBLISHED / "README.md").read_text()
    assert [command for command in RECORDS if f"]({file_name(command)})" not in table] == []


def test_every_record_has_a_schema_version_and_a_description() -> None:
    for command, records in RECORDS.items():
        for record in records:
            assert {field.name: field.default for field in msgspec.structs.fields(record)}["schema_version"] == 1
            assert record.__doc__, f"say in the docstring of {record.__name__} what its fields are"
        definitions = make_schema(command).get("$defs", {})
        assert [name for name, definition in definitions.items() if not definition["description"]] == []


# ---- released fields -------------------------------------------------------------------------------------------------


def check_released_fields_stay(command: str) -> None:
    assert command in RECORDS, f"`mlops {command} --json` was released and must stay"
    fields = list_fields(make_schema(command))
    gone = [path for path in RELEASED[command] if path not in fields]
    assert not gone, f"these fields of {command} were released: programs read them, they must stay"
    changed = {path: (kind, fields[path]) for path, kind in RELEASED[command].items() if fields[path] != kind}
    assert not changed, (
        f"these fields of {command} were released with another type (released, now): add a field instead"
    )


def test_released_fields_stay_as_they_are() -> None:
    for command in RELEASED:
        check_released_fields_stay(command)


def check_new_fields_are_released(command: str) -> None:
    new = [path for path in list_fields(make_schema(command)) if path not in RELEASED.get(command, {})]
    assert not new, f"new fields of {command}, which may still change; to release them, run `{RELEASE}`"


def test_new_fields_are_released() -> None:
    for command in RECORDS:
        check_new_fields_are_released(command)


def test_a_field_that_disappears_or_changes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Changed(msgspec.Struct, kw_only=True):
        """A status without most of its fields."""

        schema_version: int = 1
        project: int

    monkeypatch.setitem(RECORDS, "status", (Changed,))
    with pytest.raises(AssertionError, match="must stay"):
        check_released_fields_stay("status")
    monkeypatch.setitem(RELEASED, "status", {"project": "string"})
    with pytest.raises(AssertionError, match="another type"):
        check_released_fields_stay("status")
    monkeypatch.setitem(RELEASED, "status", {"project": "integer"})
    check_released_fields_stay("status")
    with pytest.raises(AssertionError, match="to release them"):
        check_new_fields_are_released("status")


def test_releasing_adds_fields_and_changes_none(tmp_path: Path) -> None:
    file = tmp_path / "released.json"
    file.write_text(json.dumps({"run": {"at": "number", "old": "string"}}))
    json_schemas.release_fields(file)
    released = json.loads(file.read_text())
    assert (released["run"]["at"], released["run"]["old"], released["run"]["by"]) == ("number", "string", "string")
    assert released.keys() == RECORDS.keys()


class Inner(msgspec.Struct):
    """Inside."""

    value: float


class Outer(msgspec.Struct):
    """Outside."""

    items: list[Inner]
    by_name: dict[str, Inner | None]
    anything: Any
    schema_version: int = 1


def test_fields_are_listed_by_path_and_type() -> None:
    references, definitions = msgspec.json.schema_components([Outer], ref_template="#/$defs/{name}")
    assert list_fields({**references[0], "$defs": definitions}) == {
        "items": "array",
        "items[]": "object",
        "items[].value": "number",
        "by_name": "object",
        "by_name{}": "null or object",
        "by_name{}.value": "number",
        "anything": "any",
        "schema_version": "integer",
    }


# ---- printing --------------------------------------------------------------------------------------------------------


class Printed(msgspec.Struct, kw_only=True):
    """A record of values that JSON does not have."""

    schema_version: int = 1
    values: dict[int, Any]
    left_out: str | msgspec.UnsetType = msgspec.UNSET


def test_values_that_json_does_not_have_are_printed_as_python_writes_them() -> None:
    moment = datetime(2024, 3, 25, 12, tzinfo=UTC)
    values = {1: moment, 2: date(2024, 3, 25), 3: Path("a/b"), 4: (1, None)}
    assert json.loads(encode_record(Printed(values=values))) == {
        "schema_version": 1,
        "values": {"1": "2024-03-25 12:00:00+00:00", "2": "2024-03-25", "3": "a/b", "4": [1, None]},
    }


def test_numbers_of_other_libraries_stay_numbers() -> None:
    assert json.loads(encode_record(Printed(values={1: np.float64(0.25)})))["values"] == {"1": 0.25}


def test_rows_are_printed_as_one_more_key(capsys: pytest.CaptureFixture[str]) -> None:
    for rows in ([], [{"id": 1}], [{"id": 1}, {"id": date(2024, 3, 25)}]):
        print_record(Printed(values={}), rows=("rows", iter(rows)))
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1
        assert json.loads(lines[0])["rows"] == json.loads(json.dumps(rows, default=str))


def test_tables_are_keys_of_the_object_itself() -> None:
    record = ContractDifferences(tables={"orders": ["x: not declared"]})
    assert json.loads(encode_record(record)) == {"schema_version": 1, "orders": ["x: not declared"]}


# ---- nothing is lost on the way to a record --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "source"),
    [
        (AlertRecord, Alert),
        (BreachRecord, Breach),
        (DecisionRecord, Decision),
        (FieldRecord, Field),
        (StoppedEvent, UpSummary),
        (TrialRecord, ParameterResult),
        (TuneRecord, Tuning),
    ],
)
def test_a_record_has_every_field_of_what_it_is_made_from(record: type[msgspec.Struct], source: type) -> None:
    fields = {field.name for field in dataclasses.fields(source)}
    assert set(record.__struct_fields__) - {"schema_version"} == fields
