"""The versions of a project are signed: those of before its first key, again with a new key, and by a person's word."""

from __future__ import annotations

from typing import Any

import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput, Refused
from mlops_lab.registry.signing.keyring import read_keys
from mlops_lab.registry.signing.sign import revoke_key
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.signing import create_signing_key, revoke_signing_key, sign_versions
from mlops_lab.rollout.versions import find_version, load_predictor, open_package_of


def signer(deployable: Any, version: int = 1) -> str:
    package = open_package_of(deployable.project, find_version([deployable.bootstrap], version))
    return package.files.key.name


def create(deployable: Any, name: str | None = None, *more: Any) -> Any:
    decisions = [deployable.bootstrap, *more]
    return create_signing_key(deployable.project, decisions, name=name, algorithm="p256")


def test_the_first_key_signs_the_versions_that_are_as_they_were_registered(deployable: Any) -> None:
    gone = deployable.decide(DecisionKind.SHADOW, 2, package="gone")
    changed = deployable.decide(DecisionKind.SHADOW, 3, fingerprint="00")
    result = create(deployable, None, gone, changed)
    assert (result.signed, list(result.left_out)) == ([1], [2, 3])
    assert signer(deployable) == "project"
    assert load_predictor(deployable.project, [deployable.bootstrap], 1).version == 1


def test_a_key_is_replaced_without_a_moment_in_which_a_version_is_refused(deployable: Any) -> None:
    create(deployable)
    with pytest.raises(Refused, match="version 1 is live") as caught:
        revoke_signing_key(deployable.project, [deployable.bootstrap], "project", force=False)
    assert caught.value.code == "key_in_use"
    assert create(deployable, "new").signed == [1]
    assert revoke_signing_key(deployable.project, [deployable.bootstrap], "project", force=False)[1] == []
    assert signer(deployable) == "new"


def test_what_a_stolen_key_has_signed_is_signed_again_only_by_a_persons_word(deployable: Any) -> None:
    create(deployable)
    assert revoke_signing_key(deployable.project, [deployable.bootstrap], "project", force=True)[1] == [1]
    with pytest.raises(EnvironmentFault) as caught:
        load_predictor(deployable.project, [deployable.bootstrap], 1)
    assert caught.value.code == "revoked_key"
    result = create(deployable)
    assert (result.signed, list(result.left_out)) == ([], [1])
    assert sign_versions(deployable.project, [deployable.bootstrap], [1, 1]).signed == [1]
    assert signer(deployable) == "project-2"


def test_a_version_that_was_changed_is_not_signed_again(deployable: Any) -> None:
    with pytest.raises(InvalidInput, match="does not sign yet"):
        sign_versions(deployable.project, [deployable.bootstrap], [1])
    create(deployable)
    plan = deployable.project.root / "package" / "plan.json"
    plan.write_bytes(plan.read_bytes() + b" ")
    with pytest.raises(EnvironmentFault, match="not what was registered"):
        sign_versions(deployable.project, [deployable.bootstrap], [1])
    assert (create(deployable).signed, signer_or_code(deployable)) == ([], "package_changed")
    revoke_key(deployable.project.home, "project-2")
    assert [key.name for key in read_keys(deployable.project.home) or []] == ["project", "project-2"]


def signer_or_code(deployable: Any) -> str:
    try:
        return signer(deployable)
    except EnvironmentFault as fault:
        return fault.code
