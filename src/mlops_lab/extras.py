"""Packages that only some projects need are extras: what is missing becomes an error that names the extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlops_lab.errors import EnvironmentFault


@contextmanager
def needs_extra(extra: str, what: str, *, where: str | None = None) -> Iterator[None]:
    """Imports in this block are of packages that the extra installs; EnvironmentFault where one is missing.

    `what` needs them: "the charts of the report".
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise EnvironmentFault(
            f"{what} needs the package {(error.name or extra).partition('.')[0]}, which is not installed",
            code="missing_extra",
            where=where,
            hint=f"pip install 'mlops-lab[{extra}]'",
        ) from None
