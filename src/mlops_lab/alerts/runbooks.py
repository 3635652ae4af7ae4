"""The rules that raise alerts: what to look at and what to run, and how their alerts end by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

CHANNEL_RULE = "alert_channel"


class Ends(StrEnum):
    """How the alerts of a rule end by themselves."""

    WITH_DAY = "with_day"
    """The rule is checked for each day that is measured: it ends on the first that does not raise it again."""
    WITH_QUIET_DAY = "with_quiet_day"
    """The rule is raised once a day while it lasts: it ends after a whole measured day on which it was not raised."""
    WITH_MONITOR = "with_monitor"
    """It is raised once: it ends with the first measured day after which its monitor is usual again."""
    WITH_DELIVERY = "with_delivery"
    """It ends when the channel delivers again, or is not declared any more."""
    WITH_ANSWER = "with_answer"
    """It asks people for their approval: it ends when nothing waits for that any more."""
    BY_PERSON = "by_person"
    """It tells of something that happened once: a person resolves it."""


@dataclass(frozen=True)
class Runbook:
    """What to look at, what to run, how the alerts end by themselves, and whether they are sent: what nobody needs to
    act on is only listed."""

    look: str
    run: str
    ends: Ends = Ends.BY_PERSON
    is_sent: bool = True

    @property
    def line(self) -> str:
        """The runbook in a line."""
        return f"look at {self.look}; run `{self.run}`"


RUNBOOKS: Mapping[str, Runbook] = {
    "parity": Runbook(
        "the values that were served beside those of the definition, and whether pipeline.py or a table changed",
        "mlops features verify",
        Ends.WITH_DAY,
    ),
    "unverified": Runbook(
        "the folders of the versions, and the columns of the log", "mlops features verify", Ends.WITH_DAY
    ),
    "unmeasured": Runbook("the reason, and the table or package that it names", "mlops status --json", Ends.WITH_DAY),
    "monitor_page": Runbook(
        "what changed since the day that it names: data, clients, versions; if it is worse, `mlops rollback`",
        "mlops status",
        Ends.WITH_MONITOR,
    ),
    "monitor_note": Runbook(
        "the inputs that it names, and whether the quality holds once outcomes arrive",
        "mlops status",
        Ends.WITH_MONITOR,
        is_sent=False,
    ),
    "log": Runbook("the files of the table in .mlops/lake, and the disk", "mlops features verify", Ends.WITH_QUIET_DAY),
    "package": Runbook("the folder of the version's package, and its backup", "mlops history", Ends.WITH_QUIET_DAY),
    "alias": Runbook(
        "MLflow's database in .mlops/mlflow and the disk, or the tracking server", "mlops tick", Ends.WITH_QUIET_DAY
    ),
    "tracking": Runbook(
        "the tracking server in [tracking] uri, and its credentials", "mlops doctor", Ends.WITH_QUIET_DAY
    ),
    "journal": Runbook("the folder .mlops/journal, the disk, and what was restored or copied", "mlops quarantine"),
    "clock": Runbook("the clock of the machine, and moments given with --at", "mlops history"),
    "approval": Runbook(
        "what the candidate has shown, then approve or reject it", "mlops rollout show", Ends.WITH_ANSWER
    ),
    CHANNEL_RULE: Runbook(
        "the address of the channel in [alerts.channels], its environment variables, and the network",
        "mlops alerts test",
        Ends.WITH_DELIVERY,
    ),
}
"""By rule. A rule `NAME.PART` without an entry of its own has that of `NAME`."""
_OF_ANOTHER_RELEASE = Runbook("what the alert says, and where", "mlops status")


def runbook_of(rule: str) -> Runbook:
    """The runbook of a rule; a general one for rules of another release, which the table may hold."""
    return RUNBOOKS.get(rule) or RUNBOOKS.get(rule.partition(".")[0]) or _OF_ANOTHER_RELEASE
