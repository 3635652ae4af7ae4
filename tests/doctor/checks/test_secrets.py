"""Keys and tokens: who may read and write their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks.secrets import look_at_keys, look_at_tokens
from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import load_project
from mlops_lab.registry.signing.keyring import keys_path, read_keys, write_keys
from mlops_lab.serving.http.tokens import ensure_token, tokens_path


def test_keys(copied: Path) -> None:
    patient = Patient(root=copied)
    assert look_at_keys(patient).seen == "1 trusted, 1 of them with its private half here"
    private = next((copied / ".mlops" / "keys").glob("*.pem"))
    private.chmod(0o644)
    found = look_at_keys(patient)
    assert (found.state, f"chmod 600 {private}" in str(found.hint)) == ("fail", True)


def test_no_key_is_trusted(copied: Path) -> None:
    home = copied / ".mlops"
    assert read_keys(home)
    write_keys(home, [])
    assert look_at_keys(Patient(root=copied)).state == "fail"
    keys_path(home).unlink()
    assert look_at_keys(Patient(root=copied)).state == "off"


def test_tokens(copied: Path) -> None:
    patient, project = Patient(root=copied), load_project(copied)
    project.token_path.unlink(missing_ok=True)
    tokens_path(project).unlink(missing_ok=True)
    assert look_at_tokens(patient).state == "off"
    ensure_token(project)
    assert look_at_tokens(patient).state == "ok"
    project.token_path.chmod(0o644)
    assert look_at_tokens(patient).state == "warn"
    tokens_path(project).chmod(0o666)
    with pytest.raises(EnvironmentFault, match="other users may write"):
        look_at_tokens(patient)
