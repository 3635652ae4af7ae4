"""The files of a project that its `pipeline.py` needs: the modules that it imports, and the files that it names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_lab.project import PIPELINE_NAME

_LONGEST_NAME = 200
MOST_BYTES = 10_000_000
"""A larger file is data, not code: it is not kept with each version."""


def find_code(folder: Path) -> dict[str, bytes]:
    """By their paths below the folder, in order: `pipeline.py`, all modules of the folder that it imports, directly or
    not, wherever the import stands, the files of up to `MOST_BYTES` that one of them names in a text, and models
    (`*.onnx`).

    What lies in hidden folders (`.mlops`, `.venv`) is none of them.
    """
    found: dict[str, bytes] = {path.name: path.read_bytes() for path in folder.glob("*.onnx")}
    waiting = [Path(PIPELINE_NAME)]
    while waiting:
        path = waiting.pop()
        if path.as_posix() in found or not _is_code(folder, path):
            continue
        found[path.as_posix()] = content = (folder / path).read_bytes()
        if path.suffix == ".py":
            waiting += _needs(content, path)
    return dict(sorted(found.items()))


def module_names(code: Iterable[str]) -> list[str]:
    """The names under which the modules among these files are imported."""
    paths = [Path(name) for name in code if name.endswith(".py") and name != PIPELINE_NAME]
    return [".".join((path.parent if path.stem == "__init__" else path.with_suffix("")).parts) for path in paths]


def _needs(content: bytes, path: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # running it says so, with the line
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(path.parts[: len(path.parts) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            for alias in node.names:
                yield from _files_of(f"{module}.{alias.name}" if module else alias.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _may_be_name(node.value):
            yield Path(node.value)
            yield path.parent / node.value


def _files_of(module: str) -> Iterator[Path]:
    """Where a module of the folder would be, and the packages that hold it."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        place = Path(*parts[:length])
        yield place / "__init__.py"
        yield place.with_suffix(".py")


def _may_be_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable() and not text.startswith(("/", "~"))


def _is_code(folder: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    is_file = not hidden and not path.is_absolute() and (folder / path).is_file()
    return is_file and (folder / path).stat().st_size <= MOST_BYTES
