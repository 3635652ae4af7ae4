"""The rows that a lab begins with, and the hidden ones that its checks send."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Protocol

from mlops_lab.learn.labs.data.layout import KNOWN_AT, Layout

Request = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A row with its outcome: `values` by column, typed; moments in UTC."""

    values: dict[str, Any]
    layout: Layout

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.values[self.layout.id])

    @property
    def at(self) -> datetime:
        """When it is asked about."""
        return self._moment(self.layout.time)

    @property
    def known_at(self) -> datetime:
        """When its outcome was known."""
        return self._moment(KNOWN_AT)

    @property
    def label(self) -> bool:
        """Its outcome."""
        return bool(self.values[self.layout.label])

    @property
    def request(self) -> Request:
        """What a client sends when it is made."""
        fields = {name: self.values[name] for name in self.layout.fields}
        return {"id": self.id, **fields, self.layout.time: self.at.isoformat()}

    @property
    def outcome(self) -> dict[str, Any]:
        """What a client sends when it is known."""
        return {"id": self.id, KNOWN_AT: self.known_at.isoformat(), self.layout.label: self.label}

    def row(self) -> dict[str, str]:
        """Its columns as the text of a CSV file."""
        return {name: _as_text(value) for name, value in self.values.items()}

    def changed(self, **values: Any) -> Case:
        """The row with other values."""
        return replace(self, values={**self.values, **values})

    def _moment(self, name: str) -> datetime:
        value = self.values[name]
        assert isinstance(value, datetime)
        return value


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%MZ}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


class LabData(Protocol):
    """The data of a lab."""

    layout: Layout

    def cases(self, first: int, days: int) -> list[Case]:
        """The rows of some days, in the order of their time; the same each time."""

    def hidden(self, first: int, days: int) -> list[Case]:
        """Rows of days that were not handed out, for checks."""


def known_before(cases: Iterable[Case], first: date) -> list[Case]:
    """The rows of the past for a project that goes live on a day: what was known at noon of the day before.

    The days of a backtest count back from the newest moment: just before midnight, the oldest would have few rows."""
    noon = datetime.combine(first, time(), tzinfo=UTC) - timedelta(hours=12)
    return [case for case in cases if case.known_at < noon]


def write_cases(path: Path, cases: Iterable[Case], columns: Sequence[str]) -> None:
    """Write a table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(case.row() for case in cases)


def write_days(folder: Path, cases: Sequence[Case], *, name: str, first: date, days: int) -> None:
    """Write, for each day, the requests that were made on it, and the outcomes that became known on it,
    if there are any."""
    folder.mkdir(parents=True)
    for number in range(days):
        day = first + timedelta(days=number)
        made = (case for case in cases if case.at.date() == day)
        lines = "".join(f"{json.dumps(case.request, ensure_ascii=False)}\n" for case in made)
        (folder / f"{day}-{name}.jsonl").write_text(lines, encoding="utf-8")
        known = [case.row() | {"id": case.id} for case in cases if case.known_at.date() == day]
        if known:
            label = cases[0].layout.label
            rows = "".join(f"{row['id']},{row[KNOWN_AT]},{row[label]}\n" for row in known)
            (folder / f"{day}-outcomes.csv").write_text(f"id,{KNOWN_AT},{label}\n{rows}", encoding="utf-8")
