"""The lineage of a version as a graph: data, features, run, version, predictions. Each node leads to its view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote

from mlops_lab.lineage.records import VersionOrigin

NODE_WIDTH, NODE_HEIGHT = 152, 52
_COLUMN, _ROW = 187, 66
_LETTERS = 19
"""So many letters fit into a node."""


@dataclass(frozen=True)
class Node:
    """A box: two lines, what it leads to, and the place of its upper left corner."""

    title: str
    text: str
    link: str
    x: int
    y: int

    @property
    def short(self) -> str:
        """The title, as much of it as fits."""
        return self.title if len(self.title) <= _LETTERS else f"{self.title[: _LETTERS - 1]}…"


@dataclass(frozen=True)
class Graph:
    """Nodes, and the lines between them as SVG paths."""

    nodes: list[Node]
    paths: list[str]
    width: int
    height: int


def lay_out(version: VersionOrigin, *, views: int, answers: int | None) -> Graph:
    """The graph of a version, from left to right. `answers`: how many predictions of it were measured; None: none."""
    rows = max(1, len(version.snapshots))
    middle = (rows - 1) * _ROW // 2
    data = [
        Node(snapshot.name, f"{snapshot.rows:,} rows", f"data?table={quote(snapshot.table)}", 1, 1 + number * _ROW)
        for number, snapshot in enumerate(version.snapshots)
    ]
    inputs = len(version.inputs)
    chain = [
        (f"{inputs} feature{'s' if inputs != 1 else ''}", f"{views} view{'s' if views != 1 else ''}", "features"),
        (f"run {version.run_id[:8]}", f"{version.rows:,} rows", f"runs?run={quote(version.run_id)}"),
        (f"version {version.number}", version.fingerprint[:16], f"models?version={version.number}"),
        ("predictions", _tell_answers(answers), f"predictions?version={version.number}"),
    ]
    line = [Node(*texts, 1 + _COLUMN * column, 1 + middle) for column, texts in enumerate(chain, start=1)]
    paths = [_connect(node, line[0]) for node in data] + _chain(line)
    width = 2 + _COLUMN * len(chain) + NODE_WIDTH
    return Graph([*data, *line], paths, width, 2 + (rows - 1) * _ROW + NODE_HEIGHT)


def _tell_answers(answers: int | None) -> str:
    return "none measured yet" if answers is None else f"{answers:,} measured"


def _chain(nodes: Sequence[Node]) -> list[str]:
    return [_connect(left, right) for left, right in pairwise(nodes)]


def _connect(left: Node, right: Node) -> str:
    """A curve from the right side of a node to the left side of the next one."""
    x, y = left.x + NODE_WIDTH, left.y + NODE_HEIGHT // 2
    end_x, end_y = right.x, right.y + NODE_HEIGHT // 2
    half = (x + end_x) // 2
    return f"M{x},{y} C{half},{y} {half},{end_y} {end_x},{end_y}"
