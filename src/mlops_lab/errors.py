"""The error tree. Every error that a user can meet says what is wrong, where, and how to fix it.

MlopsError              exit  http
├── InvalidInput           2   400   a file, a field or an option is wrong
│   ├── Conflict           2   409   it contradicts what is already recorded
│   ├── NotFound           2   404   what was named does not exist
│   ├── WrongMethod        2   405   the URL expects another method
│   ├── TooSlow            2   408   the request did not arrive in time
│   ├── TooLarge           2   413   the request is larger than the server accepts
│   │   └── HeadTooLarge   2   431   the URL and the headers of the request are too large
│   └── WrongMedia         2   415   the URL does not accept bodies of this content type
├── Refused                1   403   a gate, a check or a rule does not allow it
├── Unauthorized           2   401   the token is missing or wrong
└── EnvironmentFault       3   503   the machine does not allow it: disk, port, a missing program
"""

from __future__ import annotations

from typing import Any, ClassVar


class MlopsError(Exception):
    """An error meant for the person who caused it.

    `code` is stable and machine-readable, `where` locates the problem (`$.rows[3].carrier`, `line 17`), `hint` says
    how to fix it, with a command where there is one.
    """

    exit_code: ClassVar[int] = 2
    status: ClassVar[int] = 400

    def __init__(self, what: str, *, code: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (type(self), self.what, self.__dict__)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def _render_traceback_(self) -> list[str]:
        """The lines that a notebook shows: IPython calls this instead of printing a traceback."""
        return [f"error: {self}", *([f"hint: {self.hint}"] if self.hint else [])]

    def as_dict(self) -> dict[str, str | None]:
        """The error as the JSON object that the server and `--json` show."""
        return {"code": self.code, "what": self.what, "where": self.where, "hint": self.hint}


def _remake(kind: type[MlopsError], what: str, values: dict[str, Any]) -> MlopsError:
    """An error that another process raised, as it was there."""
    error = kind.__new__(kind, what)
    error.__dict__.update(values)
    return error


class InvalidInput(MlopsError):
    """A file, a field or an option is wrong."""


class Conflict(InvalidInput):
    """The input contradicts what is already recorded."""

    status = 409


class NotFound(InvalidInput):
    """What was named does not exist."""

    status = 404


class WrongMethod(InvalidInput):
    """The URL expects another method, which `allowed` names."""

    status = 405

    def __init__(self, method: str, *, allowed: str) -> None:
        what = f"this URL takes {allowed}, not {method}"
        super().__init__(what, code="wrong_method", where="method", hint=f"use {allowed}")
        self.allowed = allowed


class TooSlow(InvalidInput):
    """The request did not arrive in time."""

    status = 408


class TooLarge(InvalidInput):
    """The request is larger than the server accepts."""

    status = 413


class HeadTooLarge(TooLarge):
    """The URL and the headers of a request are larger than the server accepts."""

    status = 431


class WrongMedia(InvalidInput):
    """The URL does not accept bodies of this content type."""

    status = 415


class Unauthorized(InvalidInput):
    """The token is missing or wrong."""

    status = 401


class Refused(MlopsError):
    """A gate, a check or a rule does not allow it."""

    exit_code = 1
    status = 403


class EnvironmentFault(MlopsError):
    """The machine does not allow it: disk, port, permissions, a missing program."""

    exit_code = 3
    status = 503
