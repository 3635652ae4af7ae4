"""A definition is data: it is read back unchanged."""

import json

import polars as pl

from mlops_lab.features import Features, View, count, mean


def test_a_definition_reads_back_as_it_was():
    features = Features(
        inputs=["shop", "late", "twice"],
        views=[View("v", "orders", by="shop", over="3h", values={"late": mean("amount"), "n": count("amount")})],
        derived={"twice": pl.col("late") * 2},
    )
    back = Features.from_dict(json.loads(json.dumps(features.as_dict())))
    assert back.as_dict() == features.as_dict()
    assert back.version == features.version
    assert back.views == features.views
