"""The files of an image, linked into the folder that a server may write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.process.frozen import link_frozen_project


def make_frozen(folder: Path, text: str = "frozen") -> Path:
    (folder / ".mlops" / "package").mkdir(parents=True)
    (folder / "mlops.toml").write_text(text)
    (folder / ".mlops" / "deployment.json").write_text(text)
    return folder


def test_a_new_image_takes_the_place_of_the_one_before_and_the_journal_stays(tmp_path: Path) -> None:
    root = tmp_path / "data"
    link_frozen_project(make_frozen(tmp_path / "first"), root)
    (root / ".mlops" / "journal").mkdir()
    link_frozen_project(make_frozen(tmp_path / "second", "newer"), root)
    assert (root / ".mlops" / "deployment.json").read_text() == "newer"
    assert (root / ".mlops" / "package").resolve() == tmp_path / "second" / ".mlops" / "package"
    assert (root / ".mlops" / "journal").is_dir()


def test_a_mounted_project_is_left_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "mlops.toml").write_text("mounted")
    link_frozen_project(make_frozen(tmp_path / "frozen"), root)
    assert [path.name for path in root.iterdir()] == ["mlops.toml"]


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        link_frozen_project(tmp_path / "nothing", tmp_path / "data")
    assert caught.value.code == "no_project"


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(EnvironmentFault):
        link_frozen_project(make_frozen(tmp_path / "frozen"), tmp_path / "data")
