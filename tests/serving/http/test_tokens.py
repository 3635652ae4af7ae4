"""Tokens: stored as hashes, created and revoked by name."""

from __future__ import annotations

import json
import os
import re
import threading

import pytest

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound
from mlops_lab.project import Project, load_project
from mlops_lab.serving.http.tokens import (
    create_token,
    ensure_token,
    is_loopback,
    list_tokens,
    needs_token_to_predict,
    revoke_token,
    tokens_path,
)


def test_only_hashes_are_kept_and_only_for_the_owner(project: Project) -> None:
    kept, clear = create_token(project, "predict", name="dashboard")

    path = tokens_path(project)
    assert path.stat().st_mode & 0o077 == 0
    assert clear not in path.read_text()
    assert re.fullmatch("[0-9a-f]{64}", kept.sha256)
    assert list_tokens(project) == [kept]
    assert json.loads(path.read_text())["format"] == 1


def test_the_local_token_is_made_once_also_where_many_ask(project: Project) -> None:
    created: list[str] = []
    threads = [threading.Thread(target=lambda: created.append(ensure_token(project))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(created) == 16
    assert set(created) == {project.token_path.read_text()}
    assert project.token_path.stat().st_mode & 0o077 == 0
    assert [(token.name, token.role) for token in list_tokens(project)] == [("local", "operate")]


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666, 0o777])
def test_files_that_others_may_write_are_refused_with_a_reason(project: Project, mode: int) -> None:
    clear = ensure_token(project)
    for path in (project.token_path, tokens_path(project)):
        content = path.read_bytes()
        path.chmod(mode)
        with pytest.raises(EnvironmentFault) as fault:
            ensure_token(project)
        assert fault.value.code == "insecure_tokens"
        assert fault.value.where == str(path)
        assert f"chmod 600 {path}" in str(fault.value.hint)
        assert path.read_bytes() == content
        path.chmod(0o600)
    assert ensure_token(project) == clear


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_files_of_other_users_are_refused(project: Project) -> None:
    ensure_token(project)
    for path in (project.token_path, tokens_path(project)):
        os.chown(path, 12345, -1)
        with pytest.raises(EnvironmentFault, match="belongs to user 12345"):
            ensure_token(project)
        os.chown(path, 0, -1)
    os.chown(tokens_path(project), 12345, -1)
    for change in (list_tokens, lambda project: revoke_token(project, "local")):
        with pytest.raises(EnvironmentFault):
            change(project)


def test_a_token_that_others_could_read_is_closed_and_the_log_says_so(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    clear = ensure_token(project)
    project.token_path.chmod(0o644)
    assert ensure_token(project) == clear
    assert project.token_path.stat().st_mode & 0o777 == 0o600
    assert "mlops token revoke local" in caplog.text
    assert ensure_token(project) == clear
    assert len(caplog.records) == 1


def test_names_are_chosen_checked_and_not_given_twice(project: Project) -> None:
    assert create_token(project, "predict")[0].name == "predict-1"
    assert create_token(project, "predict")[0].name == "predict-2"
    assert create_token(project, "operate", name="predict-3")[0].name == "predict-3"
    assert create_token(project, "predict")[0].name == "predict-4"
    revoke_token(project, "predict-1")
    assert create_token(project, "predict")[0].name == "predict-1"
    with pytest.raises(Conflict):
        create_token(project, "predict", name="predict-2")
    for name in ("local", "", "a b", "-x", "a" * 65, "x\n", "../x"):
        with pytest.raises(InvalidInput):
            create_token(project, "predict", name=name)
    with pytest.raises(NotFound):
        revoke_token(project, "nobody")


LOCAL = ("127.0.0.1", "127.8.8.8", "::1", "localhost")
ELSEWHERE = ("0.0.0.0", "::", "10.0.0.7", "model.example.com")


@pytest.mark.parametrize(
    ("host", "is_local"), [*((host, True) for host in LOCAL), *((host, False) for host in ELSEWHERE)]
)
def test_predictions_need_a_token_where_others_can_ask_unless_said_otherwise(
    project: Project, host: str, is_local: bool
) -> None:
    assert is_loopback(host) is is_local
    flags = [f"serving.host={host}"]
    assert needs_token_to_predict(load_project(project.root, flags=flags)) is not is_local
    for setting in (True, False):
        loaded = load_project(project.root, flags=[*flags, f"serving.predict_token={str(setting).lower()}"])
        assert needs_token_to_predict(loaded) is setting
