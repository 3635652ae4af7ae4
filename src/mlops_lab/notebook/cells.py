"""From cells to a file: of all statements that a notebook has run, those that some names depend on, in order."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MAY_KEEP = (ast.AugAssign, ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match)
"""Statements after which a name may still have its value from before."""


@dataclass(frozen=True)
class Statement:
    """A statement of a cell: its text with the comments above it, and the names it depends on.

    `binds`: names it binds or changes; `uses`: names it uses when it runs; `uses_later`: names that its functions use
    when they are called.
    """

    text: str
    is_import: bool
    is_definition: bool
    binds: frozenset[str]
    uses: frozenset[str]
    uses_later: frozenset[str]


def cut_out(cells: Sequence[str], names: Sequence[str]) -> str:
    """The source that gives `names` the values they have after the cells ran in this order; imports first.

    For a name that was bound several times the last one counts. A change by a method (`columns.append("a")`) is not
    recognised: run the source and compare.
    """
    statements = [statement for cell in cells for statement in read_statements(cell)]
    wanted = frozenset(names)
    while True:
        kept = _walk_back(statements, wanted)
        later = frozenset[str]().union(*(statement.uses_later for statement in kept))
        if later <= wanted:
            return _join(sorted(kept, key=lambda statement: not statement.is_import))
        wanted |= later  # functions use the last values, for they are called at the end


def read_statements(cell: str) -> Iterator[Statement]:
    """The statements of a cell; none where it is not Python."""
    try:
        body = ast.parse(cell).body
    except SyntaxError:
        return
    for node in body:
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        symbols = table.get_symbols()
        changed = frozenset(filter(None, map(_base, _targets(node))))
        bound = frozenset(symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported())
        used = frozenset(symbol.get_name() for symbol in symbols if symbol.is_referenced())
        yield Statement(
            text=_text_of(node, body, cell),
            is_import=isinstance(node, ast.Import | ast.ImportFrom),
            is_definition=isinstance(node, _DEFINITIONS),
            binds=bound | changed,
            uses=used | bound | changed if isinstance(node, _MAY_KEEP) else used,
            uses_later=frozenset(_globals_of(table)),
        )


def _text_of(node: ast.stmt, body: Sequence[ast.stmt], cell: str) -> str:
    """The lines of a statement and the comments above it; where several share a line, the statement alone."""
    last = node.end_lineno or node.lineno
    others = [other for other in body if other is not node]
    if any(other.lineno <= last and node.lineno <= (other.end_lineno or other.lineno) for other in others):
        return ast.get_source_segment(cell, node) or ""
    lines = cell.splitlines()
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return "\n".join(lines[first - 1 : last])


def _walk_back(statements: Sequence[Statement], names: frozenset[str]) -> list[Statement]:
    """The statements that gave the names their values, searched from the last one backwards."""
    wanted, kept = set(names), []
    for statement in reversed(statements):
        if statement.binds & wanted:
            wanted -= statement.binds
            wanted |= statement.uses
            kept.append(statement)
    return kept[::-1]


def _globals_of(table: symtable.SymbolTable) -> Iterator[str]:
    """The notebook's names that functions and classes in a statement use."""
    for child in table.get_children():
        yield from (symbol.get_name() for symbol in child.get_symbols() if symbol.is_global())
        yield from _globals_of(child)


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign | ast.Delete):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def _base(target: ast.expr) -> str | None:
    """The name whose value `name[...] = ` or `name.field = ` changes."""
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    return target.id if isinstance(target, ast.Name) else None


def _join(statements: Sequence[Statement]) -> str:
    """The statements as a file, with the usual number of empty lines between them."""
    text = statements[0].text if statements else ""
    for before, statement in pairwise(statements):
        are_imports = before.is_import and statement.is_import
        lines = 3 if before.is_definition or statement.is_definition else 1 if are_imports else 2
        text += "\n" * lines + statement.text
    return text + "\n"
