"""Building an image with the program that is there: docker, podman or buildah."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.errors import EnvironmentFault

_BUILDERS = {
    "docker": ("build",),
    "podman": ("build", "--format", "docker"),
    "buildah": ("build", "--format", "docker"),
}
"""By program, its command. Docker's format of images is the one with health checks."""
_PROBE_SECONDS = 20


def find_builder() -> str:
    """The first program that can build here; EnvironmentFault where there is none. Docker also needs its engine."""
    for name in _BUILDERS:
        if (path := shutil.which(name)) and _works(path):
            return name
    raise EnvironmentFault(
        "no program that builds images works here",
        code="no_builder",
        where=", ".join(_BUILDERS),
        hint="install one of them (Docker also needs its engine), or only write the folder: --no-build DIR",
    )


def _works(path: str) -> bool:
    try:
        done = subprocess.run([path, "info"], capture_output=True, check=False, timeout=_PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def build_image(folder: Path, *, tag: str, options: Sequence[str] = ()) -> str:
    """Build the image of a folder, its talk on stderr; the program that did it. `options` are handed on to it.

    EnvironmentFault where that fails.
    """
    builder = find_builder()
    command = [builder, *_BUILDERS[builder], *options, "--tag", tag, str(folder)]
    done = subprocess.run(command, stdout=2, check=False)
    if done.returncode:
        raise EnvironmentFault(
            f"{builder} could not build the image: exit code {done.returncode}",
            code="not_built",
            where=str(folder),
            hint="its own messages are above; --no-build DIR writes the folder, to look at it",
        )
    return builder
