"""The README.md of an export, from the text that lies beside its exporter."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template


def write_readme(folder: Path, *, tool: str, **values: object) -> None:
    """Write README.md into the folder: the text of the tool's exporter, with these values for its `$NAME`s."""
    text = files(f"mlops_lab.exporters.{tool}").joinpath("README.md.txt").read_text(encoding="utf-8")
    (folder / "README.md").write_text(Template(text).substitute(values), encoding="utf-8")
