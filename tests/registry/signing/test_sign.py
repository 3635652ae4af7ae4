"""Keys are made, trusted and revoked; the newest own one signs."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound
from mlops_lab.registry.signing.keyring import keys_path, private_path, read_keys
from mlops_lab.registry.signing.package_files import open_files
from mlops_lab.registry.signing.private_keys import to_pem
from mlops_lab.registry.signing.sign import (
    create_key,
    ensure_key,
    find_signing_key,
    key_for_version,
    revoke_key,
    sign_package,
    trust_key,
)


def create(home: Path, name: str | None = None) -> Any:
    return create_key(home, name, "p256", before_first=lambda _: None)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_version_makes_a_key_and_later_ones_sign_with_it(tmp_path: Path) -> None:
    key = key_for_version(tmp_path, is_first=True)
    assert key is not None
    assert key_for_version(tmp_path, is_first=False) == key == ensure_key(tmp_path)
    assert key.name == "project"
    assert (mode_of(private_path(tmp_path, key)), mode_of(keys_path(tmp_path))) == (0o600, 0o600)
    assert mode_of(tmp_path / "keys") == 0o700
    assert (tmp_path / "keys" / ".gitignore").read_text() == "*\n"


def test_a_project_of_before_signing_does_not_sign_by_itself(tmp_path: Path) -> None:
    assert key_for_version(tmp_path, is_first=False) is None
    assert read_keys(tmp_path) is None


def test_the_newest_own_key_that_is_not_revoked_signs(tmp_path: Path) -> None:
    first, second = create(tmp_path), create(tmp_path)
    assert second.name == "project-2"
    assert find_signing_key(tmp_path, read_keys(tmp_path) or []) == second
    revoke_key(tmp_path, "project-2")
    assert not private_path(tmp_path, second).exists()
    assert find_signing_key(tmp_path, read_keys(tmp_path) or []) == first
    revoke_key(tmp_path, "project")
    with pytest.raises(EnvironmentFault, match="no key to sign with") as caught:
        key_for_version(tmp_path, is_first=True)
    assert "mlops key create" in str(caught.value.hint)
    assert create(tmp_path).name == "project-3"


def test_the_first_key_is_written_down_only_after_what_must_come_before(tmp_path: Path) -> None:
    def fail(_: Any) -> None:
        assert read_keys(tmp_path) is None
        raise EnvironmentFault("full", code="disk_full")

    with pytest.raises(EnvironmentFault, match="full"):
        create_key(tmp_path, None, "p256", before_first=fail)
    assert read_keys(tmp_path) is None
    assert create(tmp_path).name == "project", "what was left over is replaced"


def test_wrong_names_and_keys_are_refused_and_change_nothing(tmp_path: Path) -> None:
    key = create(tmp_path, "laptop")
    before = keys_path(tmp_path).read_bytes()
    for name in ("laptop", "a b", "../x", "", "x" * 65):
        with pytest.raises(InvalidInput):
            create(tmp_path, name)
    for content in (b"", b"key", private_path(tmp_path, key).read_bytes()):
        with pytest.raises(InvalidInput) as caught:
            trust_key(tmp_path, content, "other", where="file")
        assert caught.value.code == "bad_key"
    with pytest.raises(Conflict, match="laptop"):
        trust_key(tmp_path, to_pem(key).encode(), "other", where="file")
    with pytest.raises(NotFound):
        revoke_key(tmp_path, "nobody")
    assert keys_path(tmp_path).read_bytes() == before


def test_a_key_that_was_revoked_can_be_trusted_again(tmp_path: Path) -> None:
    key = create(tmp_path)
    revoke_key(tmp_path, key.name)
    with pytest.raises(Conflict, match="revoked already"):
        revoke_key(tmp_path, key.name)
    assert trust_key(tmp_path, to_pem(key).encode(), "whatever", where="file") == key


def test_a_project_that_does_not_sign_trusts_nobody_yet(tmp_path: Path) -> None:
    other = create(tmp_path / "other")
    with pytest.raises(Conflict, match="does not sign yet"):
        trust_key(tmp_path / "home", to_pem(other).encode(), "other", where="file")


def test_a_private_key_that_others_may_read_or_that_is_another_does_not_sign(signed: Any) -> None:
    path = private_path(signed.home, signed.key)
    path.chmod(0o640)
    with pytest.raises(EnvironmentFault, match="other users may read") as caught:
        sign_package(signed.package, signed.key, home=signed.home)
    assert caught.value.code == "insecure_keys"
    path.chmod(0o600)
    other = create(signed.home, "other")
    path.write_bytes(private_path(signed.home, other).read_bytes())
    with pytest.raises(EnvironmentFault, match="not the private half"):
        sign_package(signed.package, signed.key, home=signed.home)


# ---- a key that is given in MLOPS_SIGNING_KEY ----


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The variable holds the key of another machine."""
    elsewhere = tmp_path / "laptop"
    key = create(elsewhere, "ci")
    monkeypatch.setenv("MLOPS_SIGNING_KEY", private_path(elsewhere, key).read_text())
    return key


def test_a_key_that_is_given_signs_and_is_never_written_down(tmp_path: Path, given: Any) -> None:
    home, package = tmp_path / "job", tmp_path / "package"
    package.mkdir()
    (package / "plan.json").write_text("{}")
    key = key_for_version(home, is_first=True)
    assert key is not None
    assert (key.id, key.name) == (given.id, "project")
    assert key_for_version(home, is_first=False) == key
    assert not (home / "keys").exists()
    sign_package(package, key, home=home)
    assert open_files(package, home=home).key == key


def test_a_given_key_that_is_new_is_trusted_from_the_next_version_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "job", tmp_path / "laptop"
    first = create(home)
    pem = private_path(elsewhere, create(elsewhere)).read_text()
    monkeypatch.setenv("MLOPS_SIGNING_KEY", pem)
    assert find_signing_key(home, read_keys(home) or []) is None
    second = key_for_version(home, is_first=False)
    assert [key.name for key in read_keys(home) or ()] == [first.name, "project-2"]
    assert find_signing_key(home, read_keys(home) or []) == second
    with pytest.raises(Conflict, match="trusted already, as project-2"):
        create(home)


def test_a_given_key_that_was_revoked_signs_no_more(tmp_path: Path, given: Any) -> None:
    home = tmp_path / "job"
    key_for_version(home, is_first=True)
    revoke_key(home, "project")
    with pytest.raises(EnvironmentFault, match="trusts no more"):
        key_for_version(home, is_first=False)
    with pytest.raises(Conflict, match="is revoked, as project"):
        create(home)


@pytest.mark.parametrize("content", ["x", "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"])
def test_what_is_no_key_is_told_with_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("MLOPS_SIGNING_KEY", content)
    with pytest.raises(InvalidInput, match="no private key") as caught:
        ensure_key(tmp_path)
    assert caught.value.where == "MLOPS_SIGNING_KEY"
    assert read_keys(tmp_path) is None


def test_an_empty_variable_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_SIGNING_KEY", " ")
    assert private_path(tmp_path, ensure_key(tmp_path)).is_file()
