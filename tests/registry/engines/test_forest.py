"""A forest of bits: to the last bit what LightGBM answers, in every objective, at thresholds, with large trees."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm_models import HOLED, MODELS, NUMBERS, WIDTH, asked, train

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engines import forest
from mlops_lab.registry.engines.forest import BitForest, ForestEngine
from mlops_lab.registry.engines.lightgbm import LightgbmEngine
from mlops_lab.registry.engines.open import open_engine

if not forest.has_kernel():
    pytest.skip("forest.c was not compiled: install gcc and libc6-dev, then mlops-lab anew", allow_module_level=True)


def identical(one: Any, other: Any) -> bool:
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "regression on roots"])
@pytest.mark.parametrize("learned_from", ["holed", "whole"])
def test_every_kind_of_model_answers_like_lightgbm(name: str, learned_from: str) -> None:
    text = train(*MODELS[name], data=HOLED if learned_from == "holed" else NUMBERS)
    rows = asked(text)
    large = np.copysign(np.array([[1e300], [np.inf]]), rows[:2])
    rows = np.concatenate([rows, large, -rows[:500], rows[:500] + 0.5])
    expected = lightgbm.Booster(model_str=text).predict(rows)
    found = BitForest(text)
    assert identical(found.predict(rows), expected)
    assert identical(found.predict(np.asfortranarray(rows)), expected)
    assert identical(found.predict_rows(rows[:300].tolist()), expected[:300])


@pytest.fixture(scope="module")
def odd_ones() -> list[tuple[lightgbm.Booster, BitForest]]:
    texts = [
        train(*MODELS[name]) for name in ("binary", "small sets", "large trees", "multiclass", "missing is nothing")
    ]
    return [(lightgbm.Booster(model_str=text), BitForest(text)) for text in texts]


@given(st.data())
def test_any_numbers_get_the_same_answer(
    odd_ones: list[tuple[lightgbm.Booster, BitForest]], data: st.DataObject
) -> None:
    original, found = data.draw(st.sampled_from(odd_ones))
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, 1e-36, -1e-36, -1.0, -0.5, 0.5, 31.9, 1e300])
    cells = st.one_of(odd, st.integers(-2, 80).map(float), st.floats())
    rows = data.draw(st.lists(st.lists(cells, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=5))
    expected = original.predict(np.array(rows))
    assert identical(found.predict_rows(rows), expected)
    assert identical(found.predict(np.array(rows)), expected)


def let_threads_pay(monkeypatch: pytest.MonkeyPatch, found: BitForest, *, rows: int = 300) -> None:
    monkeypatch.setattr(forest, "WORDS_A_THREAD", rows * found._words_a_row)


@pytest.mark.parametrize("place", [0, 3], ids=["one output", "several"])
@pytest.mark.parametrize("count", [0, 1, 2, 300, 599, 600, 601, 1999, 3000])
def test_threads_answer_like_one(
    odd_ones: list[tuple[lightgbm.Booster, BitForest]], count: int, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, found = odd_ones[place]
    rows = HOLED[:count]
    expected = found.predict(rows, threads=1)
    if count:
        assert identical(expected, original.predict(rows))
    for least in (300, 1):
        let_threads_pay(monkeypatch, found, rows=least)
        for threads in (0, 2, 3, 8):
            assert identical(found.predict(rows, threads=threads), expected)


@pytest.mark.parametrize(
    ("count", "threads", "expected"),
    [(0, 0, 1), (1, 8, 1), (599, 0, 1), (600, 0, 2), (3000, 0, 4), (3000, 1, 1), (3000, 2, 2), (3000, 99, 10)],
)
def test_as_many_threads_as_pay(
    odd_ones: list[tuple[lightgbm.Booster, BitForest]],
    count: int,
    threads: int,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, found = odd_ones[0]
    asked_for: list[int] = []
    let_threads_pay(monkeypatch, found)
    monkeypatch.setattr(forest, "count_cores", lambda: 4)
    monkeypatch.setattr(found, "_answer", lambda *arguments: asked_for.append(arguments[-1]))
    found.predict(NUMBERS[:count], threads=threads)
    assert asked_for == [expected]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the room for threads is not limited so")
def test_a_thread_that_does_not_start_is_done_without(
    odd_ones: list[tuple[lightgbm.Booster, BitForest]],
) -> None:
    import resource

    _, found = odd_ones[3]
    expected = found.predict(NUMBERS, threads=1)
    answers = np.zeros_like(expected)
    arguments = (found._address, NUMBERS.ctypes.data, len(NUMBERS), answers.ctypes.data, 64)
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 2**20, before[1]))  # no room for another stack
    try:
        found._answer(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert identical(answers, expected)


def test_many_may_ask_at_once(
    odd_ones: list[tuple[lightgbm.Booster, BitForest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found = odd_ones[3]
    let_threads_pay(monkeypatch, found)
    expected, answers = found.predict(NUMBERS, threads=1).tobytes(), []

    def ask(count: int) -> None:
        answers.extend(found.predict(NUMBERS, threads=count).tobytes() for _ in range(20))

    threads = [threading.Thread(target=ask, args=(count,)) for count in (1, 2, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 80


def test_no_rows_are_no_answers(odd_ones: list[tuple[lightgbm.Booster, BitForest]]) -> None:
    _, found = odd_ones[0]
    assert found.predict_rows([]) == []
    assert found.predict(np.empty((0, WIDTH))).shape == (0,)


def test_a_row_of_another_width_is_an_error(odd_ones: list[tuple[lightgbm.Booster, BitForest]]) -> None:
    _, found = odd_ones[0]
    for ask in (lambda: found.predict(np.zeros((2, WIDTH - 1))), lambda: found.predict_rows([[0.0] * (WIDTH + 1)])):
        with pytest.raises(EnvironmentFault, match=f"{WIDTH} inputs"):
            ask()


@pytest.mark.parametrize(
    ("target", "parameters", "why"),
    [
        ("yes or no", {"objective": "binary", "zero_as_missing": True}, "zeros as missing"),
        ("number", {"objective": "regression", "linear_tree": True}, "linear models"),
        ("number", {"objective": "regression", "reg_sqrt": True}, "square"),
        ("share", {"objective": "cross_entropy_lambda"}, "cross_entropy_lambda"),
    ],
)
def test_what_it_does_not_compute_is_told(target: str, parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        BitForest(train(target, parameters))
    assert caught.value.code == "not_convertible"
    assert caught.value.hint


def test_what_would_take_too_much_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "MOST_BYTES", 1000)
    with pytest.raises(InvalidInput, match="tables would take"):
        BitForest(train(*MODELS["binary"]))


TEXT = train(*MODELS["binary"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tree\nversion=v4\n",
        "not a model",
        TEXT.replace("left_child=1", "left_child=2"),
        TEXT.replace("max_feature_idx=4", "max_feature_idx=1"),
        re.sub(r"\nthreshold=\S+", "\nthreshold=nan", TEXT),
        TEXT.replace("leaf_value", ""),
    ],
)
def test_a_text_that_is_no_model_is_an_error_with_a_hint(text: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        BitForest(text)
    assert caught.value.code == "engine_failed"
    assert caught.value.hint


def test_a_file_that_does_not_exist_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        ForestEngine(tmp_path / "nothing.txt", ["a"], {})
    assert caught.value.hint


def test_without_a_kernel_lightgbm_answers_and_the_log_says_so(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inputs = tiny.training.holdout_inputs
    here = open_engine(tiny.package, tiny.plan)
    assert isinstance(here, ForestEngine)
    monkeypatch.setattr(forest, "_kernel", lambda: None)
    there = open_engine(tiny.package, tiny.plan)
    assert isinstance(there, LightgbmEngine)
    assert "not compiled" in caplog.text
    assert identical(here.score(inputs), there.score(inputs))
    assert identical(here.score_rows(inputs.rows()), there.score_rows(inputs.rows()))
    with pytest.raises(InvalidInput) as caught:
        BitForest(TEXT)
    assert caught.value.code == "no_kernel"
    assert "gcc" in str(caught.value.hint)


def test_a_kernel_of_another_source_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / forest.KERNEL.name
    library.write_bytes(forest.KERNEL.read_bytes())
    source = tmp_path / "forest.c"
    source.write_bytes(forest.KERNEL.with_name("forest.c").read_bytes())
    monkeypatch.setattr(forest, "KERNEL", library)
    load = forest._kernel.__wrapped__
    assert load() is not None
    source.write_text("another")
    assert load() is None
    library.write_bytes(b"no library")
    monkeypatch.setattr(forest, "KERNEL", tmp_path / "missing.so")
    assert load() is None
