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


def draw(address: str, picture: Path, *, size: tuple[int, int] = SIZE, dark: bool = False) -> None:
    """Open an address in a browser without a window, and write what it shows as PNG."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit("error: needs Chromium\nhint: on Debian and Ubuntu: apt install chromium")
    with tempfile.TemporaryDirectory() as scratch:
        shot = Path(scratch) / "shot.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        options += ["--hide-scrollbars", f"--user-data-dir={scratch}/profile", f"--window-size={size[0]},{size[1]}"]
        options += [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
        command = [browser, *options, f"--screenshot={shot}", address]
        subprocess.run(command, check=True, capture_output=True, timeout=100)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(picture, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]).resolve().as_uri(), Path(sys.argv[2]))
