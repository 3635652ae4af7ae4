"""The list of drills."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_lab.drills.drill import Drill
from mlops_lab.drills.faults.bad_candidate import BAD_CANDIDATE
from mlops_lab.drills.faults.clock_jump import CLOCK_JUMP
from mlops_lab.drills.faults.dead_server import DEAD_SERVER
from mlops_lab.drills.faults.full_disk import FULL_DISK
from mlops_lab.drills.faults.label_flip import LABEL_FLIP
from mlops_lab.drills.faults.late_labels import LATE_LABELS
from mlops_lab.drills.faults.null_column import NULL_COLUMN
from mlops_lab.drills.faults.poisoned_batch import POISONED_BATCH
from mlops_lab.drills.faults.skewed_feature import SKEWED_FEATURE
from mlops_lab.drills.faults.slow_model import SLOW_MODEL
from mlops_lab.drills.faults.stopped_feed import STOPPED_FEED
from mlops_lab.drills.faults.tampered_package import TAMPERED_PACKAGE
from mlops_lab.drills.faults.unit_change import UNIT_CHANGE
from mlops_lab.errors import NotFound
from mlops_lab.project.keys import did_you_mean

DRILLS: Sequence[Drill] = (
    SKEWED_FEATURE,
    NULL_COLUMN,
    UNIT_CHANGE,
    POISONED_BATCH,
    BAD_CANDIDATE,
    LATE_LABELS,
    LABEL_FLIP,
    SLOW_MODEL,
    DEAD_SERVER,
    FULL_DISK,
    CLOCK_JUMP,
    TAMPERED_PACKAGE,
    STOPPED_FEED,
)


def find_drill(name: str) -> Drill:
    """The drill with this name. NotFound where there is none."""
    drills = {drill.name: drill for drill in DRILLS}
    if name in drills:
        return drills[name]
    hint = f"{did_you_mean(name, list(drills))}there are {', '.join(drills)}"
    raise NotFound(f'there is no drill "{name}"', code="no_drill", where="NAME", hint=hint)
