"""axe-core, the audit of accessibility, from npm: fetched once, into pytest's cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import install_web_packages
from running import make_once

AXE = "4.14.1"


def fetch_axe(config: pytest.Config, fallback: Path) -> Path:
    """The script of axe-core; `fallback` is the folder where there is no cache. Skipped where npm cannot fetch it."""
    kept = getattr(config, "cache", None)
    cache = kept.mkdir(f"axe-{AXE.replace('.', '-')}") if kept else fallback
    modules = make_once(cache / "npm", lambda folder: install_web_packages(folder, **{"axe-core": AXE}))
    return modules / "node_modules" / "axe-core" / "axe.min.js"
