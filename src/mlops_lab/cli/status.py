"""`mlops status`."""

from __future__ import annotations

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json, print_wrapped
from mlops_lab.status.describe import describe
from mlops_lab.status.sentences import sentences


def command(project: Folder = HERE, json: Json = False) -> None:
    """Show what is live and why, its quality, and what comes next."""
    found = describe(open_project(project))
    if json:
        print_json(found)
    else:
        print(f"{found['project']} in {found['folder']}")
        for sentence in sentences(found):
            print_wrapped(sentence)
