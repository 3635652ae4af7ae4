"""Who acts: a user of the machine, or the person whose token is given."""

import pytest

from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.loop.people import VARIABLE, acting_person
from mlops_lab.rollout.decision_log import system_user
from mlops_lab.serving.http.tokens import create_token, ensure_token, revoke_token


@pytest.fixture
def project(write_project, tmp_path):
    return write_project(tmp_path)


def test_without_a_token_it_is_the_user_of_the_machine(project, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert acting_person(project) == system_user()


def test_a_token_says_who_it_is(project, monkeypatch):
    _, clear = create_token(project, "operate", name="ada")
    monkeypatch.setenv(VARIABLE, clear)
    assert acting_person(project) == "token:ada"
    revoke_token(project, "ada")
    with pytest.raises(InvalidInput) as unknown:
        acting_person(project)
    assert (unknown.value.code, unknown.value.where) == ("unknown_token", VARIABLE)


def test_other_tokens_are_refused(project, monkeypatch):
    monkeypatch.setenv(VARIABLE, create_token(project, "predict", name="dashboard")[1])
    with pytest.raises(Refused, match='"dashboard" may only predict'):
        acting_person(project)
    monkeypatch.setenv(VARIABLE, ensure_token(project))
    with pytest.raises(Refused, match='"local" names no person'):
        acting_person(project)
