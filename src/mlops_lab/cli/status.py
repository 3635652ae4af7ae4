"""`mlops status`."""

from __future__ import annotations

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record, print_wrapped
from mlops_lab.status.describe import describe
from mlops_lab.status.sentences import sentences


def command(project: Folder = HERE, json: Json = False) -> None:
    """Show what is live and why, its quality, and what comes next."""
    status = describe(open_project(project))
    if json:
        print_record(status)
    else:
        print(f"{status.project} in {status.folder}")
        for sentence in sentences(status):
            print_wrapped(sentence)
