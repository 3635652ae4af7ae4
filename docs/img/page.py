"""The pictures of the page in docs/page.md: `make pictures-of-page` runs it on a demo's folder; it needs Chromium.

python docs/img/page.py flights-demo docs/img
"""

from __future__ import annotations

import sys
from pathlib import Path

from picture import draw

from mlops_lab.lake import Lake
from mlops_lab.project import load_project
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
    newest = str(_newest_version(open_lake(project)))
    with page_process(project, port=0) as url:
        for name, (view, is_dark) in PICTURES.items():
            address = f"{url}{project.root.name}/{view.replace('NEWEST', newest)}"
            draw(address, target / f"page-{name}.png", size=SIZE, dark=is_dark)


def _newest_version(lake: Lake) -> int:
    return int(lake.read("decisions", columns=["version"])["version"].max() or 1)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
