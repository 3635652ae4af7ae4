"""The machine: its cores, its memory, and what a training needs of them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import msgspec

from mlops_lab.doctor.check import Check, Finding, Patient, fail, off, ok, warn
from mlops_lab.doctor.live import read_table
from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.registry.package import PLAN_FILE
from mlops_lab.status.wording import format_count
from mlops_lab.training.environment import THREAD_VARIABLES
from mlops_lab.training.fact_parts import stored_rows
from mlops_lab.training.machine_memory import CGROUP, free_bytes, total_bytes
from mlops_lab.training.memory_need import needed_bytes

GIB = 2**30


def look_at_cores(patient: Patient) -> Finding:
    """The cores that this process may use, against the threads and workers that are asked for."""
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = allowed_cores(visible)
    given = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    seen = format_count(allowed, "core") + "".join(f", {name}={value}" for name, value in given.items())
    if too_many := [name for name, value in given.items() if value.isdigit() and int(value) > allowed]:
        hint = f"set {too_many[0]} to {allowed} at most, or unset it: more threads than cores wait for each other"
        return warn(f"{seen}: more threads than cores", hint)
    if allowed < visible and "OMP_NUM_THREADS" not in given:
        hint = " ".join(f"{name}={allowed}" for name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS"))
        seen = f"{visible} cores are visible, and the container may use {allowed}: libraries start a thread for each"
        return warn(seen, f"set {hint}")
    workers = patient.project.settings.serving.workers if patient.project else 1
    if workers > allowed:
        return warn(f"{seen}, and {workers} workers of the server", f"set [serving] workers to {allowed} at most")
    return ok(seen)


def look_at_memory(patient: Patient) -> Finding:
    """The memory that is left, against what a training of the stored rows takes."""
    left, total = free_bytes(), total_bytes()
    if left is None or total is None:
        return off("this system does not tell how much memory is left")
    project = patient.settled
    lake, source = Lake(project.lake_path), project.settings.source
    rows = stored_rows(project, lake, source.table)
    inputs = _count_inputs(patient)
    needed = needed_bytes(project, lake, inputs)
    seen = (
        f"{left / GIB:.1f} of {total / GIB:.1f} GiB are left; "
        f"a training on {rows:,} rows of {inputs} inputs takes about {needed / GIB:.1f} GiB"
    )
    if needed > total:
        return fail(seen, "train on fewer rows, such as `[training] max_rows = 1000000`, or on a larger machine")
    if needed > left:
        return warn(seen, "end other programs before the next training, or give the machine more memory")
    return ok(seen)


def allowed_cores(visible: int, cgroup: Path = CGROUP) -> int:
    """How many of the visible cores the container's quota allows to use; all where there is none."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return visible
    return visible if quota == "max" else max(1, min(visible, math.floor(int(quota) / int(period))))


def _count_inputs(patient: Patient) -> int:
    """The inputs of the version that answers; before there is one, the fields of a request."""
    fields = len(patient.settled.settings.source.request)
    try:
        table = read_table(patient)
        if table is None:
            return fields
        plan = msgspec.json.decode((patient.folder / table.champion.package / PLAN_FILE).read_bytes())
        return len(plan["features"]["inputs"])
    except (EnvironmentFault, OSError, msgspec.MsgspecError, LookupError, TypeError):  # the check `version` says so
        return fields


CORES = Check(
    name="cores",
    looks_at="the cores that may be used, against OMP_NUM_THREADS and its like, and the workers of the server",
    needs="machine",
    look=look_at_cores,
)
MEMORY = Check(
    name="memory",
    looks_at="the memory that is left, against what a training on the stored rows takes",
    needs="settings",
    look=look_at_memory,
)
