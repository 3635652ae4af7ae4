"""Features: one definition, computed offline for training and online for serving."""

from mlops_lab.features.definition import (
    Features,
    View,
    count,
    largest,
    last,
    mean,
    share,
    smallest,
    std,
    total,
)

__all__ = ["Features", "View", "count", "largest", "last", "mean", "share", "smallest", "std", "total"]
