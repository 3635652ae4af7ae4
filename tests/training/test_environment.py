"""What a model was trained with: packages, and the commit of the code."""

import importlib.metadata
import platform
import subprocess

from mlops_lab.training.environment import (
    code_commit,
    describe_environment,
    environment_fingerprint,
    hash_record,
    installed_packages,
)


def test_every_package_is_listed_with_its_version_once_and_in_order():
    packages = installed_packages()
    assert f"polars=={importlib.metadata.version('polars')}" in packages
    assert list(packages) == sorted(set(packages), key=lambda package: package.split("=="))


def test_the_fingerprint_is_the_same_as_long_as_nothing_is_installed():
    before = environment_fingerprint()
    environment_fingerprint.cache_clear()
    assert environment_fingerprint() == before


def run_git(folder, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_commit_says_whether_files_differ_from_it(tmp_path):
    assert code_commit(tmp_path) == "unversioned"
    run_git(tmp_path, "init")
    assert code_commit(tmp_path) == "unversioned", "no commit yet"
    (tmp_path / "pipeline.py").write_text("1")
    run_git(tmp_path, "add", ".")
    run_git(tmp_path, "commit", "-m", "first")
    commit = code_commit(tmp_path)
    assert len(commit) == 40
    (tmp_path / "notes").write_text("not part of the code")
    assert code_commit(tmp_path) == commit
    (tmp_path / "pipeline.py").write_text("2")
    assert code_commit(tmp_path) == f"{commit}+changes"


def test_a_folder_that_does_not_exist_is_unversioned(tmp_path):
    assert code_commit(tmp_path / "nowhere") == "unversioned"


def test_the_environment_names_python_and_every_package():
    environment = describe_environment()
    assert environment.python == platform.python_version()
    assert [f"{package.name}=={package.version}" for package in environment.packages] == [*installed_packages()]
    assert environment.threads > 0
    assert len(environment.mlops_lab) == 64


RECORD = """polars/__init__.py,sha256=abc,10
polars-2.0.dist-info/METADATA,sha256=def,20
"""


def test_the_files_of_a_package_count_and_the_place_does_not():
    placed = RECORD + (
        "../../../bin/polars,sha256=xyz,30\npolars/__pycache__/__init__.cpython-311.pyc,,\n"
        "polars-2.0.dist-info/RECORD,,\npolars-2.0.dist-info/INSTALLER,sha256=uv,2\n"
    )
    assert hash_record(placed) == hash_record("\n".join(reversed(RECORD.splitlines()))) == hash_record(RECORD)
    assert hash_record(RECORD.replace("abc", "abd")) != hash_record(RECORD)
    assert hash_record("") == ""
