"""Signatures in OpenSSF's format, checked by the command line of that project, and the other way round."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.registry.package import open_package
from mlops_lab.registry.signing.keyring import private_path
from mlops_lab.registry.signing.private_keys import to_pem
from mlops_lab.registry.signing.sign import create_key, sign_package

pytestmark = pytest.mark.tools

TOOL = Path(__file__).parents[2] / ".peers" / "model_signing" / "bin" / "model_signing"


def model_signing(*arguments: object, code: int = 0) -> str:
    if not TOOL.exists():
        assert not os.environ.get("CI"), "CI lacks .peers/model_signing"
        pytest.skip("needs OpenSSF Model Signing in an environment of its own: make peers")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(TOOL), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == code, ran.stderr
    return ran.stdout + ran.stderr


def test_both_accept_and_refuse_the_same(tiny: Any, tmp_path: Path) -> None:
    home, package, pem = tmp_path / ".mlops", tmp_path / "package", tmp_path / "key.pem"
    shutil.copytree(tiny.package, package)
    (package / "code" / "more").mkdir(parents=True)
    (package / "code" / "more" / "a.py").write_text("a")
    (package / "code" / "more.py").write_text("b")
    key = create_key(home, None, "p256", before_first=lambda key: sign_package(package, key, home=home))
    pem.write_text(to_pem(key))
    signature = package / "model.sig"
    check = ("verify", "key", package, "--signature", signature, "--public_key", pem)
    assert "succeeded" in model_signing(*check)
    (package / "registered_model_meta").write_text("what MLflow leaves in a package that it loads")
    assert "succeeded" in model_signing(*check)
    (package / "more").write_text("")
    assert "Extra files" in model_signing(*check, code=1)
    (package / "more").unlink()
    content = (package / "model.txt").read_bytes()
    (package / "model.txt").write_bytes(content + b" ")
    assert "Hash mismatch for 'model.txt'" in model_signing(*check, code=1)
    (package / "model.txt").write_bytes(content)

    signature.unlink()
    (package / "registered_model_meta").unlink()
    model_signing("sign", "key", package, "--signature", signature, "--private_key", private_path(home, key))
    opened = open_package(package, home=home)
    assert (opened.plan, opened.files.key) == (tiny.plan, key)
