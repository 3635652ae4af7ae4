"""What all engines share."""

from mlops_lab.registry.engines.base import count_cores


def test_there_is_a_core():
    assert count_cores() >= 1
