"""Functions of a learner that return nothing, where those of the reference solution return something."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_OWN_RETURNS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def find_missing_return(functions: Iterable[tuple[str, str]], work: Path, solution: Path) -> str | None:
    """The first of the functions (file, name) without any `return` of a value, though the reference has one; or None.

    It only helps to explain a check that failed: code that behaves as it should is never looked at.
    """
    return next(
        (
            name
            for file, name in functions
            if _gives_a_value(work / file, name) is False and _gives_a_value(solution / file, name)
        ),
        None,
    )


def _gives_a_value(path: Path, name: str) -> bool | None:
    """Whether a function of the file can return or yield a value. None: it is no plain function of this file."""
    found = [item for item in ast.parse(path.read_bytes()).body if getattr(item, "name", None) == name]
    if not found or not isinstance(found[-1], _Function) or found[-1].decorator_list:
        return None
    return any(
        isinstance(node, ast.Yield | ast.YieldFrom) or (isinstance(node, ast.Return) and not _is_none(node.value))
        for node in _walk(found[-1])
    )


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _walk(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it: their `return` is not its own."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, _OWN_RETURNS):
            yield node
            yield from _walk(node)
