"""What tests of signing share: a project's state folder with a key, and a package that the key has signed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_lab.registry.signing.keyring import Algorithm, TrustedKey
from mlops_lab.registry.signing.package_files import PackageFiles, open_files
from mlops_lab.registry.signing.sign import create_key, sign_package

FILES = {"model.txt": b"tree", "plan.json": b"{}", "code/pipeline.py": b"print()", "code/data/a.csv": b"1,2\n"}


@dataclass
class Signed:
    home: Path
    package: Path
    key: TrustedKey

    def open(self) -> PackageFiles:
        return open_files(self.package, home=self.home)


def make_signed(root: Path, algorithm: Algorithm = "p256") -> Signed:
    home, package = root / ".mlops", root / "package"
    for name, content in FILES.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(content)
    key = create_key(home, None, algorithm, before_first=lambda key: sign_package(package, key, home=home))
    return Signed(home, package, key)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return make_signed(tmp_path)


@pytest.fixture(params=["p256", "ed25519"])
def signed_with(request: pytest.FixtureRequest, tmp_path: Path) -> Signed:
    """The same with a key of each algorithm."""
    return make_signed(tmp_path, request.param)
