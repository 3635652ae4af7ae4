"""What a command printed with `--json`, read as the record that is published for it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from mlops_lab.cli.json_schemas import ERROR, RECORDS
from mlops_lab.cli.records.tables import ByTable
from mlops_lab.cli.shared import encode_record


def read_output(words: list[str], line: str) -> msgspec.Struct:
    """The record in a line that the command of these words printed, or the error that ended it.

    AssertionError where the line is not exactly such a record: nothing is missing, nothing has another type, and there
    is nothing more.
    """
    data = json.loads(line)
    name = ERROR if data.keys() == {"schema_version", "error", "exit_code"} else name_command(words)
    assert name in RECORDS, f"there is no command {name!r}, and this is no error: {line}"
    matches = [record for record in map(_decoder(data), RECORDS[name]) if record is not None]
    assert matches, f"`mlops {name} --json` printed no record of {[each.__name__ for each in RECORDS[name]]}: {line}"
    return matches[0]


def name_command(words: list[str]) -> str:
    """The command that the words begin with: `features list`."""
    pair = " ".join(words[:2])
    return pair if pair in RECORDS else "".join(words[:1])


def _decoder(data: dict[str, Any]) -> Any:
    def decode(record: type[msgspec.Struct]) -> msgspec.Struct | None:
        tables = {key: value for key, value in data.items() if key != "schema_version"}
        whole = (
            {"schema_version": data.get("schema_version"), "tables": tables} if issubclass(record, ByTable) else data
        )
        try:
            decoded = msgspec.json.decode(json.dumps(whole), type=record)
        except msgspec.ValidationError:
            return None
        assert json.loads(encode_record(decoded)) == data, f"{record.__name__} does not say everything"
        return decoded

    return decode
