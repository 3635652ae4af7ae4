"""A separate process that answers for a model which only its own library can read.

Started as `python -m mlops_lab.registry.runner.main FD`. On the socket FD it reads a `RunnerSetup`, then questions
until its parent is gone; then it ends. It opens no port, has no secrets in its environment, and may write no file. What
it loads cannot execute code: XGBoost's JSON, or a skops file whose types the project has listed.
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
import numpy.typing as npt

from mlops_lab.registry.columns import Columns
from mlops_lab.registry.frames import as_frame, as_matrix, picks_columns
from mlops_lab.registry.runner.wire import Link, RunnerAnswer, RunnerQuestion, RunnerReady, RunnerSetup, unpack_columns

MEMORY_BYTES = 4 << 30
ROWS_AT_ONCE = 10_000
_WATCH_SECONDS = 1.0
Answers = npt.NDArray[np.float64]


def main() -> None:
    """Load, then answer until the other end is gone."""
    _limit()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        link = Link(connection)
        setup = link.receive(RunnerSetup)
        if setup is None:
            return
        try:
            answer = load(setup)
        except Exception as error:  # of any library; told as one line
            link.send(RunnerReady(f"{type(error).__name__}: {error}"))
            return
        link.send(RunnerReady())
        while waiting := link.receive_waiting(most_rows=ROWS_AT_ONCE):
            for message in respond(waiting, setup.inputs, answer):
                link.send(message)


def load(setup: RunnerSetup) -> Callable[[Columns], Answers]:
    """What answers columns of inputs. Whatever a library raises where the model is none, or holds types that are not
    trusted."""
    estimator = _read(setup)
    see = as_frame if picks_columns(estimator) else as_matrix
    ask = estimator.predict if setup.task == "regression" else estimator.predict_proba

    def answer(columns: Columns) -> Answers:
        """Rows that the model cannot answer (a null where it takes none) get NaN, and do not spoil the others."""
        try:
            return np.asarray(ask(see(columns)), dtype=np.float64)
        except ValueError:
            rows = len(next(iter(columns.values())))
            if rows == 1:
                return np.full((1,) if setup.task == "regression" else (1, len(estimator.classes_)), np.nan)
            halves = (slice(0, rows // 2), slice(rows // 2, rows))
            parts = [answer({name: column[half] for name, column in columns.items()}) for half in halves]
            return np.concatenate(parts)

    return answer


def _read(setup: RunnerSetup) -> Any:
    if setup.engine == "xgboost":
        from xgboost import XGBClassifier, XGBRegressor

        estimator = XGBRegressor() if setup.task == "regression" else XGBClassifier()
        estimator.load_model(bytearray(setup.model))
        return estimator
    import skops.io

    return skops.io.loads(setup.model, trusted=setup.trusted)


def respond(
    waiting: list[RunnerQuestion], inputs: list[str], answer: Callable[[Columns], Answers]
) -> list[RunnerAnswer]:
    """The answers to some questions, asked of the model at once."""
    try:
        outputs = answer(unpack_columns(waiting, inputs))
    except Exception as error:  # the model's own; the next question may fare better
        return [RunnerAnswer(question.number, fault=f"{type(error).__name__}: {error}") for question in waiting]
    ends = np.cumsum([question.rows for question in waiting]).tolist()
    width = outputs.shape[1] if outputs.ndim > 1 else 0
    return [
        RunnerAnswer(question.number, outputs[end - question.rows : end].tobytes(), width)
        for question, end in zip(waiting, ends, strict=True)
    ]


def _limit() -> None:
    """No file can be written, and memory has an end, where the system keeps such limits."""
    for what, most in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, MEMORY_BYTES)):
        _, hard = resource.getrlimit(what)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (soft, soft))


def _end_with(parent: int) -> None:
    """A model may be at work when the parent dies: then nobody hears that the socket is closed."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
