"""The lab `nightly-retrain`: a job that takes a delivery and trains, run with deliveries that nobody has seen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import Case, LabData, write_cases
from mlops_lab.learn.labs.data.layout import Needs, NumberField
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.learn.labs.project import BACKTEST, data_file, make_project, make_simpler, train
from mlops_lab.learn.labs.work import PROGRAMS, LabWork, decisions_of, run_program, variables
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind, fold
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, DELIVERED_DAYS = 35, 7
NEEDS = Needs(days=PAST_DAYS + 2 * DELIVERED_DAYS, per_day=60, min_per_day=40)
"""Seven days are handed out as an example of a delivery; the seven after them are the hidden one."""
SCRIPT = "nightly.sh"
_HURRY = """[backtest]
days = 2                             # was slow
min_days = 1                         # was a bit strict
alpha = 1.0                          # too

[gates]
max_calibration_gap = 1.0            # was a bit strict

[contract]
max_quarantined_share = 1.0          # it complained
"""


def start(folder: Path, data: LabData) -> None:
    """The project with version 1 live, the job, and a good delivery."""
    layout = data.layout
    words = words_of(layout)
    root, label = folder / words["project"], f'label = "{layout.label}"'
    edits = {
        f'data = "{data_file(layout)}"': 'data = "data"                        # all files of this folder',
        label: f'{label}\non_change = "ignore"                 # it complained',
        BACKTEST: _HURRY,
    }
    make_project(root, data.cases(0, PAST_DAYS), layout, edits=edits, data="data/until-now.csv")
    job = (Path(__file__).parent / "start" / SCRIPT).read_text(encoding="utf-8")
    (root / SCRIPT).write_text(job.replace("{project}", words["project"]), encoding="utf-8")
    write_cases(folder / "inbox" / "good.csv", data.cases(PAST_DAYS, DELIVERED_DAYS), layout.columns)
    train(root, layout)


def check_good(work: LabWork) -> None:
    """An ordinary night."""
    night = Night(work)
    night.expect_taken(night.run(night.deliver()), "an ordinary delivery")


def check_unit(work: LabWork) -> None:
    """Another unit."""
    night = Night(work)
    rows = [in_other_unit(case, night.number) for case in night.cases]
    night.expect_refused(night.deliver(rows), f"a delivery with {night.number.name} in {night.number.wrong}")


def check_cut(work: LabWork) -> None:
    """A file that is not complete."""
    night = Night(work)
    path = night.deliver()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[: len(lines) * 3 // 4]) + lines[-1][:14], encoding="utf-8")
    night.expect_refused(path, "a delivery that ends in the middle of a line")


def check_tiny(work: LabWork) -> None:
    """A file with far too few rows."""
    night = Night(work)
    night.expect_refused(night.deliver(night.cases[:5]), "a delivery of 5 rows")


def check_recover(work: LabWork) -> None:
    """An ordinary night after a refused one."""
    night = Night(work)
    bad = [case.changed(**{night.number.name: 1000 * night.number.high}) for case in night.cases]
    night.run(night.deliver(bad, name="monday.csv"))
    night.expect_taken(night.run(night.deliver(name="tuesday.csv")), "an ordinary delivery after a refused one")


def check_worse(work: LabWork) -> None:
    """A candidate that is worse."""
    night = Night(work)
    make_simpler(night.project.root)
    night.run(night.deliver())
    state = fold(decisions_of(night.project))
    if state.champion != 1:
        fail("replaced", seen=f"version {state.champion} answers", expected="version 1, which is much better")
    if state.challenger is not None:
        seen = f"version {state.challenger}, which has three trees only, is in its rollout ({state.stage})"
        fail("in-rollout", seen=seen, expected="that a gate refuses it")


def check_again(work: LabWork) -> None:
    """The same delivery twice."""
    night = Night(work)
    night.expect_taken(night.run(night.deliver()), "an ordinary delivery")
    second = night.run(night.deliver(name="again.csv"))
    if second.returncode:
        fail("failed-again", seen=_say(second, "the second run with the same delivery"), expected="the code 0")
    night.expect_once()


def check_at_once(work: LabWork) -> None:
    """Two jobs at the same moment."""
    night = Night(work)
    path = night.deliver()
    jobs = [
        subprocess.Popen(
            ["bash", f"{work.project}/{SCRIPT}", path],
            cwd=work.folder,
            env=variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(2)
    ]
    codes = [_wait(job) for job in jobs]
    if 0 not in codes:
        seen = f"two jobs at the same moment ended with {codes[0]} and {codes[1]}"
        fail("both-failed", seen=seen, expected="that one of them does the work")
    night.expect_once()


def check_cron(work: LabWork) -> None:
    """As cron runs it."""
    night = Night(work)
    path = os.pathsep.join((str(PROGRAMS), "/usr/bin", "/bin"))
    kept = {name: value for name, value in os.environ.items() if name in {"PYTHONPATH", "TMPDIR"}}
    env = {"PATH": path, "HOME": str(work.scratch), "SHELL": "/bin/sh", **kept}
    done = run_program("bash", night.script, night.deliver(), folder=Path("/"), env=env)
    night.expect_taken(done, "an ordinary delivery, in the folder / and with few variables,")


def in_other_unit(case: Case, number: NumberField) -> Case:
    """The row with this number in its smaller unit."""
    value = case.values[number.name]
    return case.changed(**{number.name: None if value is None else value * number.factor})


class Night:
    """A night in a copy of the lab: its hidden delivery, the job, and what it changed."""

    def __init__(self, work: LabWork) -> None:
        self.work = work
        self.project: Project = work.open()
        self.script = self.project.root / SCRIPT
        if not self.script.is_file():
            fail("no-job", seen=f"there is no {work.project}/{SCRIPT}", expected="the job")
        self.cases = work.data.hidden(PAST_DAYS + DELIVERED_DAYS, DELIVERED_DAYS)
        self.number = work.data.layout.spoiled_numbers[0]
        self._trained_before = self.trainings

    @property
    def trainings(self) -> int:
        """How many trainings began until now."""
        return sum(decision.what is DecisionKind.RETRAIN for decision in decisions_of(self.project))

    def deliver(self, cases: Sequence[Case] | None = None, *, name: str = "yesterday.csv") -> Path:
        """A delivery in the inbox."""
        path = self.work.scratch / name
        write_cases(path, self.cases if cases is None else cases, self.work.data.layout.columns)
        return path

    def run(self, delivery: Path) -> subprocess.CompletedProcess[str]:
        """The job, finished."""
        return run_program("bash", f"{self.work.project}/{SCRIPT}", delivery, folder=self.work.folder, env=variables())

    def expect_taken(self, done: subprocess.CompletedProcess[str], what: str) -> None:
        """Mistake unless the night ended well."""
        if done.returncode:
            fail("failed", seen=_say(done, what), expected="the code 0")
        stored = self._stored()
        if stored != len(self.cases):
            seen = f"{stored} of the {len(self.cases)} rows of the delivery are stored"
            fail("not-stored", seen=seen, expected="all of them, each once")
        if self.trainings == self._trained_before:
            fail("not-trained", seen=f"{what}: no training began", expected="a candidate, and the gates' word on it")

    def expect_refused(self, delivery: Path, what: str) -> None:
        """Mistake unless the job refuses the delivery, and nothing of it is left."""
        done = self.run(delivery)
        if done.returncode == 0:
            fail("accepted", seen=_say(done, what), expected="another code than 0: somebody must hear of it")
        if self.trainings > self._trained_before:
            fail("trained", seen=f"{what}: a training began all the same", expected="that nothing is trained on it")
        if stored := self._stored():
            fail("stored", seen=f"{what}: {stored} of its rows are stored", expected="none of them")

    def expect_once(self) -> None:
        """Mistake unless one training began, and each row is there once."""
        if (trained := self.trainings - self._trained_before) != 1:
            fail("trained-twice", seen=f"{trained} trainings began for one delivery", expected="one")
        if (stored := self._stored()) != len(self.cases):
            seen = f"the delivery has {len(self.cases)} rows, and {stored} of them are stored"
            fail("counted-twice", seen=seen, expected="each row once")

    def _stored(self) -> int:
        """How many rows of the delivery the project has."""
        lake = open_lake(self.project)
        ingest_journal(self.project, lake)
        ids = [case.id for case in self.cases]
        source = self.project.settings.source
        return lake.read(source.table).filter(pl.col(source.id).is_in(ids)).height


def _wait(job: subprocess.Popen[bytes]) -> int:
    try:
        return job.wait(timeout=180)
    except subprocess.TimeoutExpired:
        fail("too-slow", seen="two jobs at the same moment were still running after 180 s", expected="that they end")
    finally:
        if job.poll() is None:
            os.killpg(job.pid, 9)
            job.wait()


def _say(done: subprocess.CompletedProcess[str], what: str) -> str:
    """The code of a job, and its last lines."""
    lines = (done.stdout + done.stderr).strip().splitlines()[-4:]
    return f"{what} ended with {done.returncode}" + (f": {' / '.join(line[:160] for line in lines)}" if lines else "")


CHECKS = {
    "good": check_good,
    "unit": check_unit,
    "cut": check_cut,
    "tiny": check_tiny,
    "recover": check_recover,
    "worse": check_worse,
    "again": check_again,
    "at-once": check_at_once,
    "cron": check_cron,
}
