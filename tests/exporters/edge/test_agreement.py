"""Rows at split thresholds, and how an agreement is described."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault
from mlops_lab.exporters.edge.agreement import EdgeAgreement, describe_agreement, run_script, threshold_rows
from mlops_lab.training.agreement import AgreementPart

INPUTS = pl.DataFrame({"size": [1, 2, 3], "is_new": [True, False, None], "place": ["a", None, "b"]})
NUMBERS = st.floats(-1e30, 1e30)


@given(st.dictionaries(st.integers(0, 1), st.lists(NUMBERS, max_size=4), min_size=1))
def test_rows_are_at_each_threshold_and_one_step_to_either_side(thresholds: dict[int, list[float]]) -> None:
    rows = threshold_rows(INPUTS, thresholds)
    assert rows.columns == INPUTS.columns
    for index, numbers in thresholds.items():
        values = set(rows.to_series(index))
        for number in numbers:
            short = np.float32(number)
            assert {number, float(short)} <= values
            assert {float(np.nextafter(number, side)) for side in (-np.inf, np.inf)} <= values
            assert {float(np.nextafter(short, np.float32(side))) for side in (-np.inf, np.inf)} <= values
    assert set(rows["place"]) <= set(INPUTS["place"]), "other columns come from the data"


def test_many_thresholds_are_sampled() -> None:
    rows = threshold_rows(INPUTS, {0: [float(number) for number in range(10_000)]})
    assert 2_000 <= rows.height <= 7 * 2_000
    assert rows["size"].max() > 9_000


def test_thresholds_without_a_number_give_no_rows() -> None:
    assert threshold_rows(INPUTS, {0: []}).is_empty()


def part(differing: int, largest: float | None) -> AgreementPart:
    return AgreementPart(rows=1200, differing=differing, largest=largest)


def test_the_description_has_a_line_for_each_part() -> None:
    agreement = EdgeAgreement(runtime="r", rows=part(0, 1e-9), at_split_thresholds=part(3, None))
    assert describe_agreement(agreement) == [
        "1,200 rows get the server's answers, to within 1e-09",
        "1,200 rows at split thresholds: 3 differ, by up to no number",
    ]
    assert len(describe_agreement(EdgeAgreement(runtime="r", rows=part(0, 0.0), at_split_thresholds=None))) == 1


def test_the_reason_of_a_script_that_fails_is_reported(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("raise SystemExit('no runtime here')")
    with pytest.raises(EnvironmentFault, match="no runtime here") as caught:
        run_script(tmp_path, INPUTS)
    assert (caught.value.code, caught.value.where) == ("edge_failed", "predict.py")


def test_rows_reach_the_script_one_by_one(tmp_path: Path) -> None:
    script = "import json, sys; print(json.dumps([json.loads(line)['size'] or 0 for line in open(sys.argv[1])]))"
    (tmp_path / "predict.py").write_text(script)
    assert run_script(tmp_path, INPUTS).tolist() == [1.0, 2.0, 3.0]
