"""The server of an image: its files cannot be written, so they are linked into the folder that can."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault
from mlops_lab.project import CONFIG_NAME

HOME = ".mlops"


def link_frozen_project(frozen: Path, root: Path) -> None:
    """Make `root` a project that answers with the version of a frozen project, and writes its journal here.

    A link that an earlier image has left is replaced; the journal stays. A project that is mounted at `root`, with a
    mlops.toml of its own, is left as it is: its own loop decides what answers. EnvironmentFault where nothing can be
    written there.
    """
    config = root / CONFIG_NAME
    if config.exists() and not config.is_symlink():
        return
    if not (frozen / CONFIG_NAME).is_file():
        raise EnvironmentFault(
            "is not a frozen project", code="no_project", where=str(frozen), hint="make it with `mlops image build`"
        )
    try:
        (root / HOME).mkdir(parents=True, exist_ok=True)
        for path in (frozen / CONFIG_NAME, *sorted((frozen / HOME).iterdir())):
            link = root / path.relative_to(frozen)
            if link.is_symlink() or not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to(path)
    except OSError as error:
        raise disk_fault(error, root) from error
