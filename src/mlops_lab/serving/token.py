"""The token that anything which changes the server's state must show."""

from __future__ import annotations

import os
import secrets

from mlops_lab.project import Project
from mlops_lab.serving.journal import disk_fault


def ensure_token(project: Project) -> str:
    """The project's token, made on first use; only its owner may read the file."""
    path = project.token_path
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
        return path.read_text().strip()
    except OSError as error:
        raise disk_fault(error, path) from error
