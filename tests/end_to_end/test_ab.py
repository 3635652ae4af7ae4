"""`mlops ab`: a test of a real server's versions, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from running import serving, until
from synthetic import World, day_begin, live
from terminal import Terminal

from mlops_lab.cli import ab
from mlops_lab.cli.errors import guarded
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.monitoring.quality import log_loss
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import system_user

FIRST, LAST = 33, 35
VALUE = """
[ab]
unit = "EUR"
threshold = 0.4
true_positive = 4
false_positive = -1
"""


@pytest.fixture
def terminal(
    lived: Path,
    copy_project: Callable[..., Project],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Terminal:
    """Commands in a project with version 2 live, and version 1 before, in which nothing is trained."""
    root = copy_project(lived / "promoted").root
    text = (root / "mlops.toml").read_text().replace("cooldown_days = 6", "cooldown_days = 60")
    (root / "mlops.toml").write_text(text + VALUE)
    return Terminal(root, capsys, monkeypatch)


def test_a_test_is_started_answered_shown_and_stopped(terminal: Terminal, world: World) -> None:
    project, run = load_project(terminal.folder), terminal.run
    lake, start, end = Lake(project.lake_path), day_begin(FIRST), day_begin(LAST)
    told = run("ab", "start", 1, "--share", 0.5, "--at", start, "--reason", "worth it?", "--by", "Ada")
    assert (told.what, told.arms, told.champion) == ("ab_start", {"1": 0.5}, 2)
    with serving(project) as server:
        talk = server.talk()
        for moment in live(world, start, end):
            if moment.outcomes:
                talk.tell(moment.outcomes)
            for request in moment.requests:
                talk.predict(request)
        loop = Loop(project)
        loop.tick(end)
        report = run("ab", "show", "--at", end)
        (arm,), control = report.arms, report.control
        assert (report.by, report.reason) == (system_user(), "worth it? (for Ada)")
        assert (report.unit, control.version) == ("EUR", 2)
        assert (report.shares_are_wrong, report.crossed, arm.verdict) == (False, 0, "undecided")

        # the figures, from the log alone
        logged = lake.read("predictions").filter(pl.col("at") >= start)
        outcomes = lake.read("outcomes").filter(pl.col("predicted_at") >= start, pl.col("verdict") == "accepted")
        warned = pl.col("output") >= 0.4
        gained = pl.when(warned & pl.col("late")).then(4).when(warned).then(-1).otherwise(0)
        for group, role in ((control, "champion"), (arm, "arm")):
            mine = outcomes.filter(pl.col("role") == role)
            assert group.requests == logged.filter(pl.col("role") == role).height > 30
            assert group.outcomes == mine.height
            assert group.mean == pytest.approx(mine.select(gained).to_series().mean())
        assert arm.gain == arm.days[-1].mean

        # a customer meets one version
        met = logged.filter(pl.col("customer").is_not_null()).group_by("customer").agg(pl.col("version").n_unique())
        assert set(met["version"]) == {1}

        # what the arm answered is not the champion's quality
        losses = lake.read("measurements").filter(
            pl.col("at") == end, pl.col("monitor") == "quality", pl.col("name") == "log_loss"
        )
        today = outcomes.filter(pl.col("known_at") >= day_begin(LAST - 1))
        for version, role in ((2, "champion"), (1, "arm")):
            mine = today.filter(pl.col("role") == role)
            measured = losses.filter(pl.col("version") == version, pl.col("role") == role)["value"].item()
            assert measured == pytest.approx(log_loss(mine["late"].cast(pl.Float64), mine["output"]))
            assert (loop.last_log_loss == measured) == (role == "champion")

        assert run("ab", "stop", "--keep", 1, "--at", end, code=1).error.code == "not_proved"
        kept = run("ab", "stop", "--keep", 1, "--force", "--reason", "cheaper", "--at", end)
        assert (kept.what, kept.rule, kept.champion, kept.arms) == ("promote", "ab.winner", 1, {})
        assert kept.evidence["results"]["1"]["verdict"] == "undecided"
        until(lambda: (talk.status["champion"], talk.status["arms"]) == (1, {}))
    assert run("ab", "show", code=1).error.code == "no_ab_test"


def test_a_test_that_cannot_be_measured_does_not_begin_but_ends(terminal: Terminal) -> None:
    run, config = terminal.run, terminal.folder / "mlops.toml"
    text = config.read_text()
    for words in (("1", "--share", "0.5", "--share", "0.1"), ("1", "1", "--share", "0.2")):
        assert run("ab", "start", *words, code=2).error.where in {"--share", "VERSION"}
    broken = text.replace(VALUE, '\n[ab]\nvalue = "price"\n')
    config.write_text(broken)
    assert run("ab", "start", 1, "--share", 0.5, code=2).error.code == "bad_config"
    config.write_text(text)
    run("ab", "start", 1, "--share", 0.5)
    config.write_text(broken)
    assert run("ab", "show", code=2).error.code == "bad_config"
    assert "price" in run("ab", "stop").evidence["no_results"]


def test_the_report_is_drawn_for_people(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run("ab", "start", 1, "--share", 0.5, "--at", day_begin(FIRST))
    capsys.readouterr()
    assert guarded(lambda: ab.show(terminal.folder, at=day_begin(LAST).isoformat())) == 0
    printed = capsys.readouterr().out
    for text in (
        "A/B test since 2024-04-03 00:00",
        "in EUR: true positive 4",
        "2 (champion)",
        "no verdict on version 1",
    ):
        assert text in printed
