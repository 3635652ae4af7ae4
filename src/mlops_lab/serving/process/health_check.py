"""Whether the server of a project is ready, asked where it listens: the health check of images.

`python -m mlops_lab.serving.process.health_check FOLDER` exits with 0 where it is, else with 1, and prints what was
said.
"""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

from mlops_lab.errors import MlopsError
from mlops_lab.project import load_project
from mlops_lab.serving.process.address import find_server

_READY = "/v2/health/ready"
_TIMEOUT_SECONDS = 3.0


def ask(folder: Path) -> tuple[bool, str]:
    """Whether the server of the project in the folder is ready, and what it said, or why it did not."""
    try:
        address = find_server(load_project(folder))
        if address is None:
            return False, "no server is running"
        connection = address.connect(timeout_seconds=_TIMEOUT_SECONDS)
        connection.request("GET", _READY)
        response = connection.getresponse()
        return response.status == 200, f"{response.status} {response.read().decode(errors='replace')}"
    except (OSError, http.client.HTTPException, MlopsError) as error:
        return False, str(error)


def main() -> int:
    """Ask, print what was said, and give the exit code."""
    is_ready, said = ask(Path(sys.argv[1]))
    sys.stdout.write(f"{said}\n")
    return 0 if is_ready else 1


if __name__ == "__main__":
    sys.exit(main())
