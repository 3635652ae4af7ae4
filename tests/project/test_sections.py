"""What sections say of themselves, from more than one of their keys."""

from __future__ import annotations

import msgspec
import pytest

from mlops_lab.project.sections import RolloutSection, Settings

SETTINGS = {
    "project": {"name": "shop"},
    "source": {
        "table": "orders",
        "data": "orders.csv",
        "label": "late",
        "request": {"shop": "string"},
        "outcome": {"late": "boolean"},
    },
    "tables": {
        "stock": {"data": "", "key": ["shop"], "fields": {"shop": "string"}},
        "days": {"data": "s3://bucket/days.parquet", "key": ["shop"], "fields": {"shop": "string"}},
    },
}


def test_named_data_is_that_of_the_source_and_then_of_each_table():
    assert msgspec.convert(SETTINGS, Settings).named_data == ["orders.csv", "", "s3://bucket/days.parquet"]


def test_the_shares_of_a_canary_are_its_steps_where_it_has_steps():
    assert RolloutSection(canary_share=0.2).shares == (0.2,)
    assert RolloutSection(canary_share=0.2, canary_steps=[0.05, 0.5]).shares == (0.05, 0.5)


@pytest.mark.parametrize(
    ("prove", "in_the_rollout", "allowed_loss"),
    [("backtest", False, 0.0), ("better", True, 0.0), ("not_worse", True, 0.002)],
)
def test_only_who_proves_to_be_not_worse_may_lose_the_margin(prove: str, in_the_rollout: bool, allowed_loss: float):
    rollout = msgspec.convert({"prove": prove, "margin": 0.002}, RolloutSection)
    assert rollout.proves_itself is in_the_rollout
    assert rollout.allowed_loss == allowed_loss
