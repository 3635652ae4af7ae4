"""What the gates measured of a version on the rows that were held out."""

from __future__ import annotations

from mlops_lab.gates.sanity import SANITY
from mlops_lab.lineage.documents.version_facts import VersionFacts

CALIBRATION_GAP = "calibration_gap"
_NOT_OF_THE_MODEL = ("baseline_", "calibration_gap_by_chance")


def read_held_out_figures(facts: VersionFacts) -> dict[str, float]:
    """Its loss, under the name of the measure, and its calibration gap; empty where no gate looked at it."""
    return {
        name: value
        for verdict in facts.gates
        if verdict.gate == SANITY.name
        for name, value in verdict.evidence.items()
        if not name.startswith(_NOT_OF_THE_MODEL)
    }
