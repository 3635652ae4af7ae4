"""A DVC repository at one of its revisions, read with the program `dvc` itself: what it tracks, parameters, metrics."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput, NotFound
from mlops_lab.notes import tell
from mlops_lab.project.keys import did_you_mean

_SHOWN_OUTPUTS = 20
_NOT_IN_NAMES = re.compile(r"[^\w./ -]")


@dataclass(frozen=True)
class DvcRevision:
    """A commit of a DVC repository. `outputs`: DVC's hash of each file or folder that it tracks, by its path (None: it
    has none); `parameters` and `metrics`: as numbers and text, by their dotted names."""

    repository: Path
    commit: str
    moment: datetime
    outputs: Mapping[str, str | None]
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


class _Values(msgspec.Struct, frozen=True):
    """The content of one file of parameters or metrics, or why it could not be read."""

    data: Any = None
    error: Any = None


class _Output(msgspec.Struct, frozen=True):
    hash: str | None = None


class _Content(msgspec.Struct, frozen=True):
    timestamp: datetime | None = None
    params: dict[str, _Values] = {}
    metrics: dict[str, _Values] = {}
    outs: dict[str, _Output] = {}


class _Shown(msgspec.Struct, frozen=True):
    """A row of `dvc exp show --json`: the workspace, then the commit."""

    rev: str
    data: _Content | None = None
    error: Any = None


class DvcRepository:
    """A folder with `.dvc`, in Git. `program` is the command `dvc`, or a path of it."""

    def __init__(self, folder: Path, *, program: str = "dvc") -> None:
        if not (folder / ".dvc").is_dir():
            raise NotFound(
                "is no DVC repository",
                code="no_dvc_repository",
                where=str(folder),
                hint="name the folder that has .dvc in it; one on a server is cloned first: git clone ADDRESS",
            )
        found = shutil.which(program)
        if found is None:
            raise EnvironmentFault(
                f'there is no program "{program}"',
                code="no_dvc",
                where="--dvc",
                hint="install it in an environment of its own, and name it: --dvc /path/to/dvc",
            )
        self.folder = folder.resolve()
        self._program = str(Path(found).absolute())

    def read(self, revision: str) -> DvcRevision:
        """What DVC knows of a revision of Git: a tag, a branch, a commit."""
        shown = self._run("exp", "show", "--json", f"--rev={revision}", "--num=1")
        row = msgspec.convert(json.loads(shown)[-1], _Shown)  # DVC writes NaN, which is not JSON
        if row.data is None or row.data.timestamp is None:
            raise InvalidInput(
                f"DVC cannot read it: {row.error or 'it has no commit'}",
                code="dvc_refused",
                where=f"{self.folder} at {revision}",
                hint=f"look at it: dvc exp show --rev {revision}",
            )
        return DvcRevision(
            repository=self.folder,
            commit=row.rev,
            moment=row.data.timestamp.astimezone(UTC),
            outputs={path: output.hash for path, output in row.data.outs.items()},
            parameters={name: str(value) for name, value in _flatten(row.data.params)},
            metrics={name: float(value) for name, value in _flatten(row.data.metrics) if _is_finite(value)},
        )

    def fetch(self, revision: DvcRevision, path: str, folder: Path) -> Path:
        """A copy, in `folder`, of a file or folder as it was then: out of DVC's cache, or of its remote storage."""
        _check_tracked(revision, path)
        copy = folder / Path(path).name
        self._run("get", ".", path, f"--rev={revision.commit}", f"--out={copy}")
        return copy

    def _run(self, *words: str) -> bytes:
        environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
        done = subprocess.run(
            [self._program, *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise InvalidInput(
                f"DVC says no: {_find_message(done.stderr.decode(errors='replace').splitlines())}",
                code="dvc_refused",
                where=str(self.folder),
                hint=f"try it there: dvc {' '.join(words[:2])} …; `dvc pull` brings what only its remote storage has",
            )
        return done.stdout


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _find_message(lines: Sequence[str]) -> str:
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or [line for line in lines if line.strip()] or ["nothing, it ended"])[-1][:300]


def _check_tracked(revision: DvcRevision, path: str) -> None:
    tracked = revision.outputs
    if any(path == output or path.startswith(f"{output}/") for output in tracked):
        return
    shown = ", ".join(list(tracked)[:_SHOWN_OUTPUTS]) or "nothing"
    raise NotFound(
        f'DVC does not track "{path}" at {revision.commit[:7]}',
        code="not_tracked",
        where="PATH",
        hint=f"{did_you_mean(path, tracked)}it tracks {shown}",
    )


def _flatten(files: Mapping[str, _Values]) -> Iterator[tuple[str, Any]]:
    """Dotted names with their values; of several files, each name begins with its file."""
    for file, values in files.items():
        if values.error is not None:
            tell(f"DVC cannot read {file}, so its values are left out")
        else:
            for name, value in _walk(values.data, (file,) if len(files) > 1 else ()):
                yield _NOT_IN_NAMES.sub("_", name), value


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, (*path, str(name)))
    elif path:
        yield ".".join(path), value
