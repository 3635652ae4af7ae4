"""The pictures of docs/page.md: some views of the page of a demo. `make picture` runs it; it needs Chromium.

python docs/img/page.py flights-demo docs/img
"""

from __future__ import annotations

import sys
from pathlib import Path

from picture import draw

from mlops_lab.project import load_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.serving.process.server_process import ServerProcess
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.web.page_process import page_process

SIZE = (1040, 900)
PICTURES = {
    "now": ("now", False),
    "features": ("features", False),
    "lineage": ("models?version=NEWEST", False),
    "history-dark": ("history", True),
}
"""By name of the picture, the view that it shows, and whether in the dark scheme."""


def main(folder: Path, target: Path) -> None:
    """Open each view of the project in a browser without a window, and write what it shows as PNG."""
    project = load_project(folder)
    newest = max(decision.version or 1 for decision in read_decisions(open_lake(project)))
    with ServerProcess(project), page_process(project, port=0) as url:
        for name, (view, is_dark) in PICTURES.items():
            address = f"{url}{project.root.name}/{view.replace('NEWEST', str(newest))}"
            draw(address, target / f"page-{name}.png", size=SIZE, dark=is_dark)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
