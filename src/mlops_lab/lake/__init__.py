"""The lake: versioned tables, in which the loop stores all its data; and the readers and writers of files."""

from mlops_lab.lake.delta import Lake, Snapshot
from mlops_lab.lake.fingerprint import fingerprint_frame

__all__ = ["Lake", "Snapshot", "fingerprint_frame"]
