"""Checks of a learner's git repository: complete, clean, and it works on another machine."""

from __future__ import annotations

import sys
from pathlib import Path

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.work import LabWork, run_program, variables

MAX_FILE_BYTES = 5_000_000
_NEVER = (".mlops/", "__pycache__/")
_DATA = (".csv", ".parquet", ".jsonl", ".db", ".sqlite")


def git(*words: str, folder: Path) -> str:
    """What git prints; Mistake where it fails."""
    done = run_program("git", "-c", "safe.directory=*", *words, folder=folder)
    if done.returncode:
        seen = f"`git {' '.join(words)}`: {done.stderr.strip() or done.stdout.strip()}"
        fail("git-failed", seen=seen, expected="that it works")
    return done.stdout


def check_repository(work: LabWork, name: str | None = None) -> Path:
    """A fresh clone of the learner's project, which passes its tests; Mistake where something is missing in it, or does
    not belong there."""
    name = name or work.project
    root = work.folder / name
    if not any((folder / ".git").exists() for folder in (root, work.folder)):
        fail("no-repository", seen=f"{name} is not in a git repository", expected="all work in commits")
    if changed := git("status", "--porcelain", "--", ".", folder=root).splitlines():
        seen = f"{len(changed)} changes are not committed: {', '.join(line[3:] for line in changed[:5])}"
        fail("not-committed", seen=seen, expected="that `git status` has nothing to say")
    clone = work.scratch / "clone"
    top = git("rev-parse", "--show-toplevel", folder=root).strip()
    git("clone", "--quiet", top, str(clone), folder=work.scratch)
    _check_content(git("ls-files", folder=clone).splitlines(), clone)
    project = clone / root.resolve().relative_to(Path(top).resolve())
    if not (project / "mlops.toml").is_file():
        fail("incomplete", seen="the clone has no mlops.toml", expected="the whole project in the clone")
    done = run_program(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        folder=project,
        env=variables(HAS_DATA="false"),
    )
    if done.returncode:
        seen = f"in a fresh clone, its tests: {done.stdout.strip()[-400:] or done.stderr.strip()[-400:]}"
        fail("clone-fails", seen=seen, expected="that they pass (with HAS_DATA=false)")
    return project


def _check_content(files: list[str], clone: Path) -> None:
    for name in files:
        path = clone / name
        if any(f"/{part}" in f"/{name}" for part in _NEVER):
            fail("state-in-git", seen=f"{name} is in the repository", expected="no state of the running project in it")
        if name.endswith(_DATA) or path.stat().st_size > MAX_FILE_BYTES:
            fail("data-in-git", seen=f"{name} is in the repository", expected="no data in it: it has its own versions")
        if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
            fail("secret-in-git", seen=f"{name} holds a private key", expected="no secret in any commit")
