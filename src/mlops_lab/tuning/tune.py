"""Search for better parameters on the rows that a candidate is trained on; those held out for the gates stay unused."""

from __future__ import annotations

import fcntl
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_lab.errors import Conflict, EnvironmentFault
from mlops_lab.files import disk_fault
from mlops_lab.project import Project
from mlops_lab.training.pipeline import load_pipeline
from mlops_lab.training.place import open_place
from mlops_lab.tuning.result import Tuning, TuningProgress, Watch
from mlops_lab.tuning.space import find_space


def tune(project: Project, *, trials: int, seconds: float | None, fresh: bool, watch: Watch) -> Tuning:
    """Continue the project's newest study until it has so many trials, or for so many seconds.

    A new one is begun where `fresh`, and where the code or the data have changed. A study keeps the moment at which it
    began: what becomes known later changes nothing. Nothing in the project is changed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise EnvironmentFault(
            "tuning needs Optuna, which is not installed",
            code="no_optuna",
            hint='pip install "mlops-lab[tune]"',
        )
    pipeline = load_pipeline(project)
    space = find_space(pipeline)
    path = project.home / "tune.db"
    with lock_tuning(project):
        watch(TuningProgress("training set"))
        # Only here: Optuna may not be installed, and MLflow takes 4 s to import.
        from mlops_lab.tuning.resume import resume_study
        from mlops_lab.tuning.search import Search
        from mlops_lab.tuning.study import Studies, study_faults

        with study_faults(path), open_place(project.settings.training) as place:
            study, data = resume_study(project, pipeline, Studies(path), fresh=fresh)
            search = Search(pipeline, space, study, data, watch, place=place)
            return search.run(project, trials=trials, seconds=seconds)


@contextmanager
def lock_tuning(project: Project) -> Iterator[None]:
    """Only one search at a time: so unfinished trials in the file are from a killed one. Conflict where one runs."""
    try:
        project.home.mkdir(exist_ok=True)
        lock = (project.home / "tune.lock").open("w")
    except OSError as error:
        raise disk_fault(error, project.home) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "another `mlops tune` runs in this project",
                code="tuning_under_way",
                where=lock.name,
                hint="wait for it, or end it: what it has finished is kept",
            ) from None
        yield
