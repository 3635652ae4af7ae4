"""A signed package: nothing but what was signed is read, and it is read once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.signing import package_files
from mlops_lab.registry.signing.bundle import SIGNATURE_FILE, digest_files, signed_bytes, write_bundle, write_statement
from mlops_lab.registry.signing.keyring import keys_path
from mlops_lab.registry.signing.package_files import open_files
from mlops_lab.registry.signing.private_keys import load_private_key, sign
from mlops_lab.registry.signing.sign import create_key, revoke_key, sign_package, trust_key

FILES = ["code/data/a.csv", "code/pipeline.py", "model.txt", "plan.json"]


def refuse(signed: Any) -> EnvironmentFault:
    with pytest.raises(EnvironmentFault) as caught:
        signed.open()
    assert caught.value.hint
    return caught.value


def write_signature(signed: Any, digests: dict[str, str], *, by: Any = None, key_id: str | None = None) -> None:
    """A signature by the trusted key, or another one, over whatever it says."""
    key = by or signed.key
    statement = write_statement("model", digests)
    signature = sign(load_private_key(signed.home, key), signed_bytes(statement))
    bundle = write_bundle(statement, signature, key_id=key_id or key.id)
    (signed.package / SIGNATURE_FILE).write_bytes(bundle)


def test_what_was_signed_is_read(signed_with: Any) -> None:
    files = signed_with.open()
    assert files.names() == FILES
    assert files.read("code/data/a.csv") == b"1,2\n"
    assert files.key == signed_with.key


def test_what_is_used_is_what_was_checked(signed: Any) -> None:
    files = signed.open()
    (signed.package / "model.txt").write_bytes(b"hostile")
    assert files.read("model.txt") == b"tree"
    shutil.rmtree(signed.package)
    assert files.read("model.txt") == b"tree"
    with pytest.raises(EnvironmentFault, match="not there"):
        files.read("profile.json")


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_in_any_file_is_refused(signed_with: Any, name: str) -> None:
    content = bytearray((signed_with.package / name).read_bytes())
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        (signed_with.package / name).write_bytes(changed)
        fault = refuse(signed_with)
        assert (fault.code, fault.where) == ("package_changed", str(signed_with.package / name))
    (signed_with.package / name).write_bytes(content + b"\n")
    assert refuse(signed_with).code == "package_changed"


def test_a_changed_byte_anywhere_in_the_signature_never_changes_what_is_accepted(signed_with: Any) -> None:
    """Almost all are refused; some bytes say nothing: names of fields that nobody reads, the end of base64."""
    path = signed_with.package / SIGNATURE_FILE
    content, accepted = path.read_bytes(), 0
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 4
        path.write_bytes(changed)
        try:
            assert signed_with.open().read("model.txt") == b"tree"
            accepted += 1
        except EnvironmentFault as fault:
            assert fault.code in {"bad_signature", "unknown_key"}
    assert accepted < 10


def link(path: Path) -> None:
    path.symlink_to("plan.json")


ADDITIONS: dict[str, Callable[[Path], object]] = {
    "file": lambda package: (package / "more").write_bytes(b""),
    "hidden file": lambda package: (package / ".more").write_bytes(b"x"),
    "file in a folder": lambda package: (package / "code" / "more.py").write_bytes(b"x"),
    "file in a new folder": lambda package: (package / "new").mkdir() or (package / "new" / "f").write_bytes(b"x"),
    "symbolic link": lambda package: link(package / "more"),
    "link to a folder": lambda package: (package / "more").symlink_to(package / "code"),
    "pipe": lambda package: os.mkfifo(package / "more"),
}


@pytest.mark.parametrize("addition", ADDITIONS)
def test_one_thing_more_is_refused(signed: Any, addition: str) -> None:
    ADDITIONS[addition](signed.package)
    assert refuse(signed).code in {"package_changed", "bad_package"}


def replace_by_link(path: Path) -> None:
    """The same content, elsewhere: who can write there could change it after the check."""
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["model.txt", SIGNATURE_FILE])
@pytest.mark.parametrize("replace", [Path.unlink, replace_by_link, replace_by_pipe])
def test_a_file_that_is_gone_or_no_file_is_refused(signed: Any, name: str, replace: Callable[[Path], None]) -> None:
    replace(signed.package / name)
    assert refuse(signed).code in {"package_missing", "bad_package", "unsigned_package"}


def test_mlflows_own_file_does_not_count_and_is_not_read(signed: Any) -> None:
    (signed.package / "registered_model_meta").write_text("model_name: x")
    assert signed.open().names() == FILES


def test_a_file_that_is_too_large_is_not_read(signed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_files, "MAX_BYTES", 5_000)
    with (signed.package / "model.txt").open("wb") as file:
        file.truncate(6_000)
    fault = refuse(signed)
    assert (fault.code, "6,000" in fault.what) == ("bad_package", True)


def test_without_a_signature_it_is_refused_where_the_project_signs(signed: Any, tmp_path: Path) -> None:
    (signed.package / SIGNATURE_FILE).unlink()
    fault = refuse(signed)
    assert (fault.code, "mlops key sign" in str(fault.hint)) == ("unsigned_package", True)
    with pytest.raises(EnvironmentFault, match="no such folder"):
        open_files(tmp_path / "gone", home=signed.home)
    assert open_files(signed.package, home=tmp_path / "another" / ".mlops").read("model.txt") == b"tree"
    assert open_files(signed.package, home=None).read("model.txt") == b"tree"


def test_a_key_that_is_not_trusted_or_not_any_more_is_refused(signed: Any, tmp_path: Path) -> None:
    other = create_key(tmp_path / "other", None, "p256", before_first=lambda _: None)
    sign_package(signed.package, other, home=tmp_path / "other")
    assert refuse(signed).code == "unknown_key"
    sign_package(signed.package, signed.key, home=signed.home)
    signed.open()
    revoke_key(signed.home, signed.key.name)
    fault = refuse(signed)
    assert (fault.code, signed.key.name in fault.what) == ("revoked_key", True)


def test_another_key_cannot_pass_for_a_trusted_one(signed: Any, tmp_path: Path) -> None:
    other = create_key(tmp_path / "other", "project", "p256", before_first=lambda _: None)
    contents = {name: (signed.package / name).read_bytes() for name in FILES}
    write_signature(
        type(signed)(tmp_path / "other", signed.package, other), digest_files(contents), key_id=signed.key.id
    )
    assert refuse(signed).code == "bad_signature"


def test_several_keys_are_trusted(signed: Any, tmp_path: Path) -> None:
    from mlops_lab.registry.signing.private_keys import to_pem

    other = create_key(tmp_path / "other", "build", "ed25519", before_first=lambda _: None)
    trust_key(signed.home, to_pem(other).encode(), "build", where="build.pem")
    signed.open()
    sign_package(signed.package, other, home=tmp_path / "other")
    assert signed.open().key.name == "build"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "code/../../secret", "code//pipeline.py", ".", ""])
def test_a_signed_name_that_leads_out_of_the_package_is_not_read(signed: Any, name: str) -> None:
    """Even where a trusted key has signed it."""
    (signed.package.parent / "secret").write_bytes(b"secret")
    contents = {file: (signed.package / file).read_bytes() for file in FILES}
    write_signature(signed, digest_files(contents) | {name: digest_files({"x": b"secret"})["x"]})
    assert refuse(signed).code == "package_missing"


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\x80\x04K\x01.", b"[]", b'{"mediaType": "x"}'])
def test_what_is_no_signature_is_refused(signed: Any, content: bytes) -> None:
    (signed.package / SIGNATURE_FILE).write_bytes(content)
    assert refuse(signed).code == "bad_signature"


def test_keys_that_others_may_write_or_that_are_damaged_accept_nothing(signed: Any) -> None:
    keys_path(signed.home).chmod(0o622)
    assert refuse(signed).code == "insecure_keys"
    keys_path(signed.home).chmod(0o600)
    keys_path(signed.home).write_text("{}")
    assert refuse(signed).code == "bad_keys"


def test_a_check_imports_little_and_none_without_keys(signed: Any) -> None:
    code = """
import sys
from pathlib import Path
from mlops_lab.registry.signing.package_files import open_files
open_files(Path(sys.argv[1]), home=None)
assert not any(name.startswith("cryptography") for name in sys.modules)
assert open_files(Path(sys.argv[1]), home=Path(sys.argv[2])).key is not None
print([name for name in ("cryptography.x509", "cryptography.hazmat.primitives.serialization.ssh", "mlflow") if name in sys.modules])
"""
    command = [sys.executable, "-c", code, str(signed.package), str(signed.home)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
