"""MLOps Lab: the whole path from notebook to monitored production model, as one loop that closes.

What notebooks and scripts use is here: `Project`, `snapshot`, `train`, `evaluate`, `explain` (docs/notebook.md). They
load when they are first asked for; importing the package costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not from typing, which costs more than all the rest of this file
if TYPE_CHECKING:
    from mlops_lab.notebook import Project, evaluate, explain, snapshot, train

__all__ = ["Project", "evaluate", "explain", "snapshot", "train"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlops_lab import notebook

    found: object = getattr(notebook, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
