"""What all engines share."""

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.engines.base import count_cores, read_model_file


def test_a_model_file_that_cannot_be_read_is_an_error_with_its_path_and_a_hint(tmp_path):
    (tmp_path / "model").write_bytes(b"\x00\xff")
    assert read_model_file(tmp_path / "model") == b"\x00\xff"
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(EnvironmentFault) as caught:
            read_model_file(path)
        assert caught.value.code == "engine_failed"
        assert caught.value.where == str(path)
        assert caught.value.hint


def test_there_is_a_core():
    assert count_cores() >= 1
