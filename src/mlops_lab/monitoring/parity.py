"""Parity: features that were served are computed again, offline, as of their own time, and compared cell by cell.

So are the answers, from the inputs that were logged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from mlops_lab.errors import MlopsError, NotFound
from mlops_lab.features.view import View
from mlops_lab.inference.feature_reader import TOO_OLD
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.lake.damage import read_readable
from mlops_lab.monitoring.answers import answer_again, find_other_answers
from mlops_lab.monitoring.log_check import LogProblem, damaged_files, missing_fact_columns
from mlops_lab.monitoring.log_stretches import read_stretches, read_versions
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.logged_version import LoggedVersion
from mlops_lab.monitoring.looked_up_facts import LookedUpFacts
from mlops_lab.project import Project
from mlops_lab.registry.package import Plan
from mlops_lab.schemas.casts import cast_exactly, complete_columns
from mlops_lab.tables.declared import PREDICTIONS

EXAMPLES = 5
SAMPLE = 1000
OUTPUT = "output"
OUTPUT_FROM_FACTS = "output from the facts"
"""The answer to the inputs as they are defined, where that is compared, too."""
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE = 100_000
_NOT_LOOKED_UP = ("unavailable", TOO_OLD)


@dataclass(frozen=True)
class Difference:
    """One cell that was served differently from its definition; the feature is `output` where it is the answer."""

    prediction: str
    at: datetime
    version: int
    feature: str
    view: str | None
    entity: dict[str, Any]
    served: Any
    defined: Any


@dataclass
class ParityReport:
    """How much was compared, how much differs by feature, and examples.

    `answers` is the number of outputs that were compared; `unverified` the predictions that could not be, by version
    and reason; `problems` what is wrong with the tables of facts. `erased` counts the cells that differ where facts of
    their table were erased since, which is no skew. `differing_ids` are the ids of the predictions that
    differ, by version (None: they are not collected).
    """

    predictions: int = 0
    cells: int = 0
    answers: int = 0
    unverified: dict[tuple[int | None, str], int] = field(default_factory=dict)
    problems: list[LogProblem] = field(default_factory=list)
    differing: dict[str, int] = field(default_factory=dict)
    erased: int = 0
    examples: list[Difference] = field(default_factory=list)
    differing_ids: dict[int, set[str]] | None = None

    @property
    def differing_cells(self) -> int:
        """How many cells differ."""
        return sum(self.differing.values())

    def leave_out(self, version: int | None, reason: str, predictions: int) -> None:
        """Note that predictions of a version could not be verified."""
        self.unverified[version, reason] = self.unverified.get((version, reason), 0) + predictions

    def note(self, problems: Sequence[LogProblem]) -> None:
        """Note what is wrong with the tables of facts; the same once."""
        self.problems += [problem for problem in problems if problem not in self.problems]


class Verifier:
    """Compares logged predictions with the definition.

    `plan_of` loads the plan of a version, `predictor_of` the version itself. `answers_from_facts`: the answers to the
    inputs as they are defined are compared, too, and not only those to the inputs that were logged. `erasures` tells
    by table of facts when rows of it were erased last.
    """

    def __init__(
        self,
        project: Project,
        lake: Lake,
        *,
        plan_of: Callable[[int], Plan],
        predictor_of: Callable[[int], Predictor],
        answers_from_facts: bool = False,
        erasures: Callable[[], Mapping[str, datetime]] = dict,
    ) -> None:
        self._project = project
        self._lake = lake
        self._plan_of = plan_of
        self._predictor_of = predictor_of
        self._answers_from_facts = answers_from_facts
        self._erasures = erasures
        self._versions: dict[int, LoggedVersion] = {}

    def verify_all(self) -> ParityReport:
        """The report on every prediction that was ever logged."""
        report = ParityReport()
        if PREDICTIONS.exists(self._lake):
            try:
                self._compare_stretches(report)
            except MlopsError:  # the log is damaged: its check says where
                report = ParityReport()
                rows = read_readable(self._lake, PREDICTIONS.name)[0]
                for part in rows.sort(name for name in ("at", "id") if name in rows.columns).iter_slices(ROWS_AT_ONCE):
                    self.compare(part, report)
        return report

    def verify_ids(self, ids: Collection[str]) -> ParityReport:
        """The report on the predictions with these ids, and which of them differ."""
        report = ParityReport(differing_ids={})
        self._compare_stretches(report, only=pl.col("id").is_in(pl.Series(ids, dtype=pl.String).implode()))
        return report

    def _compare_stretches(self, report: ParityReport, *, only: pl.Expr | None = None) -> None:
        """Compare the log (or `only` some of its rows), stretch by stretch of time, with the facts that each of them
        can have looked up."""
        facts = LookedUpFacts(self._project, self._lake, self._views_of(read_versions(self._lake)))
        for stretch in read_stretches(self._lake, rows=ROWS_AT_ONCE, cuts=facts.cuts()):
            for rows in (stretch if only is None else stretch.filter(only)).iter_slices(ROWS_AT_ONCE):
                self.compare(rows, report, facts=facts)

    def verify_sample(self, predictions: pl.DataFrame) -> ParityReport:
        """The report on some of these predictions, chosen by their ids."""
        report = ParityReport()
        if predictions.height > SAMPLE and "id" in predictions.columns:
            predictions = predictions.sort(pl.col("id").hash(seed=1), "id").head(SAMPLE)
        self.compare(predictions, report)
        return report

    def compare(self, predictions: pl.DataFrame, report: ParityReport, *, facts: LookedUpFacts | None = None) -> None:
        """Compare these predictions and add the differences to the report. `facts`: what they, and those after them,
        can have looked up."""
        if predictions.is_empty():
            return
        predictions = complete_columns(predictions, PREDICTIONS.schema(self._project))
        gone = [name for name in ("id", "at", "version") if predictions[name].null_count() == predictions.height]
        if gone:
            report.leave_out(None, f"the log has no column {', '.join(gone)}", predictions.height)
            return
        if facts is None:
            views = self._views_of(predictions["version"].unique())
            facts = LookedUpFacts(self._project, self._lake, views, requests=predictions)
        first, last = predictions["at"].min(), predictions["at"].max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        looked_up = facts.between(first, last)
        report.note(damaged_files(facts.damaged))
        for (number,), rows in predictions.group_by("version", maintain_order=True):
            try:
                version = self._version(number if isinstance(number, int) else None)
            except MlopsError as error:  # its package is gone, or there is no such version
                report.leave_out(number if isinstance(number, int) else None, str(error), rows.height)
                continue
            defined = version.inputs(rows, looked_up)
            report.predictions += rows.height
            report.note(missing_fact_columns(self._lake, version.features.views))
            names, erasures = version.comparable(looked_up), self._erasures()
            for name in names:
                self._compare_column(name, version, rows, defined[name], report, erasures=erasures)
            logged = logged_inputs(rows, version.plan)
            self._compare_answers(OUTPUT, version, rows, logged, report)
            if self._answers_from_facts:
                inputs = self._as_defined(version, rows, logged, defined.select(names))
                self._compare_answers(OUTPUT_FROM_FACTS, version, rows, inputs, report)

    def _views_of(self, numbers: Iterable[int | None]) -> list[View]:
        """What these versions look up, each view once; nothing of those that are gone."""
        views: dict[str, View] = {}
        for number in numbers:
            with suppress(MlopsError):
                views |= {view.version: view for view in self._version(number).features.views}
        return list(views.values())

    def _compare_column(
        self,
        name: str,
        version: LoggedVersion,
        rows: pl.DataFrame,
        defined: pl.Series,
        report: ParityReport,
        *,
        erasures: Mapping[str, datetime],
    ) -> None:
        report.cells += rows.height
        column = version.columns[name]
        if column not in rows.columns:  # the server that answered did not log it
            served = pl.Series(name, [None] * rows.height, dtype=defined.dtype)
        else:
            served, defined = _alike(rows[column], defined)
        if served.equals(defined, null_equal=True):
            return
        view = version.view_of(name)
        differs = served.ne_missing(defined) & ~_not_looked_up(view, rows)
        if served.dtype.is_float():
            differs = differs & ~(served.is_nan() & defined.is_nan()).fill_null(value=False)
        if moments := [erasures[table] for table in version.tables_of(name) if table in erasures]:
            was_erased = (differs & (rows["at"] <= max(moments))).fill_null(value=False)
            report.erased += int(was_erased.sum())
            differs = differs & ~was_erased
        self._add_differences(name, view, rows, served, defined, differs, report)

    @staticmethod
    def _as_defined(
        version: LoggedVersion, rows: pl.DataFrame, logged: pl.DataFrame, defined: pl.DataFrame
    ) -> pl.DataFrame:
        """The inputs that were logged, with the defined values in place of those that the server could look up."""
        columns = []
        for name in defined.columns:
            failed = _not_looked_up(version.view_of(name), rows)
            if failed.any() and name in logged.columns:
                served = cast_exactly(logged[name], defined[name].dtype)[0]
                columns.append(pl.select(pl.when(failed).then(served).otherwise(defined[name])).to_series().alias(name))
            else:
                columns.append(defined[name])
        return logged.with_columns(columns)

    def _compare_answers(
        self, name: str, version: LoggedVersion, rows: pl.DataFrame, inputs: pl.DataFrame, report: ParityReport
    ) -> None:
        try:
            predictor = self._predictor_of(version.number)
            computed = answer_again(predictor, inputs)
        except MlopsError as error:  # such as a runner that the project does not allow any more
            report.leave_out(version.number, str(error), rows.height)
            return
        report.answers += rows.height
        differs = find_other_answers(predictor, rows[OUTPUT], computed)
        self._add_differences(name, None, rows, rows[OUTPUT], computed, differs, report)

    def _add_differences(
        self,
        name: str,
        view: View | None,
        rows: pl.DataFrame,
        served: pl.Series,
        defined: pl.Series,
        differs: pl.Series,
        report: ParityReport,
    ) -> None:
        if not differs.any():
            return
        report.differing[name] = report.differing.get(name, 0) + int(differs.sum())
        if report.differing_ids is not None:
            report.differing_ids.setdefault(rows["version"][0], set()).update(rows["id"].filter(differs))
        so_far = sum(example.feature == name for example in report.examples)
        for index in differs.arg_true().head(EXAMPLES - so_far):
            row = rows.row(index, named=True)
            entity = {key: row[key] for key in view.keys} if view else {}
            report.examples.append(
                Difference(
                    prediction=str(row["id"]),
                    at=row["at"] or _NO_MOMENT,
                    version=row["version"],
                    feature=name,
                    view=view.name if view else None,
                    entity=entity,
                    served=_plain(served[index]),
                    defined=_plain(defined[index]),
                )
            )

    def _version(self, number: int | None) -> LoggedVersion:
        if number is None:
            raise NotFound("the log does not name it", code="unknown_version")
        if number not in self._versions:
            self._versions[number] = LoggedVersion(number, self._plan_of(number))
        return self._versions[number]


def _not_looked_up(view: View | None, rows: pl.DataFrame) -> pl.Series:
    """Of which predictions the values of a view could not be looked up: they were logged as missing, which is no
    skew."""
    if view is None or "missing" not in rows.columns:
        return pl.Series([False]).new_from_index(0, rows.height)
    reasons = rows["missing"].str.json_path_match(f"$['{view.name}']")
    return reasons.is_in(_NOT_LOOKED_UP).fill_null(value=False)


def _plain(value: Any) -> Any:
    return value.to_list() if isinstance(value, pl.Series) else value


def _alike(served: pl.Series, defined: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both in one type. A column of the log holds the values of all versions: where one of them had text there, the
    numbers of the others are text too, and are read back."""
    if (served.dtype == pl.String) != (defined.dtype == pl.String):
        served, _ = cast_exactly(served, pl.Float64() if defined.dtype.is_numeric() else defined.dtype)
    return served, defined.cast(served.dtype)
