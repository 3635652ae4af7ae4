"""The picture of the README: the top of the demo's report. `make picture` runs it; it needs Chromium.

python docs/img/picture.py flights-demo/report.html docs/img/report.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = (1040, 800)
COLOURS = 256  # half of the bytes, and no difference to be seen


def draw(report: Path, picture: Path) -> None:
    """Open the report in a browser without a window, and write what it shows as PNG."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit("error: needs Chromium\nhint: on Debian and Ubuntu: apt install chromium")
    with tempfile.TemporaryDirectory() as scratch:
        shot = Path(scratch) / "shot.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        options += ["--hide-scrollbars", f"--user-data-dir={scratch}/profile", f"--window-size={SIZE[0]},{SIZE[1]}"]
        command = [browser, *options, f"--screenshot={shot}", report.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=100)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(picture, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
