"""Finding runs by their names, and what differs between them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import EPOCH
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lineage.compare import RunIndex, compare_runs, find_best, values_by_name
from mlops_lab.registry.store.records import RegisteredVersion, TrackedRun
from mlops_lab.tuning.trial_result import KIND, STUDY, TRIAL


def make_run(run_id: str, **tags: str) -> TrackedRun:
    return TrackedRun(
        run_id=run_id, name=f"run {run_id}", parameters={}, metrics={}, tags=tags, is_finished=True, began=EPOCH
    )


INDEX = RunIndex(
    runs=[
        make_run("aaaa1111", **{KIND: STUDY, STUDY: "newer"}),
        make_run("aaaa2222", **{TRIAL: "0", STUDY: "newer"}),
        make_run("bbbb3333", **{TRIAL: "7", STUDY: "older"}),
        make_run("cccc4444"),
        make_run("bbbb5555", **{KIND: STUDY, STUDY: "older"}),
    ],
    versions=[RegisteredVersion(number=12, run_id="cccc4444", package=Path("package"), fingerprint="f")],
)


@pytest.mark.parametrize(
    ("name", "run_id", "version"),
    [("cccc", "cccc4444", 12), ("aaaa2", "aaaa2222", None), ("12", "cccc4444", 12), ("tune:0", "aaaa2222", None)],
)
def test_a_run_is_found_by_its_names(name: str, run_id: str, version: int | None) -> None:
    run, made = INDEX.find(name)
    assert (run.run_id, made.number if made else None) == (run_id, version)


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("ccc", "unknown_run", "4 or more letters"),
        ("dddd", "unknown_run", "4 or more letters"),
        ("13", "unknown_version", "there are 12"),
        ("tune:7", "unknown_trial", "the newest study has 0 to 0"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_exist(name: str, code: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        INDEX.find(name)
    assert caught.value.code == code
    assert hint in str(caught.value.hint)


def test_the_beginning_of_several_ids_is_not_enough() -> None:
    with pytest.raises(InvalidInput) as caught:
        INDEX.find("aaaa")
    assert caught.value.code == "ambiguous_run"
    assert caught.value.hint == "give more letters: aaaa1111, aaaa2222"


def test_nothing_exists_yet() -> None:
    for name, hint in (("1", "`mlops run`"), ("tune:1", "`mlops tune`")):
        with pytest.raises(NotFound) as caught:
            RunIndex([], []).find(name)
        assert hint in str(caught.value.hint)


def test_one_run_is_not_compared_and_neither_is_an_untrained_project(tmp_path: Path, write_project) -> None:
    project = write_project(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        compare_runs(project, ["1"])
    assert caught.value.code == "nothing_to_compare"
    with pytest.raises(NotFound) as missing:
        compare_runs(project, ["1", "2"])
    assert missing.value.code == "no_runs"


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers()), min_size=1, max_size=4))
def test_values_by_name_hold_every_value_of_every_table(tables: list[dict[str, int]]) -> None:
    values = values_by_name(tables)
    for index, table in enumerate(tables):
        assert {name: row[index] for name, row in values.items() if row[index] is not None} == table
    assert all(len(row) == len(tables) for row in values.values())


def test_the_best_run_has_the_lowest_loss_where_all_have_one() -> None:
    metrics: dict[str, list[float | None]] = {
        "backtest.log_loss": [0.5, 0.4, 0.6],
        "log_loss": [0.5, None, 0.6],
        "auc": [0.5, 0.4, 0.6],
        "fold_3": [1.0, 1.0, 2.0],
    }
    assert find_best(metrics) == {"backtest.log_loss": 1, "fold_3": 0}
