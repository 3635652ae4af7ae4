"""What goes wrong in MLflow, as an error with a hint: of the disk and the database here, or of a tracking server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from mlflow.exceptions import MlflowException, RestException
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.store.tracking_faults import REFUSALS, no_answer, refused, tracking_fault

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class UsesMlflow(Protocol):
    """Something that keeps its runs at a tracking server; empty: in a store of its own."""

    server: str


_Self = TypeVar("_Self", bound=UsesMlflow)


def guarded(
    method: Callable[Concatenate[_Self, _Arguments], _Result],
) -> Callable[Concatenate[_Self, _Arguments], _Result]:
    """The method; what MLflow raises in it becomes an error with a hint."""

    @wraps(method)
    def work(self: _Self, /, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        try:
            return method(self, *arguments, **named)
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise server_fault(error, self.server) if self.server else _store_fault(error) from error

    return work


def server_fault(error: BaseException, server: str) -> EnvironmentFault:
    """Why the tracking server could not be used: it is away, or it refuses."""
    status = error.get_http_status_code() if isinstance(error, MlflowException) else None  # type: ignore[no-untyped-call]
    if status in REFUSALS:
        return refused(server, status)
    if isinstance(error, RestException) or "failed with error code" in str(error):
        return tracking_fault(server, f"the tracking server refused it: {_reason(error)}", "look at the server's log")
    return no_answer(server, _reason(_first_cause(error)))


def _store_fault(error: BaseException) -> EnvironmentFault:
    return EnvironmentFault(
        f"MLflow could not store it: {_reason(_first_cause(error))}",
        code="mlflow_fault",
        where="the project's .mlops/mlflow",
        hint="check that the disk has space and the folder is writable, then run it again",
    )


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _first_cause(error: BaseException) -> BaseException:
    """The error of the disk, the network or the database, from which MLflow and SQLAlchemy made theirs."""
    cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error.__context__
    return error if cause is None else _first_cause(cause)
