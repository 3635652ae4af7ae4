"""The questions of the tour. Each names the command that answers it; the answer comes from the project."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from mlops_lab.alerts.states import AlertState
from mlops_lab.errors import NotFound
from mlops_lab.learn.tour.answer import Expected, Question
from mlops_lab.learn.tour.demo import Demo, missing_inputs
from mlops_lab.lineage.replay import replay_prediction
from mlops_lab.loop.trainings import read_trainings
from mlops_lab.rollout.decision_log import check_chain, read_entries
from mlops_lab.rollout.decisions import DecisionKind

YES_NO = frozenset({"yes", "no"})
_WORST_DAY = (
    """python -c 'import polars as pl; print(pl.read_delta(".mlops/lake/measurements")"""
    """.filter(monitor="quality", name="log_loss", role="champion")"""
    """.sort("value").select("at", "value"))'"""
)


def ask_live(demo: Demo) -> Question:
    """Which version answers."""
    return Question(
        "live",
        "Which version answers now, and since which day?",
        "mlops history",
        "`bootstrap`, `promote` and `roll_back` make a version live; the last of them counts, with the day beside it.",
        Expected(days=(demo.local_day(demo.live_by.at),), numbers=(demo.champion,)),
    )


def ask_decision(demo: Demo) -> Question:
    """Which decision made it live."""
    words = {str(kind) for kind in DecisionKind} | {decision.rule for decision in demo.decisions}
    return Question(
        "decision",
        "What kind of decision made it live, and by which rule?",
        "mlops history",
        "A line has the moment, the kind of decision, the version, then the rule. The reason is below.",
        Expected(words=frozenset({str(demo.live_by.what), demo.live_by.rule}), vocabulary=frozenset(words)),
    )


def ask_evidence(demo: Demo) -> Question | None:
    """What the gates saw before it went live."""
    if demo.held_out_losses is None:
        return None
    return Question(
        "evidence",
        f"On which evidence did version {demo.champion} pass its gates? "
        "Its loss on the rows held out, and what a constant answer gets there.",
        f"mlops explain --version {demo.champion}",
        "The reason of its first decision has a part for each gate; one says: … against … for the base rate.",
        Expected(numbers=demo.held_out_losses),
    )


def ask_data(demo: Demo) -> Question:
    """What it was trained on."""
    names = frozenset(snapshot.name for snapshot in demo.origin.snapshots)
    other = {f"{snapshot.table}@{n}" for snapshot in demo.origin.snapshots for n in range(snapshot.version + 2)}
    return Question(
        "data",
        f"Which tables did version {demo.champion} learn from? Each with its version, as NAME@NUMBER.",
        f"mlops explain --version {demo.champion}",
        "A line `trained on` for each table. With the same versions of tables, the same training can run again.",
        Expected(words=names, vocabulary=names | other),
    )


def ask_facts(demo: Demo) -> Question | None:
    """What a prediction was made of."""
    if demo.prediction is None:
        return None
    return Question(
        "facts",
        f"Which facts was the prediction {demo.prediction.id} made of? Name the inputs that had no value.",
        f"mlops explain {demo.prediction.id}",
        "The line `features` has each input with its value; one without a value has `-`.",
        Expected(words=missing_inputs(demo.prediction), vocabulary=frozenset(demo.prediction.features)),
    )


def ask_replay(demo: Demo) -> Question | None:
    """Whether a prediction can be made again."""
    if demo.prediction is None:
        return None
    replayed = replay_prediction(demo.project, demo.prediction.id)
    if isinstance(replayed.from_facts, list):
        return None
    same = frozenset({"yes" if replayed.equal else "no"})
    return Question(
        "replay",
        "Answer that prediction again from the facts of then: which probability comes out, and is it the one in the "
        "log (yes or no)?",
        f"mlops replay {demo.prediction.id}",
        "The line `output` has the answer in the log, and the one from the facts. The first line says if all agree.",
        Expected(numbers=(replayed.from_facts,), words=same, vocabulary=YES_NO),
    )


def ask_worst_day(demo: Demo) -> Question | None:
    """On which day the answers were worst."""
    if not demo.losses:
        return None
    return Question(
        "worst-day",
        "On which day was the loss of the answers the highest?",
        _WORST_DAY,
        "The last row has the highest loss. `at` is the end of the day that was measured, in UTC: the day before it.",
        Expected(days=(max(demo.losses, key=demo.losses.__getitem__),)),
    )


def ask_alerts(demo: Demo) -> Question:
    """What somebody should look at."""
    alerts = demo.read_alerts()
    still = [status for status in alerts if status.state is not AlertState.RESOLVED]
    return Question(
        "alerts",
        "How many alerts wait for somebody, and how many were there ever?",
        "mlops alerts list  and  mlops alerts list --all",
        "One line for each alert; `--all` shows those that are resolved, too.",
        Expected(numbers=(len(still), len(alerts))),
    )


def ask_trainings(demo: Demo) -> Question:
    """Whether a training was for nothing."""
    trainings = read_trainings(demo.decisions)
    went_live = {
        decision.version
        for decision in demo.decisions
        if decision.what in {DecisionKind.BOOTSTRAP, DecisionKind.PROMOTE}
    }
    return Question(
        "trainings",
        "Was anything trained for nothing? How many trainings began, and how many versions became the champion?",
        "mlops history",
        "Each `retrain` is a training; `bootstrap` and `promote` make a champion. `refuse`, `expire` and `supersede` "
        "tell of what came to nothing; what is in shadow or canary is not decided yet.",
        Expected(numbers=(len(trainings.began), len(went_live))),
    )


def ask_history(demo: Demo) -> Question:
    """Whether the record can be trusted."""
    entries = read_entries(demo.lake)
    intact = frozenset({"no" if check_chain(demo.lake, entries) else "yes"})
    return Question(
        "record",
        "How many decisions are there, and is each still as it was written (yes or no)?",
        "mlops history --verify",
        "Each decision has a hash of itself and of the one before: the command computes them again.",
        Expected(numbers=(len(entries),), words=intact, vocabulary=YES_NO),
    )


_ASK: tuple[Callable[[Demo], Question | None], ...] = (
    *(ask_live, ask_decision, ask_evidence, ask_data, ask_facts),
    *(ask_replay, ask_worst_day, ask_alerts, ask_trainings, ask_history),
)


def ask_all(demo: Demo) -> list[Question]:
    """The questions that this project can answer, in order."""
    return [question for ask in _ASK if (question := ask(demo)) is not None]


def find_question(questions: list[Question], name: str) -> Question:
    """The question of this name; NotFound otherwise."""
    by_name = {question.name: question for question in questions}
    if name in by_name:
        return by_name[name]
    near = get_close_matches(name, by_name, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the questions are {', '.join(by_name)}"
    raise NotFound(f'the tour has no question "{name}"', code="no_question", where="--question", hint=hint)
