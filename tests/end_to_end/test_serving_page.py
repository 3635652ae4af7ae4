"""The commands of docs/serving.md, typed into a shell, print what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running import serving

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```sh\n(.*?)```\n```json\n(.*?)```", PAGE, re.DOTALL)


def rounded(value: Any) -> Any:
    """The same with numbers as a page shows them; an id that the server made is of no account."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return {name: rounded(one) for name, one in value.items()} if isinstance(value, dict) else value


def test_what_the_page_shows_is_what_is_printed(copies: Any) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    assert len(STEPS) == PAGE.count("```json") == 5
    with serving(copies("iris")) as server:
        address = server.process.address
        for command, shown in STEPS:
            here = command.replace("http://127.0.0.1:8321", f"http://{address.host}:{address.port}")
            done = subprocess.run(["sh", "-c", here], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            assert rounded(json.loads(done.stdout)) == json.loads(shown), done.stdout
