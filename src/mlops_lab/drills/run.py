"""Running drills: one ground for all that need the same, a folder that is thrown away, and a result for each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from mlops_lab.drills.drill import Drill, DrillResult, Observed
from mlops_lab.drills.ground import Ground, make_ground
from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.project import Project
from mlops_lab.training.progress import Report


def run_drills(project: Project, drills: Sequence[Drill], *, report: Report) -> Iterator[DrillResult]:
    """The result of each drill, as soon as it is over. The project is not changed.

    InvalidInput where its history is too short. Where a fault is not possible in it, or this machine cannot do what a
    drill needs, the error is raised of a drill that is run alone; among others it is its result.
    """
    needs_days = any(drill.needs_days for drill in drills)
    with TemporaryDirectory(prefix="mlops-drill-") as folder:
        ground = make_ground(project, Path(folder), needs_days=needs_days, report=report)
        for drill in drills:
            began = time.perf_counter()
            report(drill.name)
            observed, reason = Observed(), ""
            try:
                observed = _run(drill, ground)
            except MlopsError as error:
                if len(drills) == 1:
                    raise
                reason = str(error)  # the others are run all the same
            yield DrillResult(drill=drill, observed=observed, seconds=time.perf_counter() - began, error=reason)


def _run(drill: Drill, ground: Ground) -> Observed:
    try:
        return drill.run(ground)
    except ConnectionError as error:
        raise EnvironmentFault(
            f"the server of the copy stopped, which is no part of the drill: {error}",
            code="server_gone",
            where=drill.name,
            hint="run it again when the machine has more memory and less to do",
        ) from error
