"""What needs no DVC; with it: tools/test_import_dvc.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault, NotFound
from mlops_lab.starter.dvc_repository import DvcRepository


def test_a_folder_without_dvc(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no DVC repository"):
        DvcRepository(tmp_path)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    with pytest.raises(EnvironmentFault, match="there is no program") as raised:
        DvcRepository(tmp_path, program=str(tmp_path / "dvc"))
    assert raised.value.where == "--dvc"
