"""The approvals that versions have, and the step that waits for one: a part of the state of a rollout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

TOKEN = "token:"
"""What stands before the name of a token in `by` of a decision."""


def person_of(by: str) -> str:
    """The name of who decided: a user of the machine and a token of one name are taken for the same person."""
    return by.removeprefix(TOKEN)


@dataclass(frozen=True)
class Approval:
    """A person's word for a step of a version, and since when it is given."""

    version: int
    step: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Asked:
    """A step that is due and waits for approvals, since when."""

    version: int
    step: str
    at: datetime


@dataclass(frozen=True)
class Approvals:
    """The approvals that were given and not used yet, and the step that waits; None where none does."""

    given: tuple[Approval, ...] = ()
    asked: Asked | None = None

    def ask(self, version: int, step: str, at: datetime) -> Approvals:
        """These, and a step waits."""
        return replace(self, asked=Asked(version, step, at))

    def approve(self, version: int, step: str, by: str, at: datetime) -> Approvals:
        """These and one more; it takes the place of an earlier one by the same person."""
        others = [item for item in self.given if (item.version, item.step, item.by) != (version, step, by)]
        return replace(self, given=(*others, Approval(version, step, by, at)))

    def without(self, version: int | None, step: str | None = None) -> Approvals:
        """Without those for a version, or for one step of it: they were used, or the version is out."""

        def is_kept(item: Approval | Asked) -> bool:
            return item.version != version or step not in {None, item.step}

        asked = self.asked if self.asked is not None and is_kept(self.asked) else None
        return Approvals(tuple(item for item in self.given if is_kept(item)), asked)

    def not_after(self, at: datetime) -> Approvals:
        """These, with what is dated after a moment as of that moment."""
        asked = replace(self.asked, at=min(self.asked.at, at)) if self.asked else None
        return Approvals(tuple(replace(item, at=min(item.at, at)) for item in self.given), asked)
