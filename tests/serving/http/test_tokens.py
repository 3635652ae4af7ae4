"""Tokens: kept as hashes, made and revoked by name, and what each role may do."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound, Refused, Unauthorized
from mlops_lab.project import Project, load_project
from mlops_lab.serving.http.tokens import (
    Guard,
    create_token,
    ensure_token,
    is_loopback,
    list_tokens,
    needs_token_to_predict,
    revoke_token,
    tokens_path,
)

TOML = """
[project]
name = "guarded"
[source]
table = "orders"
data = "orders.csv"
id = "id"
time = "asked_at"
known_at = "known_at"
label = "late"
[source.request]
asked_at = "datetime"
[source.outcome]
late = "boolean"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "mlops.toml").write_text(TOML)
    return load_project(tmp_path)


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


def test_only_hashes_are_kept_and_only_for_the_owner(project: Project) -> None:
    kept, clear = create_token(project, "predict", name="dashboard")

    path = tokens_path(project)
    assert path.stat().st_mode & 0o077 == 0
    assert clear not in path.read_text()
    assert re.fullmatch("[0-9a-f]{64}", kept.sha256)
    assert list_tokens(project) == [kept]
    assert json.loads(path.read_text())["format"] == 1


def test_each_role_may_do_what_it_is_for(project: Project) -> None:
    _, predict = create_token(project, "predict")
    _, operate = create_token(project, "operate")
    guard = Guard(load_project(project.root, flags=["serving.predict_token=true"]))

    guard.check("POST", "/v1/predict", bearer(predict))
    guard.check("POST", "/v1/predict", bearer(operate))
    guard.check("POST", "/v1/outcomes", bearer(operate))
    guard.check("GET", "/metrics", [])
    with pytest.raises(Refused) as refused:
        guard.check("POST", "/v1/outcomes", bearer(predict))
    assert (refused.value.status, refused.value.code) == (403, "wrong_role")
    for headers in (
        [],
        bearer(""),
        bearer(predict[:-1]),
        bearer(predict + "x"),
        [(b"authorization", predict.encode())],
    ):
        with pytest.raises(Unauthorized) as unauthorized:
            guard.check("POST", "/v1/predict", headers)
        assert predict not in str(unauthorized.value.as_dict())


def test_a_route_that_nobody_thought_of_needs_the_role_that_may_change_things(project: Project) -> None:
    _, predict = create_token(project, "predict")
    guard = Guard(project)

    guard.check("POST", "/v1/predict", [])
    with pytest.raises(Refused):
        guard.check("POST", "/v9/anything", bearer(predict))


def test_the_word_bearer_is_read_in_any_case(project: Project) -> None:
    _, clear = create_token(project, "operate")
    Guard(project).check("POST", "/v1/outcomes", [(b"authorization", b"bEARER " + clear.encode())])


def test_a_guard_follows_what_is_created_and_revoked(project: Project) -> None:
    guard = Guard(project)
    _, clear = create_token(project, "operate", name="loader")
    guard.follow()
    guard.check("POST", "/v1/outcomes", bearer(clear))

    assert revoke_token(project, "loader").name == "loader"
    guard.follow()

    with pytest.raises(Unauthorized):
        guard.check("POST", "/v1/outcomes", bearer(clear))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tokens":[],"format":2}', '{"tokens":[{"name":"a"}]}', "\udcff"])
def test_a_damaged_file_lets_nobody_in_and_is_told(project: Project, text: str) -> None:
    _, clear = create_token(project, "operate")
    guard = Guard(project)
    replaced = tokens_path(project).with_name("other")
    replaced.write_text(text, errors="surrogateescape")
    replaced.replace(tokens_path(project))

    guard.follow()

    with pytest.raises(Unauthorized):
        guard.check("POST", "/v1/outcomes", bearer(clear))
    with pytest.raises(EnvironmentFault) as fault:
        list_tokens(project)
    assert all(fault.value.as_dict().values())
    assert clear not in str(fault.value.as_dict())


def test_the_local_token_is_made_once_also_where_many_ask(project: Project) -> None:
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(ensure_token(project))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 16
    assert set(told) == {project.token_path.read_text()}
    assert project.token_path.stat().st_mode & 0o077 == 0
    assert [(token.name, token.role) for token in list_tokens(project)] == [("local", "operate")]


def test_a_local_token_of_before_there_were_hashes_is_taken_in(project: Project) -> None:
    project.home.mkdir()
    project.token_path.write_text("an-old-one\n")

    assert ensure_token(project) == "an-old-one"

    Guard(project).check("POST", "/v1/outcomes", bearer("an-old-one"))


def test_revoking_the_local_token_renews_it(project: Project) -> None:
    before = ensure_token(project)
    revoke_token(project, "local")
    guard = Guard(project)
    with pytest.raises(Unauthorized):
        guard.check("POST", "/v1/outcomes", bearer(before))

    after = ensure_token(project)

    guard.follow()
    guard.check("POST", "/v1/outcomes", bearer(after))
    assert after != before


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


@pytest.mark.parametrize(("host", "is_local"), [*((one, True) for one in LOCAL), *((one, False) for one in ELSEWHERE)])
def test_predictions_need_a_token_where_others_can_ask_unless_said_otherwise(
    project: Project, host: str, is_local: bool
) -> None:
    assert is_loopback(host) is is_local
    flags = [f"serving.host={host}"]
    assert needs_token_to_predict(load_project(project.root, flags=flags)) is not is_local
    for said in (True, False):
        told = load_project(project.root, flags=[*flags, f"serving.predict_token={str(said).lower()}"])
        assert needs_token_to_predict(told) is said
