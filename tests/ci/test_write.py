from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlops_lab.ci.plan import CIPlan, is_in_repository
from mlops_lab.ci.write import FileState, Provider, compare_files, place_files, write_ci_files
from mlops_lab.errors import InvalidInput

PLANS = [CIPlan(has_data=has, checks_contract=checks) for has in (True, False) for checks in (True, False)]
SCHEMAS = {".github/workflows/mlops.yml": "vendor.github-workflows", ".gitlab-ci.yml": "vendor.gitlab-ci"}


@pytest.mark.parametrize("provider", Provider)
def test_the_schemas_of_the_providers_accept_every_form(provider: Provider, tmp_path: Path) -> None:
    (name,) = (path for path in write_ci_files(provider, PLANS[0]) if path in SCHEMAS)
    files = []
    for number, plan in enumerate(PLANS):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(write_ci_files(provider, plan)[name])
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[name]]
    done = subprocess.run([*command, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    files[0].write_text(files[0].read_text().replace("run:" if name.startswith(".github") else "script:", "rnu:"))
    assert subprocess.run([*command, files[0]], capture_output=True).returncode == 1


@pytest.mark.parametrize("plan", PLANS)
def test_pre_commit_reads_the_hooks(plan: CIPlan, tmp_path: Path) -> None:
    path = tmp_path / ".pre-commit-config.yaml"
    path.write_text(write_ci_files(Provider.GITHUB, plan)[path.name])
    done = subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    hooks = yaml.safe_load(path.read_text())["repos"][0]["hooks"]
    assert ("contract" in {hook["id"] for hook in hooks}) is (plan.has_data and plan.checks_contract)


@pytest.mark.parametrize("plan", PLANS)
def test_without_data_nothing_reads_it(plan: CIPlan) -> None:
    jobs = yaml.safe_load(write_ci_files(Provider.GITHUB, plan)[".github/workflows/mlops.yml"])["jobs"]
    reading = [
        step
        for job in jobs.values()
        for step in job["steps"]
        if step.get("run", "").startswith(("mlops contract check", "mlops validate", "mlops run", "mlops tick"))
    ]
    assert len(reading) == 3 + plan.checks_contract
    assert all(("HAS_DATA" in step.get("if", "")) is not plan.has_data for step in reading)


def test_where_data_lies() -> None:
    inside = ["data/orders.csv", "sqlite:///shop.db", "./orders.csv"]
    outside = ["../orders.csv", "/data/orders.csv", "s3://bucket/orders.csv", "sqlite:////data/shop.db", "data/../../x"]
    assert [place for place in inside + outside if is_in_repository(place)] == inside


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    files = write_ci_files(Provider.GITLAB, PLANS[0])
    assert set(place_files(tmp_path, files, force=False).values()) == {FileState.NEW}
    assert set(place_files(tmp_path, files, force=False).values()) == {FileState.SAME}
    (tmp_path / ".gitlab-ci.yml").write_text("mine: {}\n")
    (tmp_path / ".pre-commit-config.yaml").unlink()
    with pytest.raises(InvalidInput) as caught:
        place_files(tmp_path, files, force=False)
    assert (caught.value.code, caught.value.where) == ("file_exists", ".gitlab-ci.yml")
    assert not (tmp_path / ".pre-commit-config.yaml").exists()
    assert compare_files(tmp_path, files)[".gitlab-ci.yml"] is FileState.CHANGED
    place_files(tmp_path, files, force=True)
    assert set(compare_files(tmp_path, files).values()) == {FileState.SAME}
