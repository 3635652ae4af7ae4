"""What stories call their data."""

from __future__ import annotations

import pytest
from lab_tables import make_examples

from mlops_lab.learn.labs.data.words import fill_words, words_of


def test_each_source_has_all_words_and_an_unknown_word_is_an_error() -> None:
    shop, own = (data.layout for data in make_examples())
    assert {*words_of(shop)} == {*words_of(own)}
    assert fill_words("{A_person} of {asker} waits for {a_row}: {what}", shop, what="a lot") == (
        "A customer of the web shop waits for an order: a lot"
    )
    assert fill_words("{Asker}: {rows} with {label}; {{about}}", own).startswith(
        "The app: cases with outcome_is_default; {"
    )
    assert all("{" not in text for layout in (shop, own) for text in words_of(layout).values())
    with pytest.raises(KeyError):
        fill_words("{nothing}", shop)
