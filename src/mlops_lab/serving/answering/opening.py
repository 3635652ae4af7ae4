"""A service of the present routing table, opened while the loop and other processes go on."""

from __future__ import annotations

import time

from mlops_lab.errors import MlopsError
from mlops_lab.project import Project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service

PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.1


def open_service(project: Project, *, worker: int = 0, workers: int = 1) -> Service:
    """The service of one worker, for the process that has the role of server.

    Tried again where the table was replaced meanwhile, for then the state that it named is deleted; and, for
    `PATIENCE_SECONDS`, while a worker of a server that was killed still writes its last answers to the journal.
    """
    end = time.perf_counter() + PATIENCE_SECONDS
    while True:
        table = read_routing_table(project.deployment_path)
        try:
            return Service(project, table, worker=worker, workers=workers)
        except Exception as error:
            is_locked = isinstance(error, MlopsError) and error.code == "journal_locked"
            is_over = time.perf_counter() >= end
            if is_over or not (is_locked or read_routing_table(project.deployment_path) != table):
                raise
        time.sleep(_POLL_SECONDS)
