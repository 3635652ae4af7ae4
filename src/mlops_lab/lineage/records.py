"""What is behind predictions, versions and features, as typed records: what the commands print with `--json`.

Moments are texts (ISO 8601). Fields are only ever added: see docs/json.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mlops_lab.training.agreement import Agreement


class SnapshotRecord(Struct, frozen=True, kw_only=True):
    """A table at a version (`name` is both), its number of rows, and the fingerprint of its content."""

    table: str
    version: int
    rows: int
    fingerprint: str
    name: str


class VersionOrigin(Struct, frozen=True, kw_only=True):
    """What a version is made of: package, inputs, tables, training set, cutoff (no later row was used), code.

    `window`: which rows it learned from, as `[training] window` says it; `window_losses`: where that was chosen at the
    training, the mean loss of each that was compared. `imported`: of a model that was trained elsewhere, where it came
    from (`from`, `flavor`, `sha256`, `trained_until`); the training set is then what its gates and engines were given.
    `sampled_from`: of how many rows a sample was trained on (`[training] max_rows`); null: all rows were.
    """

    number: int
    run_id: str
    package: str
    fingerprint: str
    inputs: list[str]
    snapshots: list[SnapshotRecord]
    training_set: str
    rows: int
    cutoff: str
    commit: str
    code: str
    environment: str
    window: str = "all"
    window_losses: dict[str, float] = {}
    imported: dict[str, str] = {}
    sampled_from: int | None = None


class ShadowAnswer(Struct, frozen=True, kw_only=True):
    """What a version in shadow would have answered."""

    version: int
    output: float | list[float]


class DecisionSummary(Struct, frozen=True, kw_only=True):
    """A decision without its evidence."""

    at: str
    what: str
    rule: str
    reason: str


class PredictionLineage(Struct, frozen=True, kw_only=True):
    """A prediction: request, features, output, the version that answered, and the outcome (null: not known yet).

    `corrected` has the outcomes that counted before, where it was corrected, the oldest first.
    """

    schema_version: int = 1
    id: str
    at: str
    request: dict[str, Any]
    features: dict[str, Any]
    output: float | list[float]
    role: str
    shadow: ShadowAnswer | None
    version: VersionOrigin
    outcome: dict[str, Any] | None
    corrected: list[dict[str, Any]] = []
    decisions: list[DecisionSummary]


class VersionLineage(Struct, frozen=True, kw_only=True):
    """A version: what it is made of, how its engine was chosen, and what was decided about it."""

    schema_version: int = 1
    version: VersionOrigin
    agreement: Agreement
    decisions: list[DecisionSummary]


class ReplayedInput(Struct, frozen=True, kw_only=True):
    """An input of the model: the value that was `logged`, and the one that its definition gives from the facts as of
    then."""

    name: str
    logged: Any
    from_facts: Any
    equal: bool


class OtherAnswer(Struct, frozen=True, kw_only=True):
    """What another version would have answered, and the inputs that it would have seen; or why it refuses."""

    version: int
    output: float | list[float] | None
    refusal: str | None
    inputs: dict[str, Any]


class PredictionReplay(Struct, frozen=True, kw_only=True):
    """A logged prediction answered again, by the version that answered it.

    `logged` is the output in the log, `from_log` that of the logged inputs, and `from_facts` that of the inputs as they
    are defined, from the facts as of then. `equal`: all inputs and both outputs are as logged. `tolerance`: by how much
    outputs that count as equal may differ (0: the same bits).
    """

    schema_version: int = 1
    id: str
    at: str
    version: int
    equal: bool
    logged: float | list[float]
    from_log: float | list[float]
    from_facts: float | list[float]
    tolerance: float
    inputs: list[ReplayedInput]
    other: OtherAnswer | None


class ReplayedVersion(Struct, frozen=True, kw_only=True):
    """The sampled predictions of a version: how many there are, how many are equal, and how many differ. `reason`: why
    the others could not be answered again."""

    version: int
    predictions: int
    equal: int
    differing: int
    reason: str | None = None


class SampleReplay(Struct, frozen=True, kw_only=True):
    """Random predictions answered again, by version. `differing` has the ids of those that are not equal, and
    `by_input` how often each input, or the output, differs. The same `seed` gives the same sample."""

    schema_version: int = 1
    seed: int
    predictions: int
    equal: int
    versions: list[ReplayedVersion]
    differing: list[str]
    by_input: dict[str, int]


class MadeOtherwise(Struct, frozen=True, kw_only=True):
    """One thing that differs between what a version was made of and what it was made of again. `kind`: data, code,
    package, python, machine, or the training set."""

    kind: str
    name: str
    then: str
    now: str


class ErasedRows(Struct, frozen=True, kw_only=True):
    """Rows of a table at a version that were erased since it was trained on (`mlops forget`)."""

    table: str
    version: int
    rows: int


class Reproduction(Struct, frozen=True, kw_only=True):
    """A version trained again from its record. `same`: plan and model file have the same bytes.

    `differences` has all that differs in what it was made of, the causes first; it may not matter to the model.
    `largest`: the largest difference between the answers of both to `compared_rows` training rows (null: they do not
    answer the same inputs). `folder` (null: thrown away) has what was made. `erased`: what was erased of its data;
    it was trained again on the rest.
    """

    schema_version: int = 1
    version: int
    same: bool
    fingerprint: str
    fingerprint_again: str
    differences: list[MadeOtherwise]
    largest: float | None
    compared_rows: int | None
    new_environment: bool
    folder: str | None
    erased: list[ErasedRows] = []


class ViewRecord(Struct, frozen=True, kw_only=True):
    """A view: its table, its key (`by`: pairs of a request field and a column), its values (each the aggregate, the
    column, and the value that is counted), what stands for a missing fact, and the live versions that use it."""

    name: str
    table: str
    by: list[list[str]]
    values: dict[str, list[Any]]
    over: str | None
    ttl: str | None
    missing: str | dict[str, Any]
    version: str
    types: dict[str, str]
    live_in: list[int]


class ViewDefinition(ViewRecord, frozen=True, kw_only=True):
    """One view, by itself."""

    schema_version: int = 1


class FeatureDefinitions(Struct, frozen=True, kw_only=True):
    """All features of a project: the inputs of its model in order, its views, and its derived features as text."""

    schema_version: int = 1
    version: str
    inputs: list[str]
    views: list[ViewRecord]
    derived: dict[str, str]


class Change(Struct, frozen=True, kw_only=True):
    """A part of a definition as it was and as it is."""

    then: Any
    now: Any


class DefinitionChanges(Struct, frozen=True, kw_only=True):
    """Names that were added, names that were removed, and of each changed name the parts that changed."""

    added: list[str]
    removed: list[str]
    changed: dict[str, dict[str, Change]]


class FeatureChanges(Struct, frozen=True, kw_only=True):
    """How the features differ from those of `other`, a version or a commit."""

    schema_version: int = 1
    other: str
    same: bool
    views: DefinitionChanges
    derived: DefinitionChanges
    inputs: DefinitionChanges
