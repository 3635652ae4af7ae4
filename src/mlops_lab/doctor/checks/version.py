"""The version that answers: its package."""

from __future__ import annotations

from mlops_lab.doctor.check import Check, Finding, Patient, off, ok
from mlops_lab.doctor.live import read_table
from mlops_lab.registry.package import open_package


def look_at_version(patient: Patient) -> Finding:
    """Whether the package of the version that answers is there, unchanged, and signed where the project signs."""
    table = read_table(patient)
    if table is None:
        return off("no version is live", "`mlops run` trains one")
    live = table.champion
    package = open_package(patient.folder / live.package, fingerprint=live.fingerprint, home=patient.home)
    return ok(
        f"version {live.version}, engine {package.plan.engine}, {len(package.model):,} bytes, as it was registered"
    )


VERSION = Check(
    name="version",
    looks_at="the package of the live version: is it there, unchanged, and signed where the project signs",
    needs="folder",
    look=look_at_version,
)
