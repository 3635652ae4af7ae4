"""A separate process that answers for a model which only its own library can read.

Started as `python -m mlops_lab.registry.runner.main FD`. On the socket FD it reads a `RunnerSetup`, then requests,
until its parent closes the other end. It opens no port, has no secrets in its environment, and may write no file. What
it reads cannot execute code: XGBoost's JSON, or a skops file whose types the project has listed.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mlops_lab.registry.columns import Answers, Columns
from mlops_lab.registry.frames import as_frame, as_matrix, picks_columns
from mlops_lab.registry.runner.readers import read_estimator
from mlops_lab.registry.runner.wire import Link, RunnerReady, RunnerRequest, RunnerResponse, RunnerSetup, unpack_columns

MEMORY_BYTES = 4 << 30
BATCH_ROWS = 10_000
_WATCH_SECONDS = 1.0
Predict = Callable[[Columns], Answers]


def main() -> None:
    """Read the model, then answer requests until the parent closes its end."""
    _limit_resources()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        link = Link(connection)
        setup = link.receive(RunnerSetup)
        if setup is None:
            return
        try:
            predict = make_predict(read_estimator(setup), setup.task)
        except Exception as error:  # of any library; reported as one line
            link.send(RunnerReady(f"{type(error).__name__}: {error}"))
            return
        link.send(RunnerReady())
        while requests := link.receive_requests(max_rows=BATCH_ROWS):
            for response in respond(requests, setup.inputs, predict):
                link.send(response)


def make_predict(estimator: Any, task: str) -> Predict:
    """What computes the answers to columns of inputs: probabilities, or numbers for a regression."""
    to_input = as_frame if picks_columns(estimator) else as_matrix
    method = estimator.predict if task == "regression" else estimator.predict_proba

    def predict(columns: Columns) -> Answers:
        """Rows that the model cannot answer (a null where it takes none) get NaN; the others keep their answers."""
        try:
            return np.asarray(method(to_input(columns)), dtype=np.float64)
        except ValueError:
            rows = len(next(iter(columns.values())))
            if rows == 1:
                return np.full((1,) if task == "regression" else (1, len(estimator.classes_)), np.nan)
            halves = (slice(0, rows // 2), slice(rows // 2, rows))
            parts = [predict({name: column[half] for name, column in columns.items()}) for half in halves]
            return np.concatenate(parts)

    return predict


def respond(requests: list[RunnerRequest], inputs: list[str], predict: Predict) -> list[RunnerResponse]:
    """The responses to some requests; the model is called once for all their rows."""
    try:
        outputs = predict(unpack_columns(requests, inputs))
    except Exception as error:  # the model's own; the next request may succeed
        return [RunnerResponse(request.number, fault=f"{type(error).__name__}: {error}") for request in requests]
    ends = np.cumsum([request.rows for request in requests]).tolist()
    width = outputs.shape[1] if outputs.ndim > 1 else 0
    return [
        RunnerResponse(request.number, outputs[end - request.rows : end].tobytes(), width)
        for request, end in zip(requests, ends, strict=True)
    ]


def _limit_resources() -> None:
    """Forbid to write files, and limit the memory, where the system has such limits."""
    limits = ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, MEMORY_BYTES))
    for kind, wanted in limits:
        _, hard = resource.getrlimit(kind)
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (soft, soft))


def _exit_with_parent(parent: int) -> None:
    """Exit when the parent dies: while the model computes, nobody reads the socket and sees that it is closed."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
