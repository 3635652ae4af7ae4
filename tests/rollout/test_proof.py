"""What the days of a rollout prove, in figures and in words."""

from collections.abc import Callable
from math import exp
from pathlib import Path

import numpy as np
import pytest

from mlops_lab.project import Project
from mlops_lab.rollout.evidence.paired import weigh_gains
from mlops_lab.rollout.proof import NO_DAYS, DailyGains, weigh
from mlops_lab.tasks.binary import Binary

GOOD = np.random.default_rng(3).normal(0.02, 0.02, 40)


@pytest.fixture
def project(tmp_path: Path, write_project: Callable[..., Project]) -> Project:
    return write_project(tmp_path, ("[source]", '[rollout]\nprove = "better"\nalpha = 0.05\n\n[source]'))


def proof_of(project: Project, gains: np.ndarray):
    return weigh(project, DailyGains(gains, np.full(len(gains), 100.0)))


def test_what_was_proved_stays_proved_and_is_said_so(project):
    """A sceptic may stop at the best moment: that is what the test allows."""
    proof = proof_of(project, np.concatenate([GOOD, [-0.06] * 4]))
    evidence = weigh_gains(np.concatenate([GOOD, [-0.06] * 4]), alpha=0.05, rows=np.full(44, 100.0))
    assert proof.is_proved
    assert proof.e_value == pytest.approx(exp(evidence.log_e[-1]))
    assert proof.largest == pytest.approx(exp(evidence.log_e.max()))
    assert proof.e_value < 20 < proof.largest
    assert f"(e = {proof.e_value:.3g}, and was {proof.largest:.3g}, of 20)" in proof.say(Binary())


def test_what_is_proved_now_or_never_was_is_said_in_one_figure(project):
    for gains in (GOOD, GOOD[:3]):
        proof = proof_of(project, gains)
        assert f"over {len(gains)} days (e = {proof.e_value:.3g} of 20)" in proof.say(Binary())
    assert weigh(project, NO_DAYS).say(Binary()) == "no day with outcomes yet"
