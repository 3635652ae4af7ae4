"""The tests about features and data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.lineage.readiness.rubric import AUTOMATIC, BY_HAND, Effort, Finding, RubricTest, points_of
from mlops_lab.lineage.readiness.sentences import TRAIN_FIRST, no_version, of_days, of_gate
from mlops_lab.loop.erasures import FINISHED
from mlops_lab.project.declaration import FieldSection
from mlops_lab.status.wording import format_count, format_duration

BREACHES = "contract_breaches"
_QUICK = timedelta(days=30)
_NOBODY = "nobody's rows were erased yet"


def check_schema(evidence: Evidence) -> Finding:
    """Fields have types and limits, and what breaks them is counted each day."""
    source = evidence.settings.source
    tables = [source.request, source.outcome, *(table.fields for table in evidence.settings.tables.values())]
    declared = [field for fields in tables for field in fields.values()]
    limited = sum(
        isinstance(field, FieldSection) and (field.min, field.max, field.categories) != (None, None, None)
        for field in declared
    )
    text = f"{format_count(len(declared), 'field')} have a type, and {limited} of them limits"
    if source.table not in evidence.tables:
        return Finding(
            points=0.0,
            evidence=f"{text}; no row was checked against them yet",
            mend=TRAIN_FIRST,
            effort=Effort.COMMAND,
        )
    days = evidence.days(BREACHES)
    if not limited or days.count < 2:
        mend = "`mlops tick`, when the next days with answers are over" if limited else None
        effort = Effort.WAIT if limited else None
        text += f"; all rows of {format_count(len(evidence.settings.tables) + 1, 'table')} were checked when they came"
        return Finding(points=BY_HAND, evidence=text, on=days.last, mend=mend, effort=effort)
    return of_days(evidence, days, f"{text}; what broke them was counted on {{days}}")


def check_benefit(evidence: Evidence) -> Finding:
    """At each training it is measured how much the loss rises where an input is shuffled."""
    measured = [decision for decision in evidence.trainings if decision.evidence.get("importances")]
    if not measured:
        return Finding(points=0.0, evidence="how much the model needs each input was not measured")
    importances = measured[-1].evidence["importances"]
    idle = sorted(name for name, importance in importances.items() if importance <= 0)
    text = f"measured at {format_count(len(measured), 'training')}: "
    on = evidence.day(measured[-1].at)
    if idle:
        text += f"{len(idle)} of {len(importances)} inputs do not help, among them {', '.join(idle[:3])}"
        mend = "take them out of pipeline.py, then `mlops run`"
        return Finding(points=BY_HAND, evidence=text, on=on, mend=mend, effort=Effort.CODE)
    text += f"the loss rises without any one of the {len(importances)} inputs"
    return Finding(points=points_of(len(measured)), evidence=text, on=on)


def check_cost(_: Evidence) -> Finding:
    """Nothing records what a single input costs."""
    return Finding(points=0.0, evidence="what a single input costs is not on record")


def check_rules_of_inputs(evidence: Evidence) -> Finding:
    """Each candidate's inputs are held against rules that are about all of them."""
    finding = of_gate(evidence, "suspicion", "no input gives the answer away")
    verdict, served = evidence.of_champion("suspicion"), evidence.judged("served")
    if verdict is not None and verdict.warns:
        mend = "look at the inputs that `mlops explain --version` names; take out what is not known in time"
        return replace(finding, points=0.0, evidence=verdict.reason, says_no=True, mend=mend, effort=Effort.CODE)
    return replace(
        finding,
        evidence=f"{finding.evidence}; so did `served` (none is emptier in training than in use)"
        if served
        else finding.evidence,
    )


def check_privacy(evidence: Evidence) -> Finding:
    """Others of the machine cannot read the data, and people's rows can be erased."""
    if evidence.is_closed_to_others is None:
        return no_version()
    finished = [erasure for erasure in evidence.erasures if erasure.event == FINISHED]
    erased = f"{format_count(len(finished), 'erasure')} of a person's rows ended, with all copies"
    access = "other users of the machine cannot read `.mlops`"
    if evidence.is_closed_to_others and finished:
        return Finding(points=AUTOMATIC, evidence=f"{access}; {erased}", on=evidence.day(finished[-1].at))
    if evidence.is_closed_to_others:
        mend = "erase a person's rows when one asks for it: `mlops forget`"
        return Finding(points=BY_HAND, evidence=f"{access}; {_NOBODY}", mend=mend, effort=Effort.PERSON)
    on = evidence.day(finished[-1].at) if finished else None
    text = f"{access.replace('cannot', 'can')}; {erased if finished else _NOBODY}"
    return Finding(points=BY_HAND if finished else 0.0, evidence=text, on=on)


def check_new_inputs(evidence: Evidence) -> Finding:
    """Versions with an input that none before had answered users within a month of their training."""
    if not evidence.inputs:
        return no_version()
    known: frozenset[str] = next(iter(evidence.inputs.values()))
    quick = []
    for version, inputs in evidence.inputs.items():
        added, known = inputs - known, known | inputs
        trained = next(decision.at for decision in evidence.decisions if decision.version == version)
        live = next((decision.at for decision in evidence.went_live if decision.version == version), None)
        if added and live is not None and live - trained <= _QUICK:
            quick.append((version, min(added), live - trained, live))
    if not quick:
        return Finding(points=0.0, evidence="no version with a new input has answered users yet")
    version, name, took, live = quick[-1]
    text = f"{format_count(len(quick), 'version')} brought new inputs to users; the last was version {version} with"
    return Finding(
        points=points_of(len(quick)),
        evidence=f"{text} {name}, {format_duration(took)} after its training",
        on=evidence.day(live),
    )


def check_code_of_inputs(evidence: Evidence) -> Finding:
    """Tests use the features of pipeline.py, and a workflow runs them."""
    return check_tests(evidence, "pipeline", "features", of="the pipeline's inputs")


def check_tests(evidence: Evidence, *names: str, of: str) -> Finding:
    """Files of tests whose code uses one of these names, and a workflow that runs them."""
    files = evidence.repository.tests_of(*names)
    count = sum(file.tests for file in files)
    if not count:
        return Finding(points=0.0, evidence=f"no file of tests uses {of}")
    text = f"{format_count(count, 'test')} in {', '.join(file.path for file in files[:2])}"
    workflow = evidence.repository.runs("pytest") or evidence.repository.runs("python -m pytest")
    if workflow is None:
        mend = "let a workflow run them: `mlops ci init --provider github`"
        return Finding(points=BY_HAND, evidence=f"{text}; no workflow runs them", mend=mend, effort=Effort.COMMAND)
    return Finding(points=AUTOMATIC, evidence=f"{text}; {workflow} runs them at each push")


DATA = (
    RubricTest(
        section="data",
        number=1,
        name="a schema says what each field may hold",
        counts="fields with types and limits in mlops.toml, and a daily count of what broke them",
        show="mlops contract check",
        mend="give fields limits: `mlops contract infer` proposes them",
        effort=Effort.SETTING,
        check=check_schema,
    ),
    RubricTest(
        section="data",
        number=2,
        name="every input helps the model",
        counts="how much the loss rises without an input, measured at each training",
        show="mlops history --json",
        mend="set `max_drift_loss` in [triggers], then `mlops run`: it is measured at each training",
        effort=Effort.SETTING,
        check=check_benefit,
    ),
    RubricTest(
        section="data",
        number=3,
        name="no input costs more than it brings",
        counts="nothing that is recorded; a person's test",
        show="mlops features list",
        mend="compare the model without it (`mlops validate`), and declare the result",
        effort=Effort.PERSON,
        check=check_cost,
    ),
    RubricTest(
        section="data",
        number=4,
        name="inputs keep the rules that hold for all of them",
        counts="verdicts of the gates `suspicion` and `served` about each candidate",
        show="mlops explain --version {champion}",
        mend="train a candidate: `mlops run`",
        effort=Effort.COMMAND,
        check=check_rules_of_inputs,
    ),
    RubricTest(
        section="data",
        number=5,
        name="personal data is protected on its way",
        counts="who can read the folder of the lake; erasures of a person's rows that ended",
        show="mlops forget --list",
        mend="close the folder to others: `chmod o-rwx .mlops`",
        effort=Effort.COMMAND,
        check=check_privacy,
    ),
    RubricTest(
        section="data",
        number=6,
        name="a new input is in use quickly",
        counts="versions with new inputs that answered users within 30 days of their training",
        show="mlops features diff {champion}",
        mend="add an input to pipeline.py, then `mlops run`",
        effort=Effort.CODE,
        check=check_new_inputs,
    ),
    RubricTest(
        section="data",
        number=7,
        name="the code of the inputs is tested",
        counts="tests in the project's folder that use the pipeline, and a workflow that runs them",
        show="python -m pytest",
        mend="write a test of `features` in tests/; `mlops init --sample shop` writes one to copy",
        effort=Effort.CODE,
        check=check_code_of_inputs,
    ),
)
