"""A version in a folder of its own, with the facts that its views look up: it answers requests without its project.

standalone.json    which version it is, and the fields of a request
plan.json, …       the package's files that decide its answers
facts/*.parquet    the facts as they were known when the folder was written

Other tools' servers answer with it (`mlops export list`). Polars, NumPy and msgspec are all that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import polars as pl
from polars import selectors

from mlops_lab import clock
from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.tables import check_columns, judge_rows
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.inference.table_scorer import TableScorer
from mlops_lab.registry.package import open_package

STANDALONE_FILE = "standalone.json"
FACTS_FOLDER = "facts"
_TABLE = "rows"


class Standalone(msgspec.Struct, frozen=True, kw_only=True):
    """What the folder says about itself. `time` names the field of a request's moment; `timed_by_arrival`: it is the
    time at which the request arrives, and no request has it."""

    format: int = 1
    project: str
    version: int
    fingerprint: str
    fields: list[Field]
    time: str
    timed_by_arrival: bool
    tables: list[str]


class StandaloneModel:
    """The version in a folder, ready to answer. EnvironmentFault where the folder is damaged, or newer than this
    program."""

    def __init__(self, folder: Path) -> None:
        self.about = about = _read_about(folder / STANDALONE_FILE)
        package = open_package(folder, fingerprint=about.fingerprint)
        self.classes = package.plan.classes
        facts = {table: _read_facts(folder / FACTS_FOLDER / f"{table}.parquet") for table in about.tables}
        self._scorer = TableScorer(package, facts, time=about.time)

    def answer(self, columns: Mapping[str, list[object]]) -> list[float | list[float]]:
        """For each row a probability or a number, or the probabilities of all classes; the columns are named as the
        fields of a request, and others are left out. InvalidInput names the first row that has no answer."""
        if not any(columns.values()):
            return []
        frame = self._read(pl.DataFrame([pl.Series(name, values, strict=False) for name, values in columns.items()]))
        output, error = self._scorer.answer(*judge_rows(frame, tuple(self.about.fields), table=_TABLE))
        if error.count():
            row = int(error.is_not_null().arg_max() or 0)
            hint = "correct the row, or leave it out"
            raise InvalidInput(error[row], code="invalid_request", where=f"rows[{row}]", hint=hint)
        answers: list[float | list[float]] = output.to_list()
        return answers

    def _read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns that are fields of a request; those that may be left out are null, and so is what is no number
        (NaN)."""
        if self.about.timed_by_arrival:
            frame = frame.with_columns(pl.lit(clock.now()).alias(self.about.time))
        fields = self.about.fields
        omitted = [field for field in fields if field.nullable and field.name not in frame.columns]
        check_columns([*frame.columns, *(field.name for field in omitted)], fields, table=_TABLE)
        frame = frame.with_columns(pl.lit(None, field.dtype).alias(field.name) for field in omitted)
        known = frame.select(field.name for field in fields if field.name in frame.columns)
        return known.with_columns(selectors.float().fill_nan(None))


def _read_about(path: Path) -> Standalone:
    hint = "write the folder again with `mlops export`, and install the mlops-lab that wrote it"
    try:
        about = msgspec.json.decode(path.read_bytes(), type=Standalone)
    except (OSError, msgspec.DecodeError) as error:
        raise EnvironmentFault(f"cannot be read: {error}", code="bad_package", where=str(path), hint=hint) from None
    if about.format != 1:
        raise EnvironmentFault(f"has the unknown format {about.format}", code="bad_package", where=str(path), hint=hint)
    return about


def _read_facts(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        hint = "write the folder again with `mlops export`"
        raise EnvironmentFault(f"cannot be read: {error}", code="bad_package", where=str(path), hint=hint) from None
