"""Runs the checks. It goes on whatever one of them meets: it is used when something is broken."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from mlops_lab.doctor.catalog import CHECKS
from mlops_lab.doctor.check import Check, Finding, Patient, fail, from_error, off
from mlops_lab.doctor.records import CheckResult, Examination
from mlops_lab.errors import MlopsError
from mlops_lab.project import CONFIG_NAME, find_project

PATIENCE_SECONDS = 5.0
"""How long a check may take: a dead file system or name server answers never."""


def admit(start: Path, *, flags: Sequence[str] = ()) -> Patient:
    """The project in `start` or above it, also where its settings cannot be read, or there is none."""
    folders = (start.resolve(), *start.resolve().parents)
    root = next((folder for folder in folders if (folder / CONFIG_NAME).is_file()), None)
    try:
        return Patient(root=root, project=find_project(start, flags=flags))
    except MlopsError as fault:
        return Patient(root=root, fault=fault)


def examine(patient: Patient, checks: Sequence[Check] = CHECKS) -> Examination:
    """What each check says."""
    results = [run_check(check, patient) for check in checks]
    return Examination(
        project=patient.project.name if patient.project else None,
        folder=str(patient.root) if patient.root else None,
        failed=sum(result.state == "fail" for result in results),
        warned=sum(result.state == "warn" for result in results),
        checks=results,
    )


def run_check(check: Check, patient: Patient, *, patience_seconds: float = PATIENCE_SECONDS) -> CheckResult:
    """What a check says, in a thread of its own, which is left behind where it does not come back."""
    if check.needs != "machine" and patient.root is None:
        return _record(check, off("there is no project here"), 0.0)
    if check.needs == "settings" and patient.project is None:
        return _record(
            check, off("not looked at: the settings cannot be read", "mend what the check `settings` names"), 0.0
        )
    answer: SimpleQueue[Finding] = SimpleQueue()
    began = time.perf_counter()
    Thread(target=lambda: answer.put(_look(check, patient)), daemon=True).start()
    try:
        finding = answer.get(timeout=patience_seconds)
    except Empty:
        hint = "look for a file system or a host that does not answer: `df`, `mount`, the addresses in mlops.toml"
        finding = fail(f"no answer within {patience_seconds:g} s", hint)
    return _record(check, finding, time.perf_counter() - began)


def _look(check: Check, patient: Patient) -> Finding:
    try:
        return check.look(patient)
    except MlopsError as error:
        return from_error(error)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return fail(f"{where}{error.strerror or error}", "check the owner and the permissions of the project's folder")
    except Exception as error:  # what is broken may break a check in any way, and the others still count
        return fail(f"the check itself failed: {type(error).__name__}: {error}", "report this as a bug of MLOps Lab")


def _record(check: Check, finding: Finding, seconds: float) -> CheckResult:
    return CheckResult(
        name=check.name,
        state=finding.state,
        seen=finding.seen,
        hint=finding.hint,
        milliseconds=round(seconds * 1000, 1),
    )
