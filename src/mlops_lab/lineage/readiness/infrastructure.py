"""The tests about the infrastructure."""

from __future__ import annotations

from mlops_lab.lineage.readiness.data import check_tests
from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.lineage.readiness.rubric import AUTOMATIC, BY_HAND, Effort, Finding, RubricTest, points_of
from mlops_lab.lineage.readiness.sentences import WAIT_FOR_TRAINING, no_version
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply
from mlops_lab.status.wording import format_count

_PIPELINE_COMMANDS = ("mlops validate", "mlops run")


def check_reproduction(evidence: Evidence) -> Finding:
    """A version that was trained again was the same model."""
    if evidence.champion is None:
        return no_version()
    registered = {item.version: item.evidence.get("fingerprint") for item in evidence.trainings}
    notes = [
        note
        for note in evidence.reproduced
        if registered.get(note.version) == note.fingerprint and (note.is_same or not note.on_rest)
    ]
    again = f"`mlops reproduce {evidence.champion} --note`"
    workflow = evidence.repository.runs("mlops reproduce")
    if notes and not notes[0].is_same:
        text = f"version {notes[0].version}, trained again by {notes[0].by}, was another model"
        mend = f"make the training deterministic, then {again}"
        return Finding(
            points=0.0, evidence=text, on=evidence.day(notes[0].at), says_no=True, mend=mend, effort=Effort.CODE
        )
    if not notes:
        if workflow is None:
            return Finding(points=0.0, evidence="no version was trained again")
        return Finding(points=BY_HAND, evidence=f"{workflow} trains a version again; no note of a result")
    text = f"version {notes[0].version}, trained again by {notes[0].by}, was the same model, byte by byte"
    text += f"; {workflow or 'no workflow'} repeats it"
    return Finding(
        points=AUTOMATIC if workflow else BY_HAND,
        evidence=text,
        on=evidence.day(notes[0].at),
        mend="let a workflow run `mlops reproduce`",
        effort=Effort.CODE,
    )


def check_code_of_model(evidence: Evidence) -> Finding:
    """Tests use the model of pipeline.py, and a workflow runs them."""
    return check_tests(evidence, "model", of="the pipeline's model")


def check_whole_pipeline(evidence: Evidence) -> Finding:
    """A workflow runs the whole pipeline before a change is in use; or the loop has run it from data to answers."""
    whole = [item for item in evidence.trainings if item.what is not DecisionKind.REFUSE]
    for command in _PIPELINE_COMMANDS:
        if workflow := evidence.repository.runs(command):
            text = f"{workflow} runs `{command}`, from the data to the gates"
            return Finding(points=AUTOMATIC, evidence=text)
    if not whole:
        return no_version()
    text = f"the loop ran it from data to a rollout {format_count(len(whole), 'time')}; no workflow tests a change"
    return Finding(points=BY_HAND, evidence=text, on=evidence.day(whole[-1].at))


def check_validation(evidence: Evidence) -> Finding:
    """All versions that ever answered users had passed their gates."""
    judged = {item.version: item for item in evidence.trainings}
    lived = {item.version for item in evidence.went_live if item.version is not None}
    if not lived:
        return no_version()
    passed = [version for version in lived if version in judged and _has_passed(judged[version])]
    refused = sum(item.what is DecisionKind.REFUSE for item in evidence.trainings)
    text = f"{len(passed)} of {format_count(len(lived), 'version')} that answered users had passed all gates before"
    text += f"; {format_count(refused, 'candidate')} did not, and never answered" if refused else ""
    on = evidence.day(evidence.trainings[-1].at) if evidence.trainings else None
    if len(passed) < len(lived):
        mend = "go back to a version that passed: `mlops rollback`"
        return Finding(points=0.0, evidence=text, on=on, says_no=True, mend=mend)
    points = points_of(len(evidence.trainings))
    return Finding(points=points, evidence=text, on=on, mend=WAIT_FOR_TRAINING, effort=Effort.WAIT)


def _has_passed(decision: Decision) -> bool:
    return all(verdict["passed"] for verdict in decision.evidence["gates"])


def check_debugging(evidence: Evidence) -> Finding:
    """Each answer is on record with everything that it was computed from."""
    logged, champion = evidence.logged, evidence.champion
    if champion is None:
        return no_version()
    if logged is None:
        mend = "answer a request: `mlops up`"
        return Finding(points=0.0, evidence="no answer was logged yet", mend=mend, effort=Effort.COMMAND)
    inputs = evidence.inputs.get(champion, frozenset())
    missing = inputs - logged.inputs
    if missing or not inputs:
        text = f"the log does not hold {', '.join(sorted(missing)[:3])}" if missing else "its inputs are not known"
        return Finding(points=0.0, evidence=text, on=logged.on, says_no=True)
    text = f"{format_count(logged.count, 'answer')} are on record, each with its {format_count(len(inputs), 'input')}"
    return Finding(
        points=points_of(logged.count),
        evidence=f"{text}, its version and the facts behind them",
        on=logged.on,
        show=f"mlops explain {logged.id}",
    )


def check_canary(evidence: Evidence) -> Finding:
    """Versions were in shadow, and answered a share of the keys, before they answered everybody."""
    promoted = [item for item in evidence.decisions if item.what is DecisionKind.PROMOTE]
    if evidence.champion is None:
        return no_version()
    if not promoted:
        text = f"no version was promoted yet (the strategy is {evidence.settings.rollout.strategy})"
        mend = "train a candidate, and let the loop take it on: `mlops run`, `mlops up`"
        return Finding(points=0.0, evidence=text, mend=mend)
    before = {item.version for item in evidence.decisions if item.what is DecisionKind.CANARY}
    shadow = {item.version for item in evidence.decisions if item.what in {DecisionKind.SHADOW, DecisionKind.SUPERSEDE}}
    canaries = [item for item in promoted if item.version in before]
    shadowed = [item for item in promoted if item.version in shadow]
    text = f"of {format_count(len(promoted), 'promoted version')} {len(shadowed)} were in shadow before"
    text += f", and {len(canaries)} answered a share of the keys"
    on = evidence.day(promoted[-1].at)
    if len(canaries) == len(promoted):
        return Finding(points=AUTOMATIC, evidence=text, on=on)
    points = BY_HAND if len(shadowed) == len(promoted) else 0.0
    return Finding(points=points, evidence=text, on=on)


def check_rollback(evidence: Evidence) -> Finding:
    """Users got the version before again: by a rule of the loop, or because a person asked for it."""
    if evidence.champion is None:
        return no_version()
    back = _rollbacks(evidence)
    if not back:
        kept = evidence.state.previous[-1:]
        text = f"version {kept[0]} is kept ready; " if kept else ""
        return Finding(points=0.0, evidence=f"{text}nobody went back to an earlier version yet")
    by_rule = [item for item in back if item.by == "loop"]
    text = f"users got the version before again {format_count(len(back), 'time')}, {len(by_rule)} of them by a rule"
    points = AUTOMATIC if by_rule else BY_HAND
    return Finding(points=points, evidence=text, on=evidence.day(back[-1].at))


def _rollbacks(evidence: Evidence) -> list[Decision]:
    """The decisions that took a version back which had answered users."""
    state, found = RolloutState(), []
    for decision in evidence.decisions:
        answered = state.stage is not DecisionKind.SHADOW
        if decision.what is DecisionKind.ROLL_BACK and answered:
            found.append(decision)
        state = apply(state, decision)
    return found


INFRASTRUCTURE = (
    RubricTest(
        section="infrastructure",
        number=1,
        name="training again gives the same model",
        counts="notes of `mlops reproduce --note`, and a workflow that repeats it",
        show="mlops reproduce {champion}",
        mend="train it again, and keep the result: `mlops reproduce {champion} --note`",
        effort=Effort.COMMAND,
        check=check_reproduction,
    ),
    RubricTest(
        section="infrastructure",
        number=2,
        name="the code of the model is tested",
        counts="tests in the project's folder that use the model, and a workflow that runs them",
        show="python -m pytest",
        mend="write a test that fits `model()` of pipeline.py on a few rows; `mlops ci init` writes a workflow",
        effort=Effort.CODE,
        check=check_code_of_model,
    ),
    RubricTest(
        section="infrastructure",
        number=3,
        name="the whole pipeline is tested together",
        counts="a workflow that runs it for each change; or that the loop ran it",
        show="mlops validate",
        mend="let a workflow test each change: `mlops ci init --provider github`",
        effort=Effort.COMMAND,
        check=check_whole_pipeline,
    ),
    RubricTest(
        section="infrastructure",
        number=4,
        name="quality is checked before a model answers",
        counts="verdicts of all gates about each version that answered users",
        show="mlops history",
        mend="train a candidate: `mlops run`",
        effort=Effort.COMMAND,
        check=check_validation,
    ),
    RubricTest(
        section="infrastructure",
        number=5,
        name="one answer can be followed step by step",
        counts="answers in the log with all inputs of their version",
        show="mlops status",
        mend="look at what is wrong with the log: `mlops features verify`",
        effort=Effort.COMMAND,
        check=check_debugging,
    ),
    RubricTest(
        section="infrastructure",
        number=6,
        name="a new model answers a few users first",
        counts="shadow and canary of each promoted version",
        show="mlops history",
        mend='set `strategy = "canary"` in [rollout]; the next rollout follows it: `mlops run`',
        effort=Effort.SETTING,
        check=check_canary,
    ),
    RubricTest(
        section="infrastructure",
        number=7,
        name="the model before is back at once",
        counts="rollbacks of versions that had answered users",
        show="mlops history",
        mend="try it on a copy (`mlops backup`, `mlops restore`, `mlops rollback`), and declare the result",
        effort=Effort.PERSON,
        check=check_rollback,
    ),
)
