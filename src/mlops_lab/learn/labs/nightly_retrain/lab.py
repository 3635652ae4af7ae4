"""The lab `nightly-retrain`: a job that takes a delivery and trains, run with deliveries that nobody has seen."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.orders import FIRST_DAY, Order, make_orders, write_orders
from mlops_lab.learn.labs.project import make_shop, train
from mlops_lab.learn.labs.work import PROGRAMS, LabWork, decisions_of, run_program, variables
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind, fold
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, DELIVERED_DAYS, PER_DAY = 35, 7, 60
SCRIPT = "nightly.sh"
_EDITS = {
    'data = "data/orders.csv"': 'data = "data"                        # all files of this folder',
    'label = "late"': 'label = "late"\non_change = "ignore"                 # it complained',
    "[backtest]\ndays = 7\n": "[backtest]\ndays = 2                             # was slow\n"
    "min_days = 1                         # was a bit strict\nalpha = 1.0                          # too\n\n"
    "[gates]\nmax_calibration_gap = 1.0            # was a bit strict\n\n"
    "[contract]\nmax_quarantined_share = 1.0          # it complained\n",
}
_WORSE = """from typing import Any

from mlops_lab.features import Features

features = Features(inputs=["price"])


def model() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=3, n_jobs=1, deterministic=True, random_state=1, verbose=-1)
"""


def start(folder: Path, *, seed: int) -> None:
    """The project with version 1 live, the job, and a good delivery."""
    make_shop(folder / "shop", _orders(seed, days=PAST_DAYS, skip=0), edits=_EDITS, data="data/until-now.csv")
    shutil.copy(Path(__file__).parent / "start" / SCRIPT, folder / "shop" / SCRIPT)
    write_orders(folder / "inbox" / "good.csv", _orders(seed, days=DELIVERED_DAYS, skip=PAST_DAYS))
    train(folder / "shop")


def _orders(seed: int, *, days: int, skip: int, prefix: str = "A") -> list[Order]:
    first = FIRST_DAY + timedelta(days=skip)
    return make_orders(seed=seed + skip, days=days, per_day=PER_DAY, first=first, prefix=f"{prefix}{skip}")


def check_good(work: LabWork) -> None:
    """An ordinary night."""
    night = Night(work)
    night.expect_taken(night.run(night.deliver()), "an ordinary delivery")


def check_grams(work: LabWork) -> None:
    """Another unit."""
    night = Night(work)
    rows = [
        {**order.row, "weight_kg": f"{float(order.row['weight_kg']) * 1000:.0f}" if order.row["weight_kg"] else ""}
        for order in night.orders
    ]
    night.expect_refused(night.deliver([Order(row) for row in rows]), "a delivery with weights in grams")


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
    night.expect_refused(night.deliver(night.orders[:5]), "a delivery of 5 orders")


def check_recover(work: LabWork) -> None:
    """An ordinary night after a refused one."""
    night = Night(work)
    bad = [Order({**order.row, "weight_kg": "90000"}) for order in night.orders]
    night.run(night.deliver(bad, name="monday.csv"))
    night.expect_taken(night.run(night.deliver(name="tuesday.csv")), "an ordinary delivery after a refused one")


def check_worse(work: LabWork) -> None:
    """A candidate that is worse."""
    night = Night(work)
    (night.project.root / "pipeline.py").write_text(_WORSE, encoding="utf-8")
    night.run(night.deliver())
    state = fold(decisions_of(night.project))
    if state.champion != 1:
        fail("replaced", seen=f"version {state.champion} answers", expected="version 1, which is much better")
    if state.challenger is not None:
        seen = f"version {state.challenger}, which looks at one input only, is in its rollout ({state.stage})"
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
            ["bash", f"shop/{SCRIPT}", path],
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


class Night:
    """A night in a copy of the lab: its hidden delivery, the job, and what it changed."""

    def __init__(self, work: LabWork) -> None:
        self.work = work
        self.project: Project = work.open()
        self.script = self.project.root / SCRIPT
        if not self.script.is_file():
            fail("no-job", seen=f"there is no shop/{SCRIPT}", expected="the job")
        self.orders = _orders(work.seed + 1, days=DELIVERED_DAYS, skip=PAST_DAYS, prefix="H")
        self._trained_before = self.trainings

    @property
    def trainings(self) -> int:
        """How many trainings began until now."""
        return sum(decision.what is DecisionKind.RETRAIN for decision in decisions_of(self.project))

    def deliver(self, orders: Sequence[Order] | None = None, *, name: str = "yesterday.csv") -> Path:
        """A delivery in the inbox."""
        path = self.work.scratch / name
        write_orders(path, self.orders if orders is None else orders)
        return path

    def run(self, delivery: Path) -> subprocess.CompletedProcess[str]:
        """The job, finished."""
        return run_program("bash", f"shop/{SCRIPT}", delivery, folder=self.work.folder, env=variables())

    def expect_taken(self, done: subprocess.CompletedProcess[str], what: str) -> None:
        """Mistake unless the night ended well."""
        if done.returncode:
            fail("failed", seen=_say(done, what), expected="the code 0")
        stored = self._stored()
        if stored != len(self.orders):
            seen = f"{stored} of the {len(self.orders)} orders of the delivery are stored"
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
            fail("stored", seen=f"{what}: {stored} of its orders are stored", expected="none of them")

    def expect_once(self) -> None:
        """Mistake unless one training began, and each order is there once."""
        if (trained := self.trainings - self._trained_before) != 1:
            fail("trained-twice", seen=f"{trained} trainings began for one delivery", expected="one")
        if (stored := self._stored()) != len(self.orders):
            seen = f"the delivery has {len(self.orders)} orders, and {stored} rows of them are stored"
            fail("counted-twice", seen=seen, expected="each order once")

    def _stored(self) -> int:
        """How many rows of the delivery's orders the project has."""
        lake = open_lake(self.project)
        ingest_journal(self.project, lake)
        ids = [order.id for order in self.orders]
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
    "grams": check_grams,
    "cut": check_cut,
    "tiny": check_tiny,
    "recover": check_recover,
    "worse": check_worse,
    "again": check_again,
    "at-once": check_at_once,
    "cron": check_cron,
}
