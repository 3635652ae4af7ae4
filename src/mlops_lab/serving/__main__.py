"""The serving process: `python -m mlops_lab.serving PROJECT [--port N] [--set KEY=VALUE] [--stop-with-parent]`.

`mlops serve` prepares the state and then starts it. It prints one line when it is ready to answer. With one worker it
answers itself; with several it supervises them, each started by the same command with `--worker` and `--socket`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from mlops_lab.errors import MlopsError
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.project import Project, load_project
from mlops_lab.project.owners import Hold, Role, keep_role, take_role
from mlops_lab.serving.process.address import Address, address_path, check_no_server, listen
from mlops_lab.serving.process.cloud import SAGEMAKER_WORD, find_cloud_port
from mlops_lab.serving.process.frozen import link_frozen_project
from mlops_lab.serving.process.hangup import outlive_hangup
from mlops_lab.serving.process.tls import certificate_copy, find_tls


def main() -> int:
    """Serve until stopped; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlops_lab.serving")
    parser.add_argument("project", type=Path)
    parser.add_argument("word", nargs="?", choices=[SAGEMAKER_WORD], help="what SageMaker says to an image")
    parser.add_argument("--frozen", type=Path, help="the project of an image, which is linked into PROJECT first")
    parser.add_argument("--port", type=int)
    parser.add_argument("--set", dest="flags", action="append", default=[])
    parser.add_argument("--stop-with-parent", action="store_true")
    parser.add_argument("--worker", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--socket", type=int)
    parser.add_argument("--lock", type=int, help="the open file by which this process already has the role of server")
    options = parser.parse_intermixed_args()  # what follows the name of an image comes last
    outlive_hangup()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait for rows must not use the processor
    try:
        if options.frozen is not None:
            link_frozen_project(options.frozen, options.project)
        project = load_project(options.project, flags=options.flags)
        if options.socket is not None:
            _run_worker(project, options)
        else:
            with _take_role(project, options.lock):
                _run_server(project, options)
    except MlopsError as error:
        sys.stderr.write(json.dumps({"error": error.as_dict(), "exit_code": error.exit_code}) + "\n")
        return error.exit_code
    return 0


def _take_role(project: Project, lock: int | None) -> Hold:
    """The role of server: as it was passed on, or taken now; an error where another process has it."""
    if lock is not None:
        return keep_role(lock)
    check_no_server(project)
    return take_role(project, Role.SERVER)


def _run_worker(project: Project, options: argparse.Namespace) -> None:
    """Run one of several workers."""
    from mlops_lab.serving.process.log import log_to_stderr
    from mlops_lab.serving.process.worker import serve

    log_to_stderr(options.worker)
    serve(
        project,
        socket.socket(fileno=options.socket),
        worker=options.worker,
        workers=options.workers,
        with_parent=options.stop_with_parent,
        ready=lambda: _report({"worker": options.worker, "pid": os.getpid()}),
    )


def _run_server(project: Project, options: argparse.Namespace) -> None:
    """Run the only worker, or supervise several."""
    settings = project.settings.serving
    workers = options.workers or settings.workers
    tls = find_tls(project)
    listener = listen(settings.host, _choose_port(settings.port, options))

    def ready() -> None:
        host, port = listener.getsockname()[:2]
        address = Address(os.getpid(), host, port, certificate=str(certificate_copy(project)) if tls else None)
        try:
            write_atomically(address_path(project), msgspec.json.encode(address))
        except OSError as error:
            raise disk_fault(error, address_path(project)) from error
        _report({"schema_version": 1, "ready": address.url_with(host), "pid": os.getpid()})

    with suppress(OSError):
        address_path(project).unlink()  # of a server that is gone
    try:
        shutil.rmtree(project.workers_path, ignore_errors=True)
        project.workers_path.mkdir(parents=True)
    except OSError as error:
        raise disk_fault(error, project.workers_path) from error
    from mlops_lab.serving.process.log import log_to_stderr

    log_to_stderr(0)
    if workers == 1:
        from mlops_lab.serving.process.worker import serve

        serve(project, listener, worker=0, workers=1, with_parent=options.stop_with_parent, ready=ready)
        return
    from mlops_lab.serving.process.supervisor import Supervisor, worker_command

    flags = [argument for flag in options.flags for argument in ("--set", flag)]
    command = worker_command(options.project, flags)
    asyncio.run(Supervisor(command, listener, workers=workers, with_parent=options.stop_with_parent).run(ready))


def _choose_port(default: int, options: argparse.Namespace) -> int:
    """The port of the command line, or else the one at which a cloud asks an image, or else that of the settings."""
    if options.port is not None:
        return int(options.port)
    in_cloud = find_cloud_port(os.environ, word=options.word) if options.frozen is not None else None
    return default if in_cloud is None else in_cloud


def _report(event: dict[str, object]) -> None:
    """Print a JSON line for the process that started this one; nothing where nobody can read it."""
    if sys.stdout is None:  # closed before this process started
        return
    with suppress(OSError):  # a reader that has ended: with --stop-with-parent, this process sees that, and ends too
        os.write(sys.stdout.fileno(), json.dumps(event).encode() + b"\n")  # no buffer, so none to flush at exit


if __name__ == "__main__":
    sys.exit(main())
