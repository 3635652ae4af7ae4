"""Which data a lab is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_tables import NEEDS, write_loans

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.learn.labs.data.open import DATA_FOLDER, DataChoice, open_data, prepare_data


def test_a_check_finds_the_data_that_the_lab_was_made_of(tmp_path: Path) -> None:
    write_loans(tmp_path / "loans.csv", rows=200)
    for choice in (DataChoice("shop"), DataChoice(str(tmp_path / "loans.csv"), "outcome", key="client")):
        folder = tmp_path / str(choice.target)
        folder.mkdir()
        kind, data = prepare_data(folder, choice, NEEDS, seed=9)
        assert kind == data.layout.source
        assert (folder / DATA_FOLDER).exists() == (kind == "table")
        opened = open_data(folder, kind, NEEDS, seed=9)
        assert opened.layout == data.layout
        assert opened.hidden(8, 2) == data.hidden(8, 2)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (DataChoice("shop", target="late"), "is for a table of your own, and --data is shop"),
        (DataChoice("flights", key="tailnum"), "is for a table of your own, and --data is flights"),
        (DataChoice("orders.csv"), "--target: is not given"),
        (DataChoice("orders.csv", "late"), "does not exist"),
    ],
)
def test_a_wrong_choice_is_one_error(choice: DataChoice, said: str, tmp_path: Path) -> None:
    with pytest.raises(MlopsError, match=said) as caught:
        prepare_data(tmp_path, choice, NEEDS, seed=9)
    assert isinstance(caught.value, InvalidInput)
    assert caught.value.hint
    assert not [*tmp_path.iterdir()]
