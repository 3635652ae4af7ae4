"""Start the command line and the server as the processes they are, and talk to them."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import ticking
from command_forks import CommandForks, Order
from outputs import read_output
from ticking import Job, JobResult

from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan, package_fingerprint, write_plan
from mlops_lab.registry.signing.sign import key_for_version, sign_package
from mlops_lab.serving.answering.routing_table import LiveVersion
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.server_process import ServerProcess

MLOPS = [sys.executable, "-c", "from mlops_lab.cli import main; main()"]
PATIENCE_SECONDS = 100
FORKS = CommandForks()


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object on stdout, without its schema version."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        found.pop("schema_version", None)
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The error on stdout, checked: every part is there, and stderr says the same without a traceback."""
        error = self.data["error"]
        assert error.keys() == {"code", "what", "where", "hint"}
        assert error["code"]
        assert error["what"]
        assert error["hint"]
        assert len(re.findall("^error: ", self.err, re.MULTILINE)) == 1
        assert error["what"] in self.err
        assert f"hint: {error['hint']}" in self.err
        return error


def mlops(*words: object, project: Path | None = None, code: int | None = 0, **options: Any) -> Ran:
    """Run `mlops WORDS --json` to its end; it must exit with `code` (None: with any) and never show a traceback.

    What it prints must be what is published: see docs/json.
    """
    folder = ["--project", str(project)] if project else []
    ran = run_words([*(str(word) for word in words), *folder, "--json"], **options)
    assert "Traceback" not in ran.err, ran.err
    assert code in {ran.code, None}, f"{words} exited with {ran.code}\n{ran.out}\n{ran.err}"
    for line in ran.out.splitlines() if words[:2] != ("config", "schema") else []:
        read_output([str(word) for word in words], line)
    return ran


def run_words(
    words: Sequence[str],
    *,
    cwd: Path | str = ".",
    env: dict[str, str] | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Ran:
    """Run `mlops WORDS` to its end, as a fork where that is the same."""
    variables = dict(os.environ) if env is None else env
    if not FORKS.can_run(variables):
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": cwd, "env": env}
        done = subprocess.run([*MLOPS, *words], capture_output=True, text=True, timeout=patience_seconds, **options)
        return Ran(done.returncode, done.stdout, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        order = Order(list(words), str(Path(cwd).absolute()), variables, str(out), str(err))
        code = FORKS.run(order, patience_seconds=patience_seconds)
        return Ran(code, out.read_text(), err.read_text())


def run_jobs(jobs: Sequence[Job]) -> list[JobResult]:
    """Do the jobs in a process of their own: see `ticking`."""
    done = subprocess.run(
        [sys.executable, ticking.__file__], input=msgspec.json.encode(jobs), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=list[JobResult])


def make_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made by the first worker of the session that asks; the others wait."""
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


class Talk:
    """One kept-alive connection to a server; opened anew when the server closed it."""

    def __init__(self, project: Project, host: str, port: int) -> None:
        self.token = ensure_token(project)
        self._connection = http.client.HTTPConnection(host, port, timeout=30)

    def send(
        self, method: str, path: str, body: bytes | None = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request; the status and the JSON object of the answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if headers is None else headers
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except BaseException:
            self._connection.close()
            raise

    def post(self, path: str, data: Any) -> tuple[int, dict[str, Any]]:
        """Post JSON data."""
        return self.send("POST", path, json.dumps(data).encode())

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a good request."""
        status, answer = self.post("/v1/predict", request)
        assert status == 200, answer
        return answer

    def tell(self, outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """What became of some outcomes."""
        status, answer = self.post("/v1/outcomes", {"outcomes": outcomes})
        assert status == 200, answer
        return answer

    def add(self, table: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """What became of some rows of a table."""
        status, answer = self.post(f"/v1/tables/{table}/rows", {"rows": rows})
        assert status == 200, answer
        return answer

    def text(self, path: str) -> str:
        """A page that is not JSON."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()

    @property
    def status(self) -> dict[str, Any]:
        """What the server says of itself."""
        status, answer = self.send("GET", "/v1/status")
        assert status == 200, answer
        return answer


@dataclass
class Server:
    """A running server process of a project."""

    process: ServerProcess
    project: Project

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.address.pid

    def talk(self) -> Talk:
        """A connection to it."""
        return Talk(self.project, self.process.address.host, self.process.address.port)

    @property
    def workers(self) -> list[int]:
        """Its workers' processes, where it has several."""
        command = ["ps", "-o", "pid=", "--ppid", str(self.pid)]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return [int(word) for word in told.split()]

    def kill(self) -> None:
        """kill -9, the workers first."""
        for pid in [*self.workers, self.pid]:
            with suppress(ProcessLookupError):  # it saw the others die
                os.kill(pid, signal.SIGKILL)


@contextmanager
def serving(project: Project) -> Iterator[Server]:
    """A server on a free port, stopped in the end whatever happens."""
    with ServerProcess(project) as process:
        yield Server(process, project)


@contextmanager
def mlops_serve(folder: Path, *words: str, port: int | None = 0, **variables: str) -> Iterator[dict[str, Any]]:
    """`mlops serve --port PORT` as a process: what it says when it is ready. Ended with Ctrl-C.

    Without a port it takes that of the settings; the variables are added to the environment.
    """
    command = [*MLOPS, "serve", *([] if port is None else ["--port", str(port)]), "--project", str(folder), *words]
    pipes = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    with (folder / "serve.err").open("w") as err:
        process = subprocess.Popen(command, **pipes, stderr=err, text=True, env={**os.environ, **variables})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "serve.err").read_text()
        read_output(["serve"], line)
        yield json.loads(line)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == ""
        assert "Traceback" not in (folder / "serve.err").read_text()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until(question: Any, *, seconds: float = 30.0) -> None:
    """Wait until `question()` is true."""
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def other_package(project: Project, live: LiveVersion, **changes: Any) -> LiveVersion:
    """A copy of a package with another plan, as a further version."""
    source = project.root / live.package
    target = source.with_name("other")
    shutil.copytree(source, target)
    plan = msgspec.structs.replace(load_plan(source), **changes)
    (target / "plan.json").write_bytes(write_plan(plan))
    if (key := key_for_version(project.home, is_first=False)) is not None:
        sign_package(target, key, home=project.home)
    return LiveVersion(live.version + 1, str(target.relative_to(project.root)), package_fingerprint(target))
