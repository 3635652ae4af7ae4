"""The known limits of a version, as its package and its training data show them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mlops_lab.lineage.documents.version_facts import VersionFacts
from mlops_lab.monitoring.profile import MAX_CATEGORIES
from mlops_lab.tasks.regression import Regression


def list_limits(facts: VersionFacts) -> list[str]:
    """The limits as sentences; names of inputs stand in quotes."""
    return [
        f"It has learned from nothing that happened from {facts.origin.cutoff} on.",
        *_held_out(facts),
        *_unseen_categories(facts),
        *_missing_values(facts),
        *_missing_facts(facts),
        *_agreement(facts),
    ]


def _held_out(facts: VersionFacts) -> Iterator[str]:
    """How the figures on held-out rows are to be read."""
    if datetime.fromisoformat(facts.origin.cutoff) == facts.trained_at:
        yield "It has learned from the held-out rows, too: the figures on them are those of a twin that has not."
    if facts.plan.task == Regression.kind:
        deviation = f"{facts.plan.scale:.6g}"
        yield f"Figures on held-out rows are in units of the standard deviation of the label in training, {deviation}."


def _unseen_categories(facts: VersionFacts) -> Iterator[str]:
    for name, profile in facts.profiles.items():
        if profile.categories is None:
            continue
        number = len(profile.categories)
        known = f"more than {number}" if number == MAX_CATEGORIES and profile.shares[-1] > 0 else str(number)
        yield f'"{name}": {known} different texts were in its training rows; it knows nothing of any other.'


def _missing_values(facts: VersionFacts) -> Iterator[str]:
    never = [name for name, profile in facts.profiles.items() if profile.null_share == 0]
    for name, profile in facts.profiles.items():
        if profile.null_share > 0:
            yield f'"{name}": missing in {profile.null_share:.2%} of its training rows.'
    if never:
        names = ", ".join(f'"{name}"' for name in never)
        yield f"Never missing in its training rows, so it has not learned what a missing value means: {names}."


def _missing_facts(facts: VersionFacts) -> Iterator[str]:
    for view in facts.plan.features["views"]:
        if view["missing"] == "refuse":
            yield f'View "{view["name"]}": a request without a fact in table "{view["table"]}" gets no answer.'
        else:
            filled = "nulls" if view["missing"] == "null" else f"these values: {view['missing']}"
            yield f'View "{view["name"]}": without a fact in table "{view["table"]}" it has {filled}.'


def _agreement(facts: VersionFacts) -> Iterator[str]:
    agreement = facts.agreement
    largest = "unknown" if agreement.largest is None else f"{agreement.largest:.3g}"
    yield (
        f"Answers come from the engine {agreement.engine}. On {agreement.rows:,} compared rows they differ from those "
        f"of the trained model by up to {largest}."
    )
