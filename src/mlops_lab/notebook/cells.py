"""From cells to a file: of all that a notebook has run, the statements that some names need, in their order."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_APART = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ADDING = (ast.AugAssign, ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match)
"""What may leave a name as it was before."""


@dataclass(frozen=True)
class Statement:
    """A statement of a cell: its text with the comments above it, the names it binds or changes, those it uses at
    once, and those that its functions will use when they are called. Functions and classes stand `apart` in a file."""

    text: str
    imports: bool
    apart: bool
    binds: frozenset[str]
    uses: frozenset[str]
    uses_later: frozenset[str]


def cut_out(cells: Sequence[str], names: Sequence[str]) -> str:
    """The source that binds `names` as the cells, run in this order, have bound them; imports first.

    Of a name that was bound again and again the last time counts. What a statement only does to a value it does not
    name (`columns.append("a")`) is not seen: run the source and compare.
    """
    statements = [statement for cell in cells for statement in read_statements(cell)]
    wanted = frozenset(names)
    while True:
        kept = _walk_back(statements, wanted)
        later = frozenset[str]().union(*(statement.uses_later for statement in kept))
        if later <= wanted:
            return _join(sorted(kept, key=lambda statement: not statement.imports))
        wanted |= later  # what functions use is what it is in the end, when they are called


def read_statements(cell: str) -> Iterator[Statement]:
    """The statements of a cell; none of one that is not Python."""
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
            imports=isinstance(node, ast.Import | ast.ImportFrom),
            apart=isinstance(node, _APART),
            binds=bound | changed,
            uses=used | bound | changed if isinstance(node, _ADDING) else used,
            uses_later=frozenset(_globals_of(table)),
        )


def _text_of(node: ast.stmt, body: Sequence[ast.stmt], cell: str) -> str:
    """The lines of a statement and the comments above it; of several on one line, itself alone."""
    last = node.end_lineno or node.lineno
    if any(one is not node and one.lineno <= last and node.lineno <= (one.end_lineno or one.lineno) for one in body):
        return ast.get_source_segment(cell, node) or ""
    lines = cell.splitlines()
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return "\n".join(lines[first - 1 : last])


def _walk_back(statements: Sequence[Statement], names: frozenset[str]) -> list[Statement]:
    """The statements by which the names came to their values, looked for from the end."""
    wanted, kept = set(names), []
    for statement in reversed(statements):
        if statement.binds & wanted:
            wanted -= statement.binds
            wanted |= statement.uses
            kept.append(statement)
    return kept[::-1]


def _globals_of(table: symtable.SymbolTable) -> Iterator[str]:
    """The names of the notebook that the functions and classes in a statement use."""
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
    """The statements as a file: functions and classes two lines apart from the rest, imports close to each other."""
    text = statements[0].text if statements else ""
    for before, statement in pairwise(statements):
        lines = 3 if before.apart or statement.apart else 1 if before.imports and statement.imports else 2
        text += "\n" * lines + statement.text
    return text + "\n"
