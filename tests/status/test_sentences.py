"""`mlops status` in words that a newcomer understands."""

import msgspec
import pytest

from mlops_lab.status.records import ProjectStatus
from mlops_lab.status.sentences import sentences

NOW = "2024-03-25T12:00:00+00:00"
PROMOTED = {
    "at": "2024-03-25T10:00:00+00:00",
    "what": "promote",
    "version": 3,
    "rule": "canary",
    "reason": "3 days as canary",
    "by": "loop",
    "evidence": {},
}
STATUS = {
    "project": "parcels",
    "folder": "/parcels",
    "timezone": "Europe/Berlin",
    "now": NOW,
    "server": "http://127.0.0.1:8321",
    "champion": 3,
    "since": PROMOTED["at"],
    "live_by": PROMOTED,
    "challenger": None,
    "stage": None,
    "arms": {},
    "generation": 4,
    "quality": {},
    "performance": {},
    "predictions": 0,
    "pending": 0,
    "recent": {"answered_last_hour": 0, "waiting": 0, "oldest": None, "within_days": 7},
    "unknown_outcomes": 0,
    "too_late_outcomes": 0,
    "conflicting_outcomes": 0,
    "quarantined": 0,
    "alert": None,
    "rollout": None,
    "retraining": None,
    "last_decision": PROMOTED,
}


def say(**changes) -> str:
    return "\n".join(sentences(msgspec.convert(STATUS | changes, ProjectStatus)))


def test_what_is_live_and_why():
    assert say().splitlines() == [
        "version 3 has answered for 2 h (promoted: 3 days as canary)",
        "no request was answered yet",
        "the server answers on http://127.0.0.1:8321",
    ]


def test_nothing_is_live():
    nothing = {"champion": None, "live_by": None, "server": None, "recent": None, "now": None}
    assert say(**nothing, last_decision=None).startswith("no version is live: `mlops up` trains the first")
    refused = PROMOTED | {"what": "refuse", "version": 1, "reason": "no better than the base rate"}
    text = say(**nothing, last_decision=refused)
    assert "the last decision, on 2024-03-25: version 1 was refused: no better than the base rate" in text


def test_how_often_a_promotion_is_wrong():
    rate = {"alpha": 0.05, "asked": "better", "covers": "rollout", "trials": 2, "days": 73, "expected_a_year": 0.5}
    assert (
        "a year like this promotes by chance at most 0.5 versions that are no better (2 rollouts in 73 days; "
        "alpha = 0.05 for each)"
    ) in say(error_rate=rate)


def test_no_server():
    assert say(server=None).endswith("the server is not running: `mlops up`")


def test_requests_and_what_waits_for_its_outcome():
    recent = {"answered_last_hour": 12, "waiting": 80, "oldest": "2024-03-22T11:00:00+00:00", "within_days": 7}
    assert (
        "1,234 requests answered, 12 in the last hour; 80 wait for their outcome (the oldest for 3 days; "
        "after 7 days none is expected any more); for 5 none came within 7 days"
    ) in say(predictions=1234, pending=85, recent=recent)
    one = {"answered_last_hour": 1, "waiting": 1, "oldest": "2024-03-25T11:59:50+00:00", "within_days": 1}
    text = say(predictions=1, pending=1, recent=one)
    assert (
        "1 request answered, 1 in the last hour; 1 waits for its outcome (the oldest for 10 s; after 1 day none is "
        "expected any more)"
    ) in text
    assert "no outcome of the answers of version 3 came in yet (`mlops outcomes FILE`)" in text


def performance_window(value: float, base: float | None, outcomes: int, at: str = "2024-03-24T23:00:00+00:00") -> dict:
    return {"metric": "log_loss", "value": value, "base": base, "outcomes": outcomes, "at": at}


def test_the_loss_of_each_window():
    text = say(
        performance={
            "last_24_hours": performance_window(0.5, 0.65, 120, NOW),
            "last_day": performance_window(0.412, 0.6, 100),
            "week_before": performance_window(0.405, 0.6, 1700),
        }
    )
    assert (
        "log loss (lower is better): 0.500 in the last 24 hours (120 outcomes), 0.412 yesterday (100 outcomes), "
        "0.405 in the week before (1,700 outcomes); the best constant prediction would have had 0.650"
    ) in text
    old = {"last_day": performance_window(0.4, 0.6, 3, "2024-03-21T23:00:00+00:00")}
    assert "0.400 on the last day measured, which ended 3 days ago (3 outcomes)\n" in say(performance=old)


WAIT = {"days": 2, "days_over": 1, "until": "2024-03-26T10:00:00+00:00", "rows": 20, "rows_needed": 50}


@pytest.mark.parametrize(
    ("stage", "then", "changes", "text"),
    [
        (
            "shadow",
            "canary",
            {"next_share": 0.1},
            "version 4 has been in shadow for 2 h: 1 of 2 days, 20 of 50 requests with an outcome; then it answers "
            "10% of the keys, if it does no harm",
        ),
        (
            "canary",
            "promote",
            {"days": 1, "rows": 70},
            "version 4 has answered 10% of the keys for 2 h: 1 of 1 day, 70 of 50 requests with an outcome; then it "
            "is promoted, if it does no harm",
        ),
        (
            "canary",
            "canary",
            {"canary_share": 0.005, "next_share": 0.1, "rows": 70},
            "version 4 has answered 0.5% of the keys for 2 h: 1 of 2 days, 70 of 50 requests with an outcome; then it "
            "answers 10% of the keys, if it does no harm",
        ),
        (
            "shadow",
            "canary",
            {"until": NOW, "rows": 50},
            "version 4 has been in shadow for 2 h: nothing is missing: the next tick of the loop decides",
        ),
    ],
)
def test_what_a_rollout_waits_for(stage, then, changes, text):
    rollout = WAIT | {"then": then, "canary_share": 0.1} | changes
    assert text in say(challenger=4, stage=stage, rollout=rollout)


def test_what_a_watch_has_shown_and_may_do():
    proof = {"days": 3, "gain": -0.01, "lower": None, "upper": None, "e_value": 0.7, "needed": 20.0}
    proof |= {"is_proved": False, "text": "log loss 0.0100 a day worse than the champion's over 3 days"}
    watch = {"version": 1, "began": NOW, "until": "2024-04-07T22:00:00+00:00", "proof": proof}
    assert (
        "version 1, the champion before, scores the same requests until 2024-04-08: log loss 0.0100 a day worse than the "
        "champion's over 3 days; if it proves to be better, the promotion is taken back\n"
    ) in say(watch=watch)


def test_when_the_next_training_is_due():
    due = {"due": "2024-04-21T22:00:00+00:00", "every_days": 28, "watched": "they lie apart"}
    later = due | {"watched_from": "2024-04-07T22:00:00+00:00"}
    assert (
        "the next training is due on 2024-04-22 (28 days after the last); from 2024-04-08 on, as soon as they lie apart"
    ) in say(retraining=later)
    assert "28 days after the last), or as soon as they lie apart" in say(retraining=due | {"watched_from": NOW})
    under_way = {"began": NOW, "reason": "the last training was 28 days ago"}
    assert "a candidate is to be trained: the last training was 28 days ago" in say(retraining=under_way)


def test_what_was_set_aside():
    alert = {"at": "2024-03-25T11:57:00+00:00", "rule": "parity", "what": "it was served otherwise"}
    alert |= {"where": "load", "hint": "look"}
    text = say(quarantined=3, unknown_outcomes=2, too_late_outcomes=1, conflicting_outcomes=1, alert=alert)
    assert "3 rows wait in quarantine: `mlops quarantine`" in text
    assert "2 outcomes name no prediction: stored without one" in text
    assert "1 outcome came too late to count (outcome_within_days in [source])" in text
    assert "1 outcome contradicted an earlier one: refused" in text
    assert "alert, 3 min ago: it was served otherwise (look)" in text
    assert "1 row waits in quarantine" in say(quarantined=1)


def test_alerts_and_channels_that_fail():
    assert "alerts that are not resolved: 2 open, 1 acknowledged (`mlops alerts list`)" in say(
        alerts={"open": 2, "acknowledged": 1}
    )
    failing = {"name": "ops", "since": "2024-03-25T11:57:00+00:00", "reason": "it is down"}
    text = 'the channel "ops" has sent no alerts for 3 min: it is down (`mlops alerts test`)'
    assert text in say(failing_channels=[failing])


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        ({"what": "refuse", "version": 4}, "version 4 was refused: why"),
        ({"what": "roll_back", "version": 4}, "rolled back (version 4): why"),
        ({"what": "retrain", "version": None}, "a candidate is to be trained: why"),
    ],
)
def test_the_last_decision_where_it_is_another(decision, text):
    last = PROMOTED | {"at": "2024-03-25T11:00:00+00:00", "reason": "why"} | decision
    assert f"the last decision, 1 h ago: {text}" in say(last_decision=last)


def test_days_that_wait_and_days_that_could_not_be_measured():
    assert "3 days that are over are not measured yet: `mlops tick` does it" in say(days_to_measure=3)
    assert "1 day that is over is not measured yet" in say(days_to_measure=1)
    times = [
        {"since": "2024-01-01T23:00:00+00:00", "until": "2024-01-09T23:00:00+00:00", "reason": "no tick ran"},
        {"since": "2024-03-19T23:00:00+00:00", "until": "2024-03-20T23:00:00+00:00", "reason": "parity: gone"},
    ]
    text = say(unmeasured=times)
    assert "2 periods could not be measured, the last on 2024-03-20: parity: gone" in text
    assert "1 period could not be measured, the last from 2024-01-02 to 2024-01-09: no tick ran" in say(
        unmeasured=times[:1]
    )


FOLLOWING = {"table": 4, "workers": {"0": 4, "1": 4}, "lagging": [], "error": None, "not_loaded": {}}


def test_who_does_not_follow_the_decisions():
    assert say(following=FOLLOWING) == say()
    lags = FOLLOWING | {"workers": {"0": 4, "1": 2}, "lagging": ["1"], "error": "the package is gone"}
    text = "1 of 2 workers of the server (number 1) still answer as 2 decisions ago: the package is gone"
    assert text in say(following=lags).splitlines()
    text = "the last 1 decision took no effect yet: `mlops tick` finishes what was interrupted"
    assert text in say(following=FOLLOWING | {"table": 3}).splitlines()
    told = say(following=FOLLOWING | {"not_loaded": {"2": "gone", "3": "changed"}}).splitlines()
    assert "version 2 is not ready; the champion answers for it: gone" in told
    assert "version 3 is not ready: changed" in told
