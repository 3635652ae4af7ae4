"""Policies as they are written on the command line."""

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.replay.policy import PolicyKind, parse_policy


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("own", PolicyKind.LOOP, 0),
        (" frozen ", PolicyKind.FROZEN, 0),
        ("every 28 days", PolicyKind.BLIND, 28),
        ("every 1 day", PolicyKind.BLIND, 1),
        ("version 3", PolicyKind.VERSION, 3),
    ],
)
def test_words_name_policies(tiny, text, kind, number):
    policy = parse_policy(tiny.project, text)
    assert (policy.kind, policy.number, policy.name) == (kind, number, text.strip())
    assert policy.project == tiny.project


def test_settings_are_those_of_the_project_but_for_the_ones_given(tiny):
    policy = parse_policy(
        tiny.project, 'rollout.prove=better, training.window=last 30d,gates.slices=["shop","customer"]'
    )
    settings = policy.project.settings
    assert policy.kind is PolicyKind.LOOP
    assert (settings.rollout.prove, settings.training.window) == ("better", "last 30d")
    assert settings.gates.slices == ["shop", "customer"]
    assert settings.triggers == tiny.project.settings.triggers


@pytest.mark.parametrize("text", ["", "owned", "every 0 days", "every days", "version", "version 0", "version -1"])
def test_anything_else_is_refused_with_the_choices(tiny, text):
    with pytest.raises(InvalidInput, match="is not a policy") as refused:
        parse_policy(tiny.project, text)
    assert refused.value.where == "--policy"
    assert "every 28 days" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "text", ["source.label=minutes", "rollout.prove=better,project.timezone=UTC", "serving.port=1"]
)
def test_a_policy_may_not_make_another_project(tiny, text):
    with pytest.raises(InvalidInput, match="cannot differ between policies"):
        parse_policy(tiny.project, text)


@pytest.mark.parametrize("text", ["rollout.prove=maybe", "rollout.nothing=1", "triggers.budget=0"])
def test_a_wrong_setting_is_named(tiny, text):
    with pytest.raises(InvalidInput) as refused:
        parse_policy(tiny.project, text)
    assert refused.value.code == "bad_config"
    assert "--set" in refused.value.where or text.split("=")[0] in refused.value.where
