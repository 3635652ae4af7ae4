"""`environment.yml` for Conda: Python from conda-forge, the packages from the same wheels as before."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.environments.source import EnvironmentSource

ENVIRONMENT_FILE = "environment.yml"


def write_for_conda(folder: Path, source: EnvironmentSource) -> None:
    """Write environment.yml beside requirements.txt.

    The packages that conda-forge builds are other files than those that the version was trained with, linked with other
    numeric libraries. So only Python and pip are of conda-forge.
    """
    pip = next((package.version for package in source.packages if package.name == "pip"), "")
    lines = [
        f"# The environment of {source.title}.",
        f"name: {source.name}",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python={source.environment.python}",
        f"  - pip={pip}" if pip else "  - pip",
        "  - pip:",
        "      - -r requirements.txt",
        "",
    ]
    (folder / ENVIRONMENT_FILE).write_text("\n".join(lines), encoding="utf-8")
