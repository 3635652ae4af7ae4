from datetime import UTC, datetime

import pytest

from mlops_lab.drills.columns import UsedColumn
from mlops_lab.drills.play import Sign

USED = UsedColumn("orders", "amount", 0.1, frozenset({"amount", "amount_per_item"}))


def sign(about: str, text: str = "") -> Sign:
    return Sign(datetime(2024, 1, 1, tzinfo=UTC), "alert", "monitor_note", about, text)


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ("nulls of amount", ""),
        ("jensen_shannon of amount_per_item", ""),
        ("excess_loss of log_loss", "it is 0.3; of the higher loss, explained by amount (80%), shop (5%)"),
        ("$.rows[3].amount", "$.rows[3].amount: is missing"),
        ("", '30% of "amount" is missing'),
    ],
)
def test_a_sign_names_a_column_by_itself_or_by_an_input_that_is_made_from_it(about: str, text: str) -> None:
    assert USED.is_named_by(sign(about, text))


@pytest.mark.parametrize("about", ["nulls of rating", "nulls of amount_paid", "volume of predictions", "joint_drift"])
def test_other_signs_do_not_name_it(about: str) -> None:
    assert not USED.is_named_by(sign(about))
