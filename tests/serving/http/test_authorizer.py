"""Whose requests a route takes: those with a token of the role that it needs."""

from __future__ import annotations

import time

import pytest

from mlops_lab.errors import EnvironmentFault, Refused, Unauthorized
from mlops_lab.project import Project, load_project
from mlops_lab.serving.http.authorizer import MAX_AGE_SECONDS, Authorizer
from mlops_lab.serving.http.messages import Request, Response
from mlops_lab.serving.http.tokens import create_token, ensure_token, list_tokens, revoke_token, tokens_path
from mlops_lab.serving.protocols.base import HttpRoute


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


async def no_handler(_: Request) -> Response:
    raise NotImplementedError


def test_each_role_may_do_what_it_is_for(project: Project) -> None:
    _, predict = create_token(project, "predict")
    _, operate = create_token(project, "operate")
    authorizer = Authorizer(load_project(project.root, flags=["serving.predict_token=true"]))

    authorizer.check("predict", bearer(predict))
    authorizer.check("predict", bearer(operate))
    authorizer.check("operate", bearer(operate))
    authorizer.check(None, [])
    with pytest.raises(Refused) as refused:
        authorizer.check("operate", bearer(predict))
    assert (refused.value.status, refused.value.code) == (403, "wrong_role")
    for headers in (
        [],
        bearer(""),
        bearer(predict[:-1]),
        bearer(predict + "x"),
        [(b"authorization", predict.encode())],
    ):
        with pytest.raises(Unauthorized) as unauthorized:
            authorizer.check("predict", headers)
        assert predict not in str(unauthorized.value.as_dict())


def test_a_route_that_says_no_role_needs_the_one_that_may_change_things(project: Project) -> None:
    _, predict = create_token(project, "predict")
    authorizer = Authorizer(project)

    route = HttpRoute(method="POST", pattern="/v9/anything", handler=no_handler)

    authorizer.check("predict", [])
    with pytest.raises(Refused):
        authorizer.check(route.role, bearer(predict))


def test_the_word_bearer_is_read_in_any_case(project: Project) -> None:
    _, clear = create_token(project, "operate")
    Authorizer(project).check("operate", [(b"authorization", b"bEARER " + clear.encode())])


def test_an_authorizer_follows_what_is_created_and_revoked(project: Project) -> None:
    authorizer = Authorizer(project)
    for _ in range(20):
        _, clear = create_token(project, "operate", name="loader")
        authorizer.check("operate", bearer(clear))  # at once

        assert revoke_token(project, "loader").name == "loader"
        time.sleep(MAX_AGE_SECONDS)

        with pytest.raises(Unauthorized):
            authorizer.check("operate", bearer(clear))


def test_a_file_of_tokens_that_others_may_write_lets_nobody_in(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    _, clear = create_token(project, "operate")
    authorizer = Authorizer(project)
    tokens_path(project).chmod(0o666)
    time.sleep(MAX_AGE_SECONDS)

    for _ in range(2):
        with pytest.raises(Unauthorized):
            authorizer.check("operate", bearer(clear))
    assert len(caplog.records) == 1
    assert "other users may write this file" in caplog.text

    tokens_path(project).chmod(0o600)
    authorizer.check("operate", bearer(clear))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tokens":[],"format":2}', '{"tokens":[{"name":"a"}]}', "\udcff"])
def test_a_damaged_file_lets_nobody_in_and_is_reported(project: Project, text: str) -> None:
    _, clear = create_token(project, "operate")
    authorizer = Authorizer(project)
    replaced = tokens_path(project).with_name("other")
    replaced.write_text(text, errors="surrogateescape")
    replaced.replace(tokens_path(project))

    authorizer.refresh()

    with pytest.raises(Unauthorized):
        authorizer.check("operate", bearer(clear))
    with pytest.raises(EnvironmentFault) as fault:
        list_tokens(project)
    assert all(fault.value.as_dict().values())
    assert clear not in str(fault.value.as_dict())


def test_a_local_token_from_before_there_were_hashes_is_accepted(project: Project) -> None:
    project.home.mkdir()
    project.token_path.write_text("an-old-one\n")

    assert ensure_token(project) == "an-old-one"

    Authorizer(project).check("operate", bearer("an-old-one"))


def test_revoking_the_local_token_renews_it(project: Project) -> None:
    before = ensure_token(project)
    revoke_token(project, "local")
    authorizer = Authorizer(project)
    with pytest.raises(Unauthorized):
        authorizer.check("operate", bearer(before))

    after = ensure_token(project)

    authorizer.check("operate", bearer(after))
    assert after != before
