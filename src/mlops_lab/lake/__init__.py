"""Versioned tables: everything the loop knows is one."""

from mlops_lab.lake.delta import Lake, Snapshot
from mlops_lab.lake.fingerprint import fingerprint_frame

__all__ = ["Lake", "Snapshot", "fingerprint_frame"]
