"""The figures of a replay, the words for them, and how they look in a terminal."""

import io
from datetime import date, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mlops_lab.cli.summary import render
from mlops_lab.monitoring.quality import log_loss, roc_auc
from mlops_lab.replay.summary import (
    ArmResult,
    Day,
    DecisionRow,
    ReplayCounts,
    ReplaySummary,
    better_arm,
    count_decisions,
    smooth_days,
    stage_shares,
    summarise,
    write_headline,
)

NOTHING = ArmResult(frozen=None, loop=None)
FRAME = pl.DataFrame(
    {
        "day": [date(2013, 4, 1), date(2013, 3, 31), date(2013, 3, 31), date(2013, 4, 1), date(2013, 4, 2)],
        "late": [1, 0, 1, 0, 1],
        "loop": [0.8, 0.1, 0.7, 0.3, 0.9],
        "frozen": [0.6, 0.2, 0.5, 0.6, 0.5],
    },
    schema_overrides={"late": pl.Int8},
)


def decision(what: str, day: str = "2013-03-31", version: int | None = 2, reason: str = "why") -> DecisionRow:
    return DecisionRow(at=f"{day}T04:00:00Z", what=what, version=version, reason=reason)


def summary_of(frame: pl.DataFrame, **changes: object) -> ReplaySummary:
    months, loss, auc, _ = summarise(frame)
    whole = ReplaySummary(
        project="flights",
        span=("2013-03-31", "2013-04-02"),
        months=months,
        log_loss=loss,
        auc=auc,
        decisions=[
            decision("promote"),
            decision("canary", "2013-04-01"),
            decision("refuse", "2013-04-02", None),
        ],
        counts=ReplayCounts(sent=5, logged=5, joined=5, pending=0, lost=0, duplicated=0),
        seconds=10.0,
        stages={"features": 2.0, "requests": 6.0},
        report="/tmp/report.html",
    )
    return msgspec.structs.replace(whole, **changes)


def printed(summary: ReplaySummary, width: int = 80, **console: object) -> str:
    file = io.StringIO()
    render(summary, Console(file=file, width=width, **console))
    return file.getvalue()


def test_months_and_days_come_in_order_with_the_figures_of_their_rows():
    months, loss, auc, days = summarise(FRAME)
    assert [(m.month, m.predictions, m.late_rate) for m in months] == [
        ("2013-03", 2, 0.5),
        ("2013-04", 3, 2 / 3),
    ]
    assert [(d.day, d.predictions) for d in days] == [("2013-03-31", 2), ("2013-04-01", 2), ("2013-04-02", 1)]
    march = ArmResult(frozen=log_loss([0, 1], [0.2, 0.5]), loop=log_loss([0, 1], [0.1, 0.7]))
    assert months[0].log_loss == days[0].log_loss == march
    assert loss.loop == pytest.approx(log_loss(FRAME["late"], FRAME["loop"]))
    assert auc.frozen == roc_auc(FRAME["late"], FRAME["frozen"])


def test_months_add_up_to_the_whole():
    months, loss, _, days = summarise(FRAME.with_columns(pl.col("late").cast(pl.Boolean)))
    for parts in (months, days):
        whole = sum(part.log_loss.loop * part.predictions for part in parts) / FRAME.height
        assert whole == pytest.approx(loss.loop)


def test_arms_that_answered_different_rows_are_not_compared():
    months, loss, auc, _ = summarise(FRAME.with_columns(frozen=pl.Series([0.6, 0.2, 0.5, None, 0.5])))
    assert months[0].log_loss.loop is not None
    assert months[1].log_loss == loss == auc == NOTHING


def test_no_answers_make_no_figures():
    assert summarise(FRAME.clear()) == ([], NOTHING, NOTHING, [])


days_with_gaps = st.dictionaries(st.integers(0, 30), st.tuples(st.integers(1, 50), st.floats(0, 3)), max_size=20)


@given(days_with_gaps)
def test_rolling_means_weigh_by_predictions_over_calendar_days(by_offset):
    start = date(2013, 3, 1)
    days = [
        Day(
            day=str(start + timedelta(days=offset)),
            predictions=count,
            late_rate=0.2,
            log_loss=ArmResult(frozen=loss, loop=loss / 2),
        )
        for offset, (count, loss) in sorted(by_offset.items())
    ]
    for offset, smooth in zip(sorted(by_offset), smooth_days(days), strict=True):
        window = [by_offset[i] for i in by_offset if offset - 7 < i <= offset]
        mean = sum(count * loss for count, loss in window) / sum(count for count, _ in window)
        assert smooth.log_loss.frozen == pytest.approx(mean)
        assert smooth.log_loss.loop == pytest.approx(mean / 2)
        assert (smooth.predictions, smooth.late_rate) == (by_offset[offset][0], 0.2)


def test_rolling_passes_over_days_without_a_figure():
    known = Day(day="2013-03-02", predictions=3, late_rate=0.0, log_loss=ArmResult(frozen=0.4, loop=0.3))
    unknown = Day(day="2013-03-01", predictions=9, late_rate=0.0, log_loss=NOTHING)
    first, second = smooth_days([unknown, known])
    assert first.log_loss == NOTHING
    assert second.log_loss.loop == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("frozen", "loop", "said", "winner"),
    [
        (0.483, 0.462, "Its log loss was 0.462, better than 0.483 for the first model, never retrained.", "loop"),
        (0.461, 0.462, "Its log loss was 0.462, worse than 0.461 for the first model, never retrained.", "frozen"),
        (0.4621, 0.4622, "Its log loss was 0.462, the same as for the first model, never retrained.", ""),
        (None, None, "Too few outcomes are known to say how well.", ""),
    ],
)
def test_the_headline_is_honest(frozen, loop, said, winner):
    split = ArmResult(frozen=frozen, loop=loop)
    sentence = write_headline(summary_of(FRAME, log_loss=split))
    assert sentence == f"The loop answered 5 requests between 31 March and 2 April 2013. {said}"
    assert better_arm(split, lower_wins=True) == winner


def test_the_headline_of_one_day_names_it_once():
    assert " on 31 March 2013. " in write_headline(summary_of(FRAME, span=("2013-03-31", "2013-03-31")))


def test_a_tally_counts_verdicts_and_falls_back_to_steps():
    rows = [decision(what) for what in ("retrain", "shadow", "promote", "refuse", "promote", "roll_back")]
    assert count_decisions(rows) == "2 promoted, 1 refused, 1 rolled back"
    assert count_decisions([decision("shadow"), decision("new_kind")]) == "1 new kind, 1 shadow"
    assert count_decisions([]) == ""


def test_stages_are_shares_of_the_whole_and_name_the_rest():
    assert stage_shares(summary_of(FRAME)) == [
        ("requests", 6.0, 0.6),
        ("features", 2.0, 0.2),
        ("everything else", 2.0, 0.2),
    ]
    assert sum(share for *_, share in stage_shares(summary_of(FRAME, seconds=4.0))) == pytest.approx(1.0)
    assert stage_shares(summary_of(FRAME, seconds=0.0, stages={})) == []


@pytest.mark.parametrize("width", [80, 120])
def test_a_file_gets_plain_text_within_its_width(width):
    text = printed(summary_of(FRAME, decisions=[decision("promote", reason="better by [0.01] " * 20)]), width)
    assert "\x1b" not in text
    assert "better by [0.01]" in text  # not taken for markup
    assert max(len(line) for line in text.splitlines()) <= width
    assert "0 lost, 0 twice" in text
    assert text.rstrip().endswith("/tmp/report.html")


def test_a_terminal_sees_the_better_side_and_a_loss_in_colour():
    lost = ReplayCounts(sent=5, logged=4, joined=4, pending=0, lost=1, duplicated=0)
    text = printed(summary_of(FRAME, counts=lost), force_terminal=True, color_system="standard")
    assert "\x1b[1;31m1 lost" in text
    assert "\x1b[1;36m0.2" in text


def test_a_replay_without_decisions_or_outcomes_is_printed_too():
    text = printed(summary_of(FRAME.clear(), decisions=[], stages={}), width=120)
    assert "Too few outcomes are known" in text
    assert "0 decisions" in text
