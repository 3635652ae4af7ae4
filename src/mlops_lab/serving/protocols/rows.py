"""From rows whose values are loosely typed, as tables of other tools have them, to requests and their answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput, TooLarge
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.batching import Batcher
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.http.messages import bad_field

Row = dict[str, Any]
_NUMBERS = {"integer", "float"}


class RowsHandler:
    """Answers the rows of a table all together, or none of them."""

    def __init__(self, schemas: Schemas, batcher: Batcher, *, max_rows: int) -> None:
        self._batcher = batcher
        self._max_rows = max_rows
        self._type = list[schemas.request]  # type: ignore[name-defined]
        self._numbers = [(field.name, field.kind == "integer") for field in schemas.fields if field.kind in _NUMBERS]

    async def answer(self, rows: Sequence[Row]) -> list[PredictionRecord]:
        """The answers to all rows, in their order. InvalidInput names the first row that has none; then no answer is
        written down.

        Many tables have only one type of number: NaN is a missing value, and a whole float may stand for an integer.
        """
        check_row_count(len(rows), self._max_rows, where="rows")
        for index, row in enumerate(rows):
            convert_numbers(row, self._numbers, index=index)
        try:
            requests = msgspec.convert(rows, self._type)
        except msgspec.ValidationError as error:
            raise bad_field(error, "rows") from None
        return await self._batcher.answer_all(requests) if requests else []


def convert_numbers(row: Row, fields: Sequence[tuple[str, bool]], *, index: int) -> None:
    """Replace floats in the row: NaN by None, and in a field of integers a whole float by the integer.

    `fields` are names, each with whether it is an integer. InvalidInput where a number is infinite.
    """
    for name, is_integer in fields:
        value = row.get(name)
        if type(value) is not float:
            continue
        if math.isnan(value):
            row[name] = None
        elif math.isinf(value):
            raise InvalidInput(
                "a number must be finite", code="invalid_request", where=f"rows[{index}].{name}", hint="send null"
            )
        elif is_integer and value.is_integer():
            row[name] = int(value)


def check_row_count(rows: int, max_rows: int, *, where: str) -> None:
    """TooLarge where a request has more rows than the server takes at once."""
    if rows > max_rows:
        raise TooLarge(
            f"{rows:,} rows at once, and {max_rows:,} are allowed",
            code="too_many_rows",
            where=where,
            hint="send fewer at a time, or raise serving.max_rows; `mlops score` is made for files",
        )
