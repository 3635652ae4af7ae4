"""Versioned tables: everything the loop knows is one."""

from mlops_lab.lake.fingerprint import fingerprint_frame
from mlops_lab.lake.tables import Lake, Snapshot

__all__ = ["Lake", "Snapshot", "fingerprint_frame"]
