"""What is told of a prediction once its outcome is known: one declaration for the server's door and for files."""

from __future__ import annotations

from mlops_lab.contracts.fields import Field, parse_fields
from mlops_lab.project import Project


def told_fields(project: Project) -> tuple[Field, ...]:
    """The id of the prediction, when its outcome was known, and the outcome.

    The moment may be left out where "now" is the machine's time: it is then that of the arrival. A project that lives
    on its data's clock must say it.
    """
    on_the_wall = project.settings.project.clock == "wall"
    known = (Field("id", "string", nullable=False), Field("known_at", "datetime", nullable=on_the_wall))
    return (*known, *parse_fields(project.settings.source.outcome, where="source.outcome"))
