"""The steps of a project as data: the one reader that exporters write pipelines, schedules and jobs from.

Inputs and outputs are references (`table:orders`, `version`), never values: whoever runs a step hands nothing on, as
all steps read and write the project's lake. Steps with the same command are one process: an exporter makes one job of
them (`ProjectSteps.jobs`), and each may be run again at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from mlops_lab.clock import parse_duration
from mlops_lab.lake.sql import is_uri
from mlops_lab.project import CONFIG_NAME, PIPELINE_NAME, Project
from mlops_lab.project.secret_references import list_variables
from mlops_lab.tables.declared import DECISIONS, MEASUREMENTS, OUTCOMES, PREDICTIONS

CHECK, RUN, TICK = ("mlops", "contract", "check"), ("mlops", "run"), ("mlops", "tick")
SCORE = ("mlops", "score", "requests.parquet", "--out", "answers.parquet")

_MINUTES, _HOURS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30), (1, 2, 3, 4, 6, 8, 12)
"""The steps of cron that divide an hour, and a day."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step: what it does, the command that does it, and references to what it reads and writes."""

    name: str
    summary: str
    command: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Job:
    """The steps that one command does, in one process; `refused_code` is its exit code where a gate or a check says
    no, which is a result and no failure to be tried again."""

    command: tuple[str, ...]
    steps: tuple[Step, ...]
    refused_code: int = 1


@dataclass(frozen=True, kw_only=True)
class ProjectSteps:
    """The steps in their order. `cron` (in `timezone`) is when the loop ticks. `requirements` are what the commands
    need beside Python >= 3.11. `variables` are those that must be set: their values may be secret, so no file has them.
    """

    project: str
    steps: tuple[Step, ...]
    cron: str
    timezone: str
    requirements: str
    variables: tuple[str, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The commands in their order, each once, with their steps."""
        commands = dict.fromkeys(step.command for step in self.steps)
        return tuple(
            Job(command=command, steps=tuple(step for step in self.steps if step.command == command))
            for command in commands
        )


def read_steps(project: Project) -> ProjectSteps:
    """The steps of the project as it is declared; nothing is loaded and nothing is run."""
    source = project.settings.source
    names = (source.table, *project.settings.tables)
    data, tables = tuple(f"data:{name}" for name in names), tuple(_table(name) for name in names)
    outcomes, predictions, decisions = _table(OUTCOMES.name), _table(PREDICTIONS.name), _table(DECISIONS.name)
    code = (f"file:{CONFIG_NAME}", f"file:{PIPELINE_NAME}")
    steps = (
        Step(name="check", summary="data against the contract", command=CHECK, inputs=data, outputs=()),
        Step(name="snapshot", summary="new rows into the lake", command=RUN, inputs=data, outputs=tables),
        Step(
            name="features",
            summary="inputs as known at each row's own time",
            command=RUN,
            inputs=(*tables, outcomes, *code),
            outputs=("training_set",),
        ),
        Step(name="train", summary="fit the model", command=RUN, inputs=("training_set", *code), outputs=("run",)),
        Step(
            name="evaluate",
            summary="answers to the held-out rows",
            command=RUN,
            inputs=("run", "training_set"),
            outputs=("measures",),
        ),
        Step(name="register", summary="package and version", command=RUN, inputs=("run",), outputs=("version",)),
        Step(
            name="gate",
            summary="the verdict of every gate",
            command=RUN,
            inputs=("version", "measures"),
            outputs=(decisions,),
        ),
        Step(
            name="roll_out",
            summary="shadow and canary, or live at once where nothing is",
            command=RUN,
            inputs=("version", decisions),
            outputs=(decisions,),
        ),
        Step(
            name="score",
            summary="answers to a file of requests",
            command=SCORE,
            inputs=("file:requests.parquet", decisions),
            outputs=("file:answers.parquet",),
        ),
        Step(
            name="monitor",
            summary="measure the days that are over, and decide",
            command=TICK,
            inputs=(predictions, outcomes, decisions),
            outputs=(_table(MEASUREMENTS.name), decisions),
        ),
    )
    return ProjectSteps(
        project=project.name,
        steps=steps,
        cron=cron_of(parse_duration(project.settings.triggers.tick_every)),
        timezone=project.timezone,
        requirements="requirements.txt" if (project.root / "requirements.txt").is_file() else "mlops-lab",
        variables=_variables(project),
    )


def cron_of(every: timedelta) -> str:
    """The schedule of cron that is nearest to a time between ticks and not more often, but at least once a day."""
    minutes = -(-every // timedelta(minutes=1))
    if (step := next((step for step in _MINUTES if step >= minutes), None)) is not None:
        return f"*/{step} * * * *"
    hours = -(-minutes // 60)
    step = next((step for step in _HOURS if step >= hours), None)
    return f"0 */{step} * * *" if step is not None else "0 0 * * *"


def _variables(project: Project) -> tuple[str, ...]:
    """Those that the settings refer to, and of the data that lies at an address, which may have a password, its own."""
    settings = project.settings
    found = list_variables(msgspec.json.encode(settings).decode())
    if is_uri(settings.source.data or ""):
        found.append("MLOPS_SOURCE__DATA")
    found += [
        f"MLOPS_TABLES__{name.upper()}__DATA" for name, table in settings.tables.items() if is_uri(table.data or "")
    ]
    return tuple(found)


def _table(name: str) -> str:
    return f"table:{name}"
