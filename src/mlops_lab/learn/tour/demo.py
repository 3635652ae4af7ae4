"""The finished demo that the tour goes through, and what its tables say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from mlops_lab.alerts.states import AlertStatus, read_statuses
from mlops_lab.errors import NotFound, Refused
from mlops_lab.intake.now import stored_moment
from mlops_lab.lake import Lake
from mlops_lab.lineage.explain import explain, explain_version
from mlops_lab.lineage.records import PredictionLineage, VersionOrigin
from mlops_lab.monitoring.measure import CHAMPION, as_known_now
from mlops_lab.project import Project, find_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.tables.declared import MEASUREMENTS, PREDICTIONS
from mlops_lab.tables.open_lake import open_lake

FOLDER = "flights-demo"
MADE_LIVE = {DecisionKind.BOOTSTRAP, DecisionKind.PROMOTE, DecisionKind.ROLL_BACK}
MAX_CANDIDATES = 200
"""How many predictions are looked at to find one that lacks some facts."""
_HINT = "`mlops demo --to 2013-03-07` makes one in a minute or two; then `mlops learn tour` again"


def open_demo(start: Path) -> Demo:
    """The demo in `start`, above it, or in `flights-demo` in it; NotFound or Refused where there is none to look at."""
    try:
        project = find_project(start)
    except NotFound:
        if not (start / FOLDER).is_dir():
            what = "the tour goes through the project of a demo, and there is none here"
            raise NotFound(what, code="no_demo", where=str(start.absolute()), hint=_HINT) from None
        project = find_project(start / FOLDER)
    lake = open_lake(project)
    decisions = read_decisions(lake)
    if fold(decisions).champion is None or not (MEASUREMENTS.exists(lake) and PREDICTIONS.exists(lake)):
        what = "has no day that is over: there is nothing to ask about yet"
        raise Refused(what, code="no_demo", where=str(project.root), hint=_HINT)
    return Demo(project, lake, decisions)


@dataclass(frozen=True)
class Demo:
    """A project with a version that answers, and days that are over. Nothing of it is changed."""

    project: Project
    lake: Lake
    decisions: Sequence[Decision]

    @cached_property
    def live_by(self) -> Decision:
        """The decision that made the present champion live."""
        champion = fold(self.decisions).champion
        made = [item for item in self.decisions if item.what in MADE_LIVE and item.version == champion]
        return made[-1]

    @property
    def champion(self) -> int:
        """The version that answers."""
        assert self.live_by.version is not None
        return self.live_by.version

    @cached_property
    def origin(self) -> VersionOrigin:
        """What the champion was made of."""
        return explain_version(self.project, self.champion).version

    @cached_property
    def held_out_losses(self) -> tuple[float, float] | None:
        """The champion's loss on the rows that were held out, and the base rate's; None where it was not recorded."""
        about = (item.evidence for item in self.decisions if item.version == self.champion)
        gates: list[dict[str, Any]] = next((evidence["gates"] for evidence in about if "gates" in evidence), [])
        sanity: dict[str, Any] = next((gate["evidence"] for gate in gates if gate["gate"] == "sanity"), {})
        measure = next((name for name in sanity if f"baseline_{name}" in sanity), None)
        return (float(sanity[measure]), float(sanity[f"baseline_{measure}"])) if measure else None

    @cached_property
    def prediction(self) -> PredictionLineage | None:
        """A late prediction that lacks some of its facts, though not most; None where all are complete."""
        newest = PREDICTIONS.read(self.lake, columns=["id", "at", "missing"])
        lacking = newest.filter(pl.col("missing").str.len_chars() > len("{}")).sort("at", "id", descending=True)
        for id_ in lacking.head(MAX_CANDIDATES).sort(pl.col("missing").str.len_chars(), maintain_order=True)["id"]:
            found = explain(self.project, id_, takes_in=False)
            if found.outcome is not None and missing_inputs(found):
                return found
        return None

    @cached_property
    def losses(self) -> dict[date, float]:
        """The loss of the champion's answers on each measured day."""
        measured = MEASUREMENTS.read(self.lake).filter(
            pl.col("monitor") == "quality", pl.col("name").is_in(["log_loss", "rmse"]), pl.col("role") == CHAMPION
        )
        rows = as_known_now(measured).select("at", "window_hours", "value").iter_rows()
        return {self.local_day(at - timedelta(hours=hours)): value for at, hours, value in rows}

    def read_alerts(self) -> list[AlertStatus]:
        """All alerts that were ever raised."""
        now = stored_moment(self.project, self.lake)
        assert now is not None  # the lake has decisions
        return read_statuses(self.project, self.lake, now=now)

    def local_day(self, moment: datetime) -> date:
        """The day of a moment on the project's own clock."""
        return moment.astimezone(ZoneInfo(self.project.timezone)).date()


def missing_inputs(prediction: PredictionLineage) -> frozenset[str]:
    """The names of the inputs for which there was no value."""
    return frozenset(name for name, value in prediction.features.items() if value is None)
