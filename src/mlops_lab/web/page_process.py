"""The page of a project in a process of its own, which ends with this one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project

_COMMAND = (sys.executable, "-m", "mlops_lab.web")
_STOP_SECONDS = 5.0


class _Answer(msgspec.Struct):
    """The first line of the process: the address of the page, or why there is none."""

    page: str = ""
    error: dict[str, str | None] | None = None


@contextmanager
def page_process(project: Project, *, port: int) -> Iterator[str]:
    """The address of the page, while its process runs. EnvironmentFault where it does not start."""
    log_path = project.home / "page.log"
    project.home.mkdir(parents=True, exist_ok=True)  # of a project in which nothing was done yet
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [*_COMMAND, str(project.root), "--port", str(port), *project.layers.as_options()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            process_group=0,  # Ctrl-C goes to this process, which then stops the page
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        answer = msgspec.json.decode(told, type=_Answer) if told else _Answer(error={"what": "the page did not start"})
        if answer.error is not None:
            error = {"code": "page_failed", "where": str(log_path), "hint": "read its log"} | answer.error
            raise EnvironmentFault(
                str(error["what"]), code=str(error["code"]), where=error["where"], hint=error["hint"]
            )
        yield answer.page
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
