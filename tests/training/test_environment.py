"""What a model was trained with: packages, and the commit of the code."""

import importlib.metadata
import subprocess

from mlops_lab.training.environment import code_commit, environment_fingerprint, installed_packages


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
