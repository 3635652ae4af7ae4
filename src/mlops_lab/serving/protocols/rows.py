"""From rows whose values are loosely typed, as tables of other tools have them, to requests and their answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput, WrongMedia
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.batching import Batcher
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.http.messages import Request, bad_field
from mlops_lab.serving.protocols.native import check_rows

Row = dict[str, Any]


class RowsHandler:
    """Where rows come in that are answered all together, or not at all."""

    def __init__(self, doors: Schemas, batcher: Batcher, *, max_rows: int) -> None:
        self._batcher = batcher
        self._max_rows = max_rows
        self._type = list[doors.request]  # type: ignore[name-defined]
        self._numbers = [(field.name, field.kind == "integer") for field in doors.fields if field.kind in _NUMBERS]

    async def ask(self, rows: Sequence[Row]) -> list[PredictionRecord]:
        """The answers to all rows, in their order; InvalidInput names the first row that has none, and then no answer
        is written down.

        Tables have but one kind of number: NaN is a missing value, and a whole float may stand for an integer.
        """
        check_rows(len(rows), self._max_rows, where="rows")
        for place, row in enumerate(rows):
            self._settle_numbers(row, place)
        try:
            requests = msgspec.convert(rows, self._type)
        except msgspec.ValidationError as error:
            raise bad_field(error, "rows") from None
        return await self._batcher.answer_all(requests) if requests else []

    def _settle_numbers(self, row: Row, place: int) -> None:
        for name, is_integer in self._numbers:
            value = row.get(name)
            if type(value) is not float:
                continue
            if math.isnan(value):
                row[name] = None
            elif math.isinf(value):
                raise InvalidInput(
                    "a number must be finite", code="invalid_request", where=f"rows[{place}].{name}", hint="send null"
                )
            elif is_integer and value.is_integer():
                row[name] = int(value)


_NUMBERS = {"integer", "float"}


def refuse_compressed(call: Request) -> None:
    """WrongMedia where the body is compressed: then it would only be said not to be JSON."""
    coding = call.header(b"content-encoding")
    if coding is not None and coding != b"identity":
        raise WrongMedia(
            f"bodies are not taken in the coding {coding.decode('latin-1')!r}",
            code="compressed_body",
            where="header content-encoding",
            hint="send the body as it is",
        )
