"""What `mlops outcomes` says."""

from mlops_lab.cli.outcomes import _BECAME
from mlops_lab.tables.verdict import Verdict


def test_there_are_words_for_every_verdict():
    assert {*_BECAME} == {*Verdict}
