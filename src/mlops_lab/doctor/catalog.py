"""All checks, in the order in which they are shown: what others depend on comes first."""

from __future__ import annotations

from mlops_lab.doctor.check import Check
from mlops_lab.doctor.checks.disk import CLOCK, DISK, FSYNC
from mlops_lab.doctor.checks.environment import KERNEL, PACKAGES, PYTHON
from mlops_lab.doctor.checks.machine import CORES, MEMORY
from mlops_lab.doctor.checks.outside import ALERTS, ONLINE_STORE, RAY, STORE
from mlops_lab.doctor.checks.secrets import KEYS, TOKENS
from mlops_lab.doctor.checks.server import CERTIFICATE, LOOP, PORT, SERVER
from mlops_lab.doctor.checks.settings import DATA, PIPELINE, SETTINGS
from mlops_lab.doctor.checks.stores import JOURNAL, LAKE, MLFLOW
from mlops_lab.doctor.checks.tracking import TRACKING
from mlops_lab.doctor.checks.version import VERSION

CHECKS: tuple[Check, ...] = (
    *(SETTINGS, PIPELINE, DATA),
    *(PYTHON, PACKAGES, KERNEL, CORES, MEMORY),
    *(DISK, FSYNC, CLOCK),
    *(LAKE, JOURNAL, MLFLOW, VERSION),
    *(KEYS, TOKENS),
    *(SERVER, PORT, CERTIFICATE, LOOP),
    *(TRACKING, STORE, ONLINE_STORE, RAY, ALERTS),
)
