"""The lake: versioned tables, in which the loop stores all its data; and the readers and writers of files."""

from mlops_lab.lake.delta import Lake
from mlops_lab.lake.fingerprint import fingerprint_frame
from mlops_lab.lake.snapshots import Snapshot

__all__ = ["Lake", "Snapshot", "fingerprint_frame"]
