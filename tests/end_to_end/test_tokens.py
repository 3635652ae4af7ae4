"""Tokens from the command line, at a real server with two workers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest
from raw import REQUEST, Raw, http
from running import Ran, mlops, serving, until
from slow import mostly_slow

from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project, load_project
from mlops_lab.serving.http.authorizer import MAX_AGE_SECONDS
from mlops_lab.serving.http.tokens import create_token, ensure_token, revoke_token
from mlops_lab.serving.process.address import Address


def ask(address: Address, path: str, data: Any, token: str | None) -> tuple[int, dict[str, Any]]:
    """On a connection of its own, which either worker may take."""
    connection = HTTPConnection(address.host, address.port, timeout=30)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    connection.request("POST", path, json.dumps(data).encode(), headers)
    answer = connection.getresponse()
    told = answer.status, json.loads(answer.read())
    connection.close()
    return told


def everywhere(address: Address, path: str, data: Any, token: str | None) -> set[int]:
    """The statuses that enough requests get for every worker to have had some."""
    return {ask(address, path, data, token)[0] for _ in range(16)}


@pytest.mark.parametrize("guarded", mostly_slow([False, True], quick=[True]))
def test_tokens_open_what_their_role_is_for_until_they_are_revoked(
    copy_project: Callable[..., Project], guarded: bool
) -> None:
    folder = copy_project().root
    project = load_project(folder, flags=["serving.workers=2", f"serving.predict_token={str(guarded).lower()}"])

    def token(*words: object, code: int = 0) -> Ran:
        return mlops("token", *words, project=folder, code=code)

    with serving(project) as server:
        address = server.process.address
        made = token("create", "--role", "predict", "--name", "dashboard").data
        assert made.keys() == {"name", "role", "token"}
        predict, operate = made["token"], token("create", "--role", "operate").data["token"]
        local = ensure_token(project)

        until(lambda: everywhere(address, "/v1/outcomes", {"outcomes": []}, operate) == {200})
        assert everywhere(address, "/v1/outcomes", {"outcomes": []}, predict) == {403}
        assert everywhere(address, "/v1/outcomes", {"outcomes": []}, local) == {200}
        assert everywhere(address, "/v1/tables/traffic/rows", {"rows": []}, predict) == {403}
        for known in (predict, operate, local):
            assert everywhere(address, "/v1/predict", REQUEST, known) == {200}
        assert everywhere(address, "/v1/predict", REQUEST, None) == ({401} if guarded else {200})
        assert everywhere(address, "/v1/predict", [REQUEST] * 500, None) == ({401} if guarded else {200})  # not hot

        assert token("revoke", "dashboard").data == {"revoked": "dashboard", "role": "predict"}
        token("revoke", "operate-1")

        until(lambda: everywhere(address, "/v1/outcomes", {"outcomes": []}, operate) == {401})
        assert everywhere(address, "/v1/predict", REQUEST, predict) == ({401} if guarded else {200})
        listed = token("list")
        assert [(one["name"], one["role"]) for one in listed.data["tokens"]] == [("local", "operate")]

        said = [listed.out, listed.err, server.talk().text("/metrics"), json.dumps(server.talk().status)]
        said += [json.dumps(ask(address, "/v1/outcomes", {}, one)) for one in (predict, operate, local + "x")]
        said += [path.read_text() for path in (project.home / "server.log", project.home / "server.json")]
        said += [path.read_text(errors="replace") for path in (project.home / "workers").iterdir()]
        said += [mlops("config", "show", project=folder).out, token("revoke", "nobody", code=2).out]
        for secret in (predict, operate, local):
            assert not any(secret in one for one in said)
    for path in project.home.rglob("*"):
        if path.is_file() and path != project.token_path:
            assert not any(secret.encode() in path.read_bytes() for secret in (predict, operate, local)), path


def test_a_name_is_not_given_twice(project: Project) -> None:
    mlops("token", "create", "--role", "predict", "--name", "one", project=project.root)
    refused = mlops("token", "create", "--role", "operate", "--name", "one", project=project.root, code=2)
    assert refused.error["code"] == "token_exists"


def test_once_revoked_no_worker_takes_a_token_again_and_a_new_one_works_at_once(
    copy_project: Callable[..., Project],
) -> None:
    """Right after the stated time, on connections that are open to both workers; and not where the rest of a request
    arrives only then."""
    project = load_project(copy_project().root, flags=["serving.workers=2", "serving.predict_token=true"])
    body = json.dumps(REQUEST).encode()
    with serving(project) as server:
        connections = [Raw(server.process.address) for _ in range(8)]
        for _ in range(5):
            _, clear = create_token(project, "operate", name="short")
            token = f"Authorization: Bearer {clear}"
            facts = http("POST", "/v1/outcomes", b'{"outcomes": []}', token)
            for connection in connections:
                assert connection.ask(http("POST", "/v1/predict", body, token)).status == 200
                assert connection.ask(facts).status == 200
            slow = Raw(server.process.address)
            slow.send(facts[:-3])
            time.sleep(0.1)

            revoke_token(project, "short")
            time.sleep(MAX_AGE_SECONDS)

            for connection in connections:
                assert connection.ask(http("POST", "/v1/predict", body, token)).status == 401
                assert connection.ask(facts).status == 401
            assert slow.ask(facts[-3:]).status == 401
            slow.socket.close()
        for connection in connections:
            connection.socket.close()


def test_a_server_says_which_file_it_does_not_trust(copy_project: Callable[..., Project]) -> None:
    project = copy_project()
    mlops("token", "create", "--role", "predict", project=project.root)
    (project.home / "tokens.json").chmod(0o666)
    assert mlops("token", "list", project=project.root, code=3).error["code"] == "insecure_tokens"
    with pytest.raises(EnvironmentFault) as fault, serving(project):
        pass
    assert fault.value.code == "insecure_tokens"
