"""What several folders of tests share: a small project with a model of its own, trained once a worker."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_forks import read_on_import
from hypothesis import HealthCheck, settings
from s3_server import s3, stored_uri
from slow import Run
from tool_table import pytest_runtest_setup, pytest_terminal_summary

from mlops_lab.clock import EPOCH
from mlops_lab.gates.base import GateInput
from mlops_lab.inference.predictor import Predictor
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.package import PLAN_FILE, Plan, package_fingerprint, write_plan
from mlops_lab.training.agreement import Agreement
from mlops_lab.training.baseline import fit_baseline
from mlops_lab.training.fit import fit
from mlops_lab.training.packaging import package as make_package
from mlops_lab.training.pipeline import Pipeline, load_pipeline
from mlops_lab.training.training_set import TrainingSet, build_training_set

__all__ = ["pytest_runtest_setup", "pytest_terminal_summary", "s3", "stored_uri"]
# As the command line and the server do it, before a library that uses OpenMP is loaded: threads that wait must not use
# the processor that another worker of the tests needs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# No deadline: on a busy machine a slow example is not a wrong one. The rules that must hold for all inputs ask for more
# examples where they stand.
settings.register_profile("lab", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("lab-ci", parent=settings.get_profile("lab"), derandomize=True, database=None)
settings.load_profile("lab-ci" if settings.get_current_profile_name() == "ci" else "lab")


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples in a run without slow tests."""
    if "not slow" in config.option.markexpr:
        Run.is_quick = True
        settings.register_profile(
            "quick", parent=settings.get_profile(settings.get_current_profile_name()), max_examples=10
        )
        settings.load_profile("quick")


TINY_TOML = """
[project]
name = "tiny"
timezone = "America/New_York"
clock = "data"

[source]
table = "orders"
data = "data/orders.parquet"
id = "order_id"
time = "asked_at"
known_at = "known_at"
label = "late"
key = "customer"

[source.request]
asked_at = "datetime"
customer = "string?"
shop = "string"
amount = "float?"
express = "boolean"

[source.outcome]
late = "boolean"
minutes = "float?"

[tables.stock]
data = "data/stock.parquet"
key = ["shop"]
known_at = "known_at"

[tables.stock.fields]
shop = "string"
known_at = "datetime"
items = "float?"

[backtest]
days = 14
min_days = 7

[gates]
slices = ["shop"]
slice_min_rows = 50
"""

TINY_PIPELINE = '''
"""The features and the model of the tests' own project."""

import polars as pl

from mlops_lab.features import Features, View, count, last, mean, total

features = Features(
    views=[
        View("shop_1d", "orders", by="shop", over="1d",
             values={"shop_minutes": mean("minutes"), "shop_orders": count("late"), "shop_total": total("minutes")}),
        View("customer", "orders", by="customer", values={"last_minutes": last("minutes"), "last_at": last("known_at")}),
        View("stock", "stock", by="shop", values={"items": last("items")}),
    ],
    derived={
        "hour": pl.col("asked_at").dt.convert_time_zone("America/New_York").dt.hour(),
        "since_last": (pl.col("asked_at") - pl.col("last_at")).dt.total_minutes() / 60,
        "per_item": pl.when(pl.col("items") > 0).then(pl.col("amount") / pl.col("items")),
    },
    inputs=["shop", "amount", "express", "hour", "shop_minutes", "shop_orders", "shop_total", "last_minutes",
            "since_last", "items", "per_item"],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, num_leaves=7, min_child_samples=20, n_jobs=1, deterministic=True,
                          force_row_wise=True, random_state=1, verbose=-1)
'''

FIRST_DAY = datetime(2013, 1, 20, 5, tzinfo=UTC)  # so that the days held out span the clock change of 10 March
DAYS = 60
NOW = FIRST_DAY + timedelta(days=DAYS)


def tiny_orders(rows: int = 2000) -> pl.DataFrame:
    """Orders that are late more often from shop "b", at night and when they are large."""
    rng = np.random.default_rng(7)
    minutes = np.sort(rng.integers(0, DAYS * 24 * 60, rows))
    shop = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    amount = rng.gamma(2.0, 20.0, rows).round(2)
    express = rng.random(rows) < 0.3
    score = -1.6 + 1.5 * (shop == "b") + 0.02 * amount - 1.0 * express + 0.8 * ((minutes // 60) % 24 < 8)
    late = rng.random(rows) < 1 / (1 + np.exp(-score))
    delay = np.where(late, rng.integers(16, 90, rows), rng.integers(-10, 16, rows)).astype(float)
    asked_at = [FIRST_DAY + timedelta(minutes=int(minute)) for minute in minutes]
    customer = [None if draw < 0.1 else f"c{int(draw * 100)}" for draw in rng.random(rows)]
    return pl.DataFrame(
        {
            "order_id": [f"o{number:05}" for number in range(rows)],
            "asked_at": asked_at,
            "customer": customer,
            "shop": shop,
            "amount": [None if draw < 0.05 else value for draw, value in zip(rng.random(rows), amount, strict=True)],
            "express": express,
            "known_at": [
                moment + timedelta(minutes=60 + int(wait))
                for moment, wait in zip(asked_at, rng.integers(0, 600, rows), strict=True)
            ],
            "late": late,
            "minutes": [None if draw < 0.05 else value for draw, value in zip(rng.random(rows), delay, strict=True)],
        },
        schema_overrides={"asked_at": pl.Datetime("us", "UTC"), "known_at": pl.Datetime("us", "UTC")},
    )


def tiny_stock() -> pl.DataFrame:
    rng = np.random.default_rng(8)
    hours = [FIRST_DAY + timedelta(hours=6 * step) for step in range(DAYS * 4)]
    return pl.DataFrame(
        {
            "shop": [shop for _ in hours for shop in "abc"],
            "known_at": [hour for hour in hours for _ in "abc"],
            "items": rng.integers(0, 50, len(hours) * 3).astype(float),
        },
        schema_overrides={"known_at": pl.Datetime("us", "UTC")},
    )


@dataclass(frozen=True, repr=False)
class Tiny:
    """A project, what its lake holds, and a model trained on all but the last 14 days, as a package."""

    project: Project
    pipeline: Pipeline
    lake: Lake
    now: datetime
    training: TrainingSet
    plan: Plan
    package: Path
    fingerprint: str
    predictor: Predictor
    agreement: Agreement

    def __repr__(self) -> str:
        return "Tiny()"


@pytest.fixture(autouse=True)
def same_variables() -> Iterator[None]:
    """No test leaves behind a variable for which a command of a later test could not be a fork: see `command_forks`."""
    before = read_on_import(os.environ)
    yield
    assert read_on_import(os.environ) == before


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The small project, trained. Read only: whoever changes a file copies the folder first."""
    root = tmp_path_factory.mktemp("tiny project")
    (root / "data").mkdir()
    (root / "mlops.toml").write_text(TINY_TOML)
    (root / "pipeline.py").write_text(TINY_PIPELINE)
    tiny_orders().write_parquet(root / "data" / "orders.parquet")
    tiny_stock().write_parquet(root / "data" / "stock.parquet")
    project = load_project(root)
    pipeline, lake = load_pipeline(project), Lake(project.lake_path)
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    training = build_training_set(project, pipeline.features, lake=lake, until=NOW)
    fitted = fit(pipeline, training)
    source = project.settings.source
    plan = Plan(
        request=source.request,
        time=source.time,
        tables={
            "orders": {"order_id": "string", **source.request, "known_at": "datetime", **source.outcome},
            "stock": project.settings.tables["stock"].fields,
        },
        features=pipeline.features.as_dict(),
        categories=fitted.categories,
    )
    package = root / "package"
    package.mkdir()
    packaged = make_package(fitted, plan, training.inputs)
    plan = packaged.plan
    (package / model_file(plan.engine)).write_bytes(packaged.model)
    (package / PLAN_FILE).write_bytes(write_plan(plan))
    fingerprint = package_fingerprint(package)
    predictor = Predictor(package, version=1, fingerprint=fingerprint)
    return Tiny(project, pipeline, lake, NOW, training, plan, package, fingerprint, predictor, packaged.agreement)


@pytest.fixture(scope="session")
def make_gate_input(tiny: Tiny) -> Callable[..., GateInput]:
    """Makes the gate input of the small model against a champion that always answers the base rate; each part can be replaced."""
    output = tiny.predictor.score(tiny.training.holdout_inputs)
    base = float(tiny.training.truth.mean())
    parts = {
        "project": tiny.project,
        "candidate": tiny.predictor,
        "training": tiny.training,
        "blocks": tiny.training.holdout["asked_at"].dt.convert_time_zone("America/New_York").dt.date(),
        "candidate_output": output,
        "agreement": tiny.agreement,
        "baseline": fit_baseline(tiny.training),
        "champion_version": 1,
        "champion_output": pl.Series("output", [base] * len(output)),
    }
    return lambda **changes: GateInput(**(parts | changes))


@pytest.fixture(scope="session")
def write_project() -> Callable[..., Project]:
    """Writes `mlops.toml` of the small project into a folder, some of its text replaced, and loads it."""

    def write(folder: Path, *replacements: tuple[str, str]) -> Project:
        text = TINY_TOML
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / "mlops.toml").write_text(text, encoding="utf-8")
        return load_project(folder)

    return write
