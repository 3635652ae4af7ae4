"""The columns of logged features: what a user calls a feature never touches a column of the log."""

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.log_columns import LOG_COLUMNS, feature_column, feature_columns
from mlops_lab.tables.table import FixedColumn

NAMES = st.sampled_from(["id", "output", "amount", "hour", "feature:id", "feature:feature:id", "feature:amount"])


def test_the_columns_of_the_log_are_those_of_its_table():
    fixed = [column.name for column in PREDICTIONS.columns if isinstance(column, FixedColumn)]
    assert set(fixed) == LOG_COLUMNS


def test_a_feature_has_its_own_name_where_it_can():
    columns = feature_columns(["amount", "hour", "version"], {"amount", "hour", "version"}, ["amount"])
    assert columns == {"amount": "feature:amount", "hour": "hour", "version": "feature:version"}


def test_a_request_field_that_is_an_input_is_no_feature():
    assert feature_columns(["amount", "hour"], {"hour"}, ["amount"]) == {"hour": "hour"}


@given(st.sets(NAMES), st.sets(NAMES))
def test_no_two_features_share_a_column_and_none_takes_one_that_is_taken(features, requests):
    columns = [feature_column(name, requests) for name in features]
    assert len(set(columns)) == len(columns)
    assert not {*columns} & (LOG_COLUMNS | {name for name in requests if not name.startswith("feature:")})
