"""Features: one definition, computed offline for training and online for serving."""

from mlops_lab.features.aggregates import count, largest, last, mean, share, smallest, std, total
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View

__all__ = ["Features", "View", "count", "largest", "last", "mean", "share", "smallest", "std", "total"]
