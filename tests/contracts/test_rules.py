"""The rules of fields: checked for columns and for single rows."""

import math
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import parse_fields
from mlops_lab.contracts.rules import find_breaches, first_broken, first_broken_indices, rules_of
from mlops_lab.contracts.tables import conform
from mlops_lab.errors import InvalidInput
from mlops_lab.project import FieldSection

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
SOME = parse_fields(
    {
        "id": "string",
        "n": FieldSection(type="integer?", min=0, max=9),
        "x": FieldSection(type="float?", min=-1.5),
        "kind": FieldSection(type="string?", categories=["a", "b"]),
        "at": "datetime",
    },
    where="t",
)


def test_a_breach_says_rule_rows_and_examples():
    frame = pl.DataFrame({"id": [f"i{n}" for n in range(9)], "n": [50] * 9, "x": 0.0, "kind": "a", "at": AT})
    (breach,) = find_breaches("t", frame, SOME)
    assert (breach.rule, breach.column, breach.rows, len(breach.examples)) == ("max", "n", 9, 5)
    assert 'table "t", column "n": 9 rows break the rule "at most 9", such as id=' in str(breach)
    with pytest.raises(InvalidInput) as caught:
        conform(frame, SOME, table="t")
    assert caught.value.code == "contract_breach"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"id": None}, "null"),
        ({"n": -1}, "min"),
        ({"n": 10}, "max"),
        ({"x": math.nan}, "finite"),
        ({"kind": "c"}, "categories"),
        ({"n": None, "x": None, "kind": None}, None),
    ],
)
def test_the_rules_of_one_row(row, rule):
    good = {"id": "p", "n": 3, "x": 0.5, "kind": "a", "at": AT}
    broken = first_broken(rules_of(SOME), {**good, **row})
    assert (broken and broken.name) == rule


typed_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.sampled_from("pqr"),
            "n": st.none() | st.integers(-2, 11),
            "x": st.none() | st.floats(-3, 3) | st.sampled_from([math.nan, math.inf]),
            "kind": st.none() | st.sampled_from(["a", "b", "c"]),
            "at": st.none() | st.just(AT),
        }
    ),
    max_size=8,
)


@given(typed_rows)
def test_a_column_and_a_single_row_break_the_same_first_rule(rows):
    rules = rules_of(SOME)
    frame = pl.DataFrame(rows, schema={field.name: field.dtype for field in SOME})
    by_row = [first_broken(rules, row) for row in rows]
    assert first_broken_indices(frame, rules).to_list() == [rule and rules.index(rule) for rule in by_row]
    breaches = {(breach.column, breach.rule): breach.rows for breach in find_breaches("t", frame, SOME)}
    for rule in rules:
        count = sum(rule.breaks(row[rule.column]) for row in rows)
        assert breaches.get((rule.column, rule.name), 0) == count


def test_without_rules_no_row_breaks_one():
    frame = pl.DataFrame({"note": ["a", None]})
    assert first_broken_indices(frame, rules_of(parse_fields({"note": "string?"}, where="t"))).to_list() == [None, None]


def test_a_breach_is_plain_json_data():
    frame = pl.DataFrame({"id": ["p"], "n": [50], "x": [0.0], "kind": ["a"], "at": [AT]})
    (breach,) = find_breaches("t", frame, SOME)
    data = breach.as_dict()
    assert (data["rule"], data["rows"], data["text"]) == ("max", 1, "at most 9")
    assert data["examples"] == [{"id": "p", "n": 50, "x": 0.0, "kind": "a", "at": "2013-03-01T05:00:00+00:00"}]
