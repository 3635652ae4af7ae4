"""Reads the result of a SQL query. Passwords come from the environment of the driver; no error shows one."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, NotFound
from mlops_lab.lake.columns import ColumnSelection, concat_parts, resolve_names

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_ROWS_PER_PART = 50_000
_LOCK_TIMEOUT_SECONDS = 5
_PACKAGES = {
    "psycopg": "mlops-lab[postgres]",
    "psycopg2": "psycopg2-binary",
    "mysqldb": "mysqlclient",
    "pymysql": "pymysql",
    "mariadbconnector": "mariadb",
    "pyodbc": "pyodbc",
    "pymssql": "pymssql",
    "oracledb": "oracledb",
}
"""By driver, what installs it. The name of any other is no reason to install a package of that name."""
_REMOTE_FILES = {"ftp", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "hdfs", "file"}


def is_uri(data: str) -> bool:
    """Whether the text is the address of a database or of a file on a server, and not a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", data) is not None


def read_query(uri: str, query: str | None, *, root: Path) -> pl.DataFrame:
    """The rows of the query's result. The path of a SQLite file is relative to `root`. The query cannot change data.

    InvalidInput for an address with a password in it, an unknown kind of database, or a query that the database
    refuses; EnvironmentFault where the database is locked, cannot be reached or refuses the user.
    """
    url = _parse_uri(uri, root)
    where = uri.split("?")[0]  # it was checked that there is no password in it
    if query is None or not query.strip():
        hint = 'add query = "SELECT ..." next to it (or --query)'
        raise InvalidInput("is a database, but there is no query", code="no_query", where=where, hint=hint)
    with _connect(url, where) as connection:
        return _fetch(connection, query, where)


def _parse_uri(uri: str, root: Path) -> URL:
    import sqlalchemy as sa

    masked = re.sub(r"//.*@", "//...@", uri.split("?")[0])
    if uri.split(":")[0].lower() in _REMOTE_FILES:
        hint = (
            "files are read from https:// and s3://; download any other and name it. "
            "Databases are read where they are: postgresql+psycopg://user@host/database"
        )
        raise InvalidInput("is an address that no file can be read from", code="remote_file", where=masked, hint=hint)
    try:
        url = sa.make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", uri))
    except (sa.exc.ArgumentError, ValueError):
        hint = "write it as postgresql+psycopg://user@host/database or sqlite:///file.db"
        raise InvalidInput("is not the address of a database", code="bad_uri", where=masked, hint=hint) from None
    if url.password is not None or any("pass" in key.lower() or "pwd" in key.lower() for key in url.query):
        raise InvalidInput(
            "contains a password, which everybody who reads the file can see",
            code="password_in_uri",
            where=masked,
            hint="remove it, and set it in the environment: PGPASSWORD (or ~/.pgpass), MYSQL_PWD ...",
        )
    if url.get_backend_name() != "sqlite":
        return url
    file = root / (url.database or "")
    if not file.is_file():
        raise NotFound("does not exist", code="no_file", where=str(file), hint="check the path")
    return url.set(database=file.resolve().as_uri(), query={"uri": "true", "mode": "ro"})


@contextmanager
def _connect(url: URL, where: str) -> Iterator[Connection]:
    import sqlalchemy as sa

    is_sqlite = url.get_backend_name() == "sqlite"
    try:
        engine = sa.create_engine(
            url, poolclass=sa.pool.NullPool, connect_args={"timeout": _LOCK_TIMEOUT_SECONDS} if is_sqlite else {}
        )
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        raise _no_driver_error(url, error, where) from None
    try:
        with engine.connect() as connection:
            options: dict[str, Any] = {"stream_results": True}
            if url.get_backend_name() == "postgresql":
                options["postgresql_readonly"] = True
            yield connection.execution_options(**options)
    except sa.exc.DBAPIError as error:
        raise _database_error(error, where) from None
    except ImportError as error:
        raise _no_driver_error(url, error, where) from None


def _fetch(connection: Connection, query: str, where: str) -> pl.DataFrame:
    import sqlalchemy as sa

    result = connection.execute(sa.text(query.replace(":", r"\:")))  # a colon does not begin a parameter here
    if not result.returns_rows:
        hint = 'write a query that reads rows: query = "SELECT ..."'
        raise InvalidInput("the query returns no rows: it is not a SELECT", code="bad_query", where=where, hint=hint)
    names = resolve_names(list(result.keys()), where, ColumnSelection())
    parts: list[tuple[str, pl.DataFrame]] = []
    count = 0
    for rows in result.partitions(_ROWS_PER_PART):
        cells = zip(names, zip(*rows, strict=True), strict=True)
        frame = pl.DataFrame([_make_column(name, values, count, where) for name, values in cells])
        parts.append((f"{where}, rows {count} to {count + len(rows) - 1}", frame))
        count += len(rows)
    if not parts:
        hint = "run the query by hand to see its result"
        raise InvalidInput("the query returns no rows", code="no_rows", where=where, hint=hint)
    return concat_parts(parts)


def _make_column(name: str, values: Sequence[Any], rows_before: int, where: str) -> pl.Series:
    """One column of the result. InvalidInput names the first row whose value has another type than those before."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float, Decimal} and len(kinds) > 1:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    if kinds == {uuid.UUID}:
        return pl.Series(name, [value and str(value) for value in values], dtype=pl.String)
    if len(kinds) > 1:
        first = next(value for value in values if value is not None)
        row, other = next(
            (row, value) for row, value in enumerate(values) if value is not None and type(value) is not type(first)
        )
        raise InvalidInput(
            f"has mixed types: {first!r} is a {type(first).__name__}, {other!r} a {type(other).__name__}",
            code="mixed_types",
            where=f'{where}, row {rows_before + row}, column "{name}"',
            hint="cast it in the query: CAST(... AS ...)",
        )
    return pl.Series(name, values)


def _no_driver_error(url: URL, error: Exception, where: str) -> EnvironmentFault:
    missing = getattr(error, "name", None) or ""
    package = _PACKAGES.get(url.drivername.partition("+")[2].lower()) or _PACKAGES.get(missing.lower())
    install = (
        f"pip install '{package}'" if package else "the documentation of that database names its package for SQLAlchemy"
    )
    return EnvironmentFault(
        f"no driver for {url.drivername} is installed",
        code="no_driver",
        where=where,
        hint=f"{install}; the address selects the driver: postgresql+psycopg://...",
    )


def _database_error(error: Exception, where: str) -> MlopsError:
    """The error with the first line of the database's message, which contains no password."""
    cause = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    message = lines[0] if lines else type(cause).__name__
    if "locked" in message or "busy" in message:
        return EnvironmentFault(
            f"the database is still locked after {_LOCK_TIMEOUT_SECONDS} seconds",
            code="database_locked",
            where=where,
            hint="wait until the program that writes to it has ended, then run it again",
        )
    if "file is not a database" in message:
        return InvalidInput(message, code="bad_file", where=where, hint="check that the file is a SQLite database")
    if any(word in message.lower() for word in ("password", "authentication", "role ")):
        hint = "set the password in the environment (PGPASSWORD, or ~/.pgpass), and check the user in the address"
        return EnvironmentFault(message, code="database_refuses", where=where, hint=hint)
    if type(error).__name__ in {"OperationalError", "InterfaceError"} and not isinstance(cause, sqlite3.Error):
        hint = "check host, port and name of the database, and that it is running"
        return EnvironmentFault(message, code="database_gone", where=where, hint=hint)
    return InvalidInput(message, code="bad_query", where=where, hint="fix the query; run it by hand to see its result")
