"""The past that a training set is made of: its labelled requests, and the inputs that they get from earlier facts.

A short history is read whole. Of a long one only parts of the facts are in memory at once, and of its rows those that
are kept; rows and inputs are the same, cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import numpy as np
import polars as pl

from mlops_lab.contracts.rules import Breach, find_breaches, merge_breaches
from mlops_lab.contracts.tables import explain_breaches
from mlops_lab.features.definition import Features
from mlops_lab.features.exact import Integers
from mlops_lab.features.in_parts import compute_in_parts
from mlops_lab.features.offline import compute, refused
from mlops_lab.features.view import columns_by_table
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.facts import AS_OF
from mlops_lab.tables.fields import request_fields, table_fields
from mlops_lab.training.fact_parts import FactParts, is_long, stored_rows
from mlops_lab.training.outcome_delay import read_training_facts
from mlops_lab.training.row_sample import Hashes, hash_ids


class History(Protocol):
    """What was known by `until`. Its rows are the labelled requests that a server would have answered, in the order of
    time, then id."""

    def moments(self) -> pl.Series:
        """When each row was requested. InvalidInput where stored rows break the contract."""

    def hashes(self, places: Integers) -> Hashes:
        """The hashes of the ids of the rows at these places."""

    def rows(self, kept: pl.Series | None) -> pl.DataFrame:
        """All columns of the rows to keep (None: of all rows). Called once, after the others but `inputs`."""

    def inputs(self, requests: pl.DataFrame) -> pl.DataFrame:
        """The model inputs of the requests of some rows."""


def open_history(project: Project, lake: Lake, features: Features, *, until: datetime) -> History:
    """The history of a project, in parts where it is long."""
    kind = PartedHistory if is_long(project, lake) else WholeHistory
    return kind(project, lake, features, until=until)


class WholeHistory:
    """A history whose facts are in memory as long as it is in use."""

    def __init__(self, project: Project, lake: Lake, features: Features, *, until: datetime) -> None:
        self._project, self._features, self._until = project, features, until
        self._facts = read_training_facts(project, lake, until=until)
        self._rows = pl.DataFrame()

    def moments(self) -> pl.Series:
        """When each row was requested."""
        labelled = self._facts[self._project.settings.source.table]
        for table in table_fields(self._project):
            if breaches := _find_breaches(self._project, table, self._facts[table]):
                raise explain_breaches(breaches)
        known = labelled.filter(_is_known(self._project, self._until))
        requests = requests_of(self._project, known)
        self._rows = known.filter(~refused(self._features, requests, time=AS_OF, facts=self._facts))
        return self._rows[self._project.settings.source.time]

    def hashes(self, places: Integers) -> Hashes:
        """The hashes of the ids of some rows."""
        return hash_ids(self._rows["_fact_id"].gather(places))

    def rows(self, kept: pl.Series | None) -> pl.DataFrame:
        """All columns of the rows to keep."""
        rows, self._rows = self._rows, pl.DataFrame()  # so that they are not held beside those that are kept
        return rows if kept is None else rows.filter(kept)

    def inputs(self, requests: pl.DataFrame) -> pl.DataFrame:
        """The model inputs of the requests of some rows."""
        return compute(self._features, requests, time=AS_OF, facts=self._facts)


class PartedHistory:
    """A history that is read part by part: once for its moments, and again for the rows to keep.

    In memory are, of all rows, the moments, the hashes of the ids, and the keys of views that refuse requests; and the
    rows to keep, all of them where `[training] max_rows` lets all be kept.
    """

    def __init__(
        self,
        project: Project,
        lake: Lake,
        features: Features,
        *,
        until: datetime,
        facts_at_once: int | None = None,
    ) -> None:
        self._project, self._features, self._until = project, features, until
        self._parts = FactParts(project, lake, until=until, facts_at_once=facts_at_once)
        max_rows = project.settings.training.max_rows
        self._may_sample = max_rows is not None and stored_rows(project, lake, project.settings.source.table) > max_rows
        self._read: list[pl.DataFrame] = []
        """All rows, refused ones too, where none can be left out by a sample."""
        self._places: Integers = np.empty(0, dtype=np.int64)
        """For each row its place among all rows as they are read, refused ones too."""
        self._count = 0
        self._moments = pl.Series(dtype=pl.Datetime("us", "UTC"))
        self._hashes: Hashes = np.empty(0, dtype=np.uint64)

    def moments(self) -> pl.Series:
        """When each row was requested."""
        time = self._project.settings.source.time
        refusing = [view for view in self._features.views if view.refuses]
        names = {time, *([AS_OF, *(field for view in refusing for field in view.keys)] if refusing else [])}
        light, hashes = [], []
        for rows in self._checked_rows():
            light.append(rows.select(names))
            if self._may_sample:
                hashes.append(hash_ids(rows["_fact_id"]))
            else:
                self._read.append(rows)
        self._check_other_tables()
        rows = pl.concat(light)
        self._count, self._places = rows.height, np.argsort(rows[time].to_physical().to_numpy(), kind="stable")
        if refusing:
            parts = self._parts.for_views(columns_by_table(refusing))
            _, is_refused = compute_in_parts(Features([], refusing), rows, time=AS_OF, parts=parts)
            self._places = self._places[~is_refused.to_numpy()[self._places]]
        self._hashes = np.concatenate(hashes)[self._places] if hashes else self._hashes
        self._moments = rows[time].gather(self._places)
        return self._moments

    def hashes(self, places: Integers) -> Hashes:
        """The hashes of the ids of some rows."""
        return self._hashes[places]

    def rows(self, kept: pl.Series | None) -> pl.DataFrame:
        """All columns of the rows to keep."""
        is_kept = np.zeros(self._count, dtype=bool)
        is_kept[self._places if kept is None else self._places[kept.to_numpy()]] = True
        found, done = [], 0
        for rows in self._read_again():
            found.append(rows.filter(pl.Series(is_kept[done : done + rows.height])))
            done += rows.height
        time = self._project.settings.source.time
        rows = pl.concat(found).sort(time, "_fact_id")
        assert rows[time].equals(self._moments if kept is None else self._moments.filter(kept)), "read in another order"
        return rows

    def inputs(self, requests: pl.DataFrame) -> pl.DataFrame:
        """The model inputs of the requests of some rows."""
        parts = self._parts.for_views(columns_by_table(self._features.views))
        return compute_in_parts(self._features, requests, time=AS_OF, parts=parts)[0]

    def _read_again(self) -> Iterator[pl.DataFrame]:
        if not self._read:
            yield from self._known_rows()
        while self._read:
            yield self._read.pop(0)  # so that no row is held twice

    def _known_rows(self) -> Iterator[pl.DataFrame]:
        for facts in self._parts.read(self._project.settings.source.table):
            yield facts.filter(_is_known(self._project, self._until))

    def _checked_rows(self) -> Iterator[pl.DataFrame]:
        """The rows as `_known_rows` reads them. At its end InvalidInput where some break the contract."""
        table, breaches = self._project.settings.source.table, []
        for facts in self._parts.read(table):
            breaches += _find_breaches(self._project, table, facts)
            yield facts.filter(_is_known(self._project, self._until))
        if breaches:
            raise explain_breaches(merge_breaches(breaches))

    def _check_other_tables(self) -> None:
        for table in self._project.settings.tables:
            breaches = [
                breach for facts in self._parts.read(table) for breach in _find_breaches(self._project, table, facts)
            ]
            if breaches:
                raise explain_breaches(merge_breaches(breaches))


def requests_of(project: Project, rows: pl.DataFrame) -> pl.DataFrame:
    """The requests of labelled rows: nothing that became known only later."""
    return rows.select(*(field.name for field in request_fields(project)), AS_OF)


def _is_known(project: Project, until: datetime) -> pl.Expr:
    return (pl.col("_known_at") < until) & (pl.col(project.settings.source.time) < until)


def _find_breaches(project: Project, table: str, facts: pl.DataFrame) -> list[Breach]:
    """The rules that facts break: they may be in the lake since before the contract had them."""
    source = project.settings.source
    rows = facts.rename({"_fact_id": source.id}) if table == source.table else facts
    return find_breaches(table, rows, table_fields(project)[table])
