"""What is known of a change after it was validated: the record that the report and the JSON are written from."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.lineage.records import FeatureChanges


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was checked; `counts` is false where a no does not refuse the change, and `reason` says why."""

    name: str
    passed: bool
    reason: str
    counts: bool = True
    evidence: dict[str, float] = {}


class Figures(Struct, frozen=True, kw_only=True):
    """A measure, or the mean loss of a group of rows, of the candidate and of the champion (None: not defined)."""

    name: str
    candidate: float | None
    champion: float | None
    rows: int


class Cost(Struct, frozen=True, kw_only=True):
    """What the candidate costs: the seconds of each stage here, the bytes of its package, and the microseconds that
    its engine takes for one row; the last two also of the champion (None: there is none, or it was not measured)."""

    seconds: dict[str, float]
    package_bytes: int
    champion_package_bytes: int | None
    row_micros: float | None
    champion_row_micros: float | None


class Trained(Struct, frozen=True, kw_only=True):
    """The candidate that the change makes: its data, and its figures beside the champion's on the held-out rows."""

    learned_rows: int
    held_out_rows: int
    cutoff: str
    snapshots: list[str]
    compared_with: str
    measures: list[Figures]
    slices: list[Figures]
    cost: Cost


class Validation(Struct, frozen=True, kw_only=True):
    """A change, validated. `features` and `contract` say what it changes against the champion and the stored rows;
    `trained` is None where it could not be trained."""

    schema_version: int = 1
    project: str
    passed: bool
    commit: str
    champion: int | None
    checks: list[Check]
    contract: dict[str, list[str]]
    features: FeatureChanges | None
    trained: Trained | None
