"""A view is data: equal views have one version, and an error says what is wrong with a view."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.features import View, count, last, mean, total
from mlops_lab.features.view import columns_by_table

names = st.text(alphabet="abc_", min_size=1, max_size=4)
aggregates = st.builds(lambda how, column: how(column), st.sampled_from([mean, total, count]), names)
windowed = st.builds(
    lambda name, values, hours: View(name, "orders", by="shop", values=values, over=f"{hours}h"),
    names,
    st.dictionaries(names, aggregates, min_size=1, max_size=3),
    st.integers(1, 99),
)


@given(windowed, windowed)
def test_two_views_share_a_version_only_if_they_are_the_same(one, other):
    assert View.from_dict(json.loads(json.dumps(one.as_dict()))) == one
    assert (one.version == other.version) == (one.as_dict() == other.as_dict())


@pytest.mark.parametrize(
    ("values", "over"),
    [({"x": mean("a")}, None), ({"x": last("a")}, "3h"), ({"x": last("a"), "y": count("a")}, None)],
)
def test_a_value_that_does_not_fit_its_window_is_named(values, over):
    with pytest.raises(InvalidInput) as caught:
        View("v", "orders", by="shop", values=values, over=over)
    assert caught.value.code == "bad_view"
    assert 'view "v", value "' in str(caught.value)


@pytest.mark.parametrize("over", ["3", "h", "0h", "3w", "-3h", "3 h", ""])
def test_a_window_is_a_duration(over):
    with pytest.raises(InvalidInput):
        View("v", "orders", by="shop", values={"x": mean("a")}, over=over)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"by": []}, "no key"),
        ({"values": {}}, "no values"),
        ({"over": "3h", "ttl": "1h", "values": {"x": mean("a")}}, "both ttl= and over="),
        ({"missing": "zero"}, 'missing="zero"'),
        ({"missing": {"y": 1}}, 'missing= names "y"'),
    ],
)
def test_a_view_that_contradicts_itself_is_refused(options, what):
    with pytest.raises(InvalidInput, match=what) as caught:
        View("v", "orders", **{"by": "shop", "values": {"x": last("a")}, **options})
    assert caught.value.hint


def test_a_key_has_three_forms():
    keys = [View("v", "t", by=by, values={"x": last("a")}).keys for by in ("s", ["s", "t"], {"f": "c"})]
    assert keys == [{"s": "s"}, {"s": "s", "t": "t"}, {"f": "c"}]


def test_the_columns_of_views_by_table():
    views = [
        View("v", "t", by={"f": "c"}, values={"x": last("a"), "y": last("c")}),
        View("w", "t", by="s", values={"z": last("a")}),
        View("u", "other", by="s", values={"q": last("b")}),
    ]
    assert views[0].columns == ("c", "a")
    assert columns_by_table(views) == {"t": {"c", "a", "s"}, "other": {"s", "b"}}
