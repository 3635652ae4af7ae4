"""Which settings make a candidate another one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from mlops_lab.project import load_project
from mlops_lab.training.pipeline import load_pipeline, run_project_code

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
TEXT = (FLIGHTS / "mlops.toml").read_text()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("mlops.toml", "pipeline.py"):
        shutil.copy(FLIGHTS / name, tmp_path)
    return tmp_path


def fingerprint(root: Path, *flags: str, **environment: str) -> str:
    return load_pipeline(load_project(root, flags=flags, environment=environment)).fingerprint


@pytest.mark.parametrize(
    "key",
    [
        *("serving.port=9000", "triggers.every_days=3", "rollout.shadow_days=1", "ab.unit=USD", "source.data=x"),
        *("lake.uri=s3://bucket/lake", "tracking.uri=http://localhost:5000"),
    ],
)
def test_what_makes_no_model_makes_no_other_candidate(root: Path, key: str) -> None:
    assert fingerprint(root, key) == fingerprint(root)


@pytest.mark.parametrize(
    ("key", "text", "old", "new"),
    [
        ("gates.slices", '["dest"]', 'slices = ["origin", "carrier"]', 'slices = ["dest"]'),
        ("source.request.distance.max", "9000", "min = 0 }", "min = 0, max = 9000 }"),
        ("project.timezone", "UTC", 'timezone = "America/New_York"', 'timezone = "UTC"'),
        ("backtest.days", "7", "[gates]", "[backtest]\ndays = 7  # a week\n[gates]"),
    ],
)
def test_a_setting_that_matters_counts_alike_from_every_layer(
    root: Path, key: str, text: str, old: str, new: str
) -> None:
    before = fingerprint(root)
    by_flag = fingerprint(root, f"{key}={text}")
    by_variable = fingerprint(root, **{"MLOPS_" + key.replace(".", "__").upper(): text})
    assert TEXT.count(old) == 1
    (root / "mlops.toml").write_text(TEXT.replace(old, new))
    assert by_flag == by_variable == fingerprint(root) != before


def test_comments_order_and_defaults_written_out_change_nothing(root: Path) -> None:
    before = fingerprint(root)
    section = TEXT[TEXT.index("[serving]") :]
    text = TEXT.replace(section, "").replace("[gates]", f"# moved\n{section}\n[backtest]\nalpha = 0.05\n\n[gates]")
    (root / "mlops.toml").write_text(text)
    assert fingerprint(root) == before


def test_another_pipeline_is_another_candidate(root: Path) -> None:
    before = fingerprint(root)
    with (root / "pipeline.py").open("a") as file:
        file.write("# even by a comment: code is not understood, only read\n")
    assert fingerprint(root) != before


@pytest.mark.parametrize(("before", "after"), [(None, "passive"), ("active", "active")])
def test_threads_that_wait_in_a_training_sleep_unless_told_otherwise(root, monkeypatch, before, after):
    monkeypatch.setenv("OMP_WAIT_POLICY", before or "")
    if before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    load_pipeline(load_project(root))
    assert os.environ["OMP_WAIT_POLICY"] == after


def test_what_the_pipeline_imports_counts_and_is_read_again(root: Path) -> None:
    text = (root / "pipeline.py").read_text()
    (root / "trees.py").write_text("NUMBER = 3")
    (root / "pipeline.py").write_text(
        f"import trees\n{text}\n\ndef model():\n    from trees import NUMBER\n    return NUMBER\n"
    )
    before = load_pipeline(load_project(root))
    assert run_project_code(before, before.model) == 3
    assert {*before.code} == {"pipeline.py", "trees.py"}
    (root / "trees.py").write_text("NUMBER = 4  # more")
    after = load_pipeline(load_project(root))
    assert run_project_code(after, after.model) == 4
    assert after.fingerprint != before.fingerprint
    assert str(root) not in sys.path
