"""A compiled forest: to the last bit the answers of LightGBM, for every objective, at thresholds, with large trees."""

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
from lightgbm_models import HOLED, MODELS, NUMBERS, WIDTH, probe_rows, train

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engines import forest, forest_tables
from mlops_lab.registry.engines.forest import CompiledForest, ForestEngine
from mlops_lab.registry.engines.lightgbm import LightgbmEngine
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.package import open_package

if not forest.has_kernel():
    pytest.skip("forest.c was not compiled: install gcc and libc6-dev, then mlops-lab anew", allow_module_level=True)


def identical(one: Any, other: Any) -> bool:
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "regression on roots"])
@pytest.mark.parametrize("learned_from", ["holed", "whole"])
def test_every_kind_of_model_answers_like_lightgbm(name: str, learned_from: str) -> None:
    text = train(*MODELS[name], data=HOLED if learned_from == "holed" else NUMBERS)
    rows = probe_rows(text)
    large = np.copysign(np.array([[1e300], [np.inf]]), rows[:2])
    rows = np.concatenate([rows, large, -rows[:500], rows[:500] + 0.5])
    expected = lightgbm.Booster(model_str=text).predict(rows)
    compiled = CompiledForest(text)
    assert identical(compiled.predict(rows), expected)
    assert identical(compiled.predict(np.asfortranarray(rows)), expected)
    assert identical(compiled.predict_rows(rows[:300].tolist()), expected[:300])


@pytest.fixture(scope="module")
def pairs() -> list[tuple[lightgbm.Booster, CompiledForest]]:
    texts = [
        train(*MODELS[name]) for name in ("binary", "small sets", "large trees", "multiclass", "missing is nothing")
    ]
    return [(lightgbm.Booster(model_str=text), CompiledForest(text)) for text in texts]


@given(st.data())
def test_any_numbers_get_the_same_answer(
    pairs: list[tuple[lightgbm.Booster, CompiledForest]], data: st.DataObject
) -> None:
    original, compiled = data.draw(st.sampled_from(pairs))
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, 1e-36, -1e-36, -1.0, -0.5, 0.5, 31.9, 1e300])
    cells = st.one_of(odd, st.integers(-2, 80).map(float), st.floats())
    rows = data.draw(st.lists(st.lists(cells, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=5))
    expected = original.predict(np.array(rows))
    assert identical(compiled.predict_rows(rows), expected)
    assert identical(compiled.predict(np.array(rows)), expected)


def make_threads_worthwhile(monkeypatch: pytest.MonkeyPatch, compiled: CompiledForest, *, rows: int = 300) -> None:
    monkeypatch.setattr(forest, "WORDS_PER_THREAD", rows * compiled._words_per_row)


@pytest.mark.parametrize("index", [0, 3], ids=["one output", "several"])
@pytest.mark.parametrize("count", [0, 1, 2, 300, 599, 600, 601, 1999, 3000])
def test_threads_answer_like_one(
    pairs: list[tuple[lightgbm.Booster, CompiledForest]], count: int, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, compiled = pairs[index]
    rows = HOLED[:count]
    expected = compiled.predict(rows, threads=1)
    if count:
        assert identical(expected, original.predict(rows))
    for least in (300, 1):
        make_threads_worthwhile(monkeypatch, compiled, rows=least)
        for threads in (0, 2, 3, 8):
            assert identical(compiled.predict(rows, threads=threads), expected)


@pytest.mark.parametrize(
    ("count", "threads", "expected"),
    [(0, 0, 1), (1, 8, 1), (599, 0, 1), (600, 0, 2), (3000, 0, 4), (3000, 1, 1), (3000, 2, 2), (3000, 99, 10)],
)
def test_as_many_threads_are_started_as_save_time(
    pairs: list[tuple[lightgbm.Booster, CompiledForest]],
    count: int,
    threads: int,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, compiled = pairs[0]
    asked_for: list[int] = []
    make_threads_worthwhile(monkeypatch, compiled)
    monkeypatch.setattr(forest, "count_cores", lambda: 4)
    monkeypatch.setattr(compiled, "_answer", lambda *arguments: asked_for.append(arguments[-1]))
    compiled.predict(NUMBERS[:count], threads=threads)
    assert asked_for == [expected]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the memory for threads is not limited this way")
def test_where_a_thread_does_not_start_the_others_do_its_work(
    pairs: list[tuple[lightgbm.Booster, CompiledForest]],
) -> None:
    import resource

    _, compiled = pairs[3]
    expected = compiled.predict(NUMBERS, threads=1)
    answers = np.zeros_like(expected)
    arguments = (compiled._address, NUMBERS.ctypes.data, len(NUMBERS), answers.ctypes.data, 64)
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 2**20, before[1]))  # no room for another stack
    try:
        compiled._answer(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert identical(answers, expected)


def test_several_threads_may_ask_at_once(
    pairs: list[tuple[lightgbm.Booster, CompiledForest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, compiled = pairs[3]
    make_threads_worthwhile(monkeypatch, compiled)
    expected, answers = compiled.predict(NUMBERS, threads=1).tobytes(), []

    def ask(count: int) -> None:
        answers.extend(compiled.predict(NUMBERS, threads=count).tobytes() for _ in range(20))

    threads = [threading.Thread(target=ask, args=(count,)) for count in (1, 2, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 80


def test_no_rows_are_no_answers(pairs: list[tuple[lightgbm.Booster, CompiledForest]]) -> None:
    _, compiled = pairs[0]
    assert compiled.predict_rows([]) == []
    assert compiled.predict(np.empty((0, WIDTH))).shape == (0,)


def test_a_row_of_another_width_is_an_error(pairs: list[tuple[lightgbm.Booster, CompiledForest]]) -> None:
    _, compiled = pairs[0]
    for ask in (
        lambda: compiled.predict(np.zeros((2, WIDTH - 1))),
        lambda: compiled.predict_rows([[0.0] * (WIDTH + 1)]),
    ):
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
def test_a_model_that_computes_more_than_leaves_is_refused_with_the_reason(
    target: str, parameters: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        CompiledForest(train(target, parameters))
    assert caught.value.code == "not_convertible"
    assert caught.value.hint


def test_tables_that_would_be_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest_tables, "MAX_TABLE_BYTES", 1000)
    with pytest.raises(InvalidInput, match="tables would take"):
        CompiledForest(train(*MODELS["binary"]))


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
        CompiledForest(text)
    assert caught.value.code == "engine_failed"
    assert caught.value.hint


def test_without_a_kernel_lightgbm_answers_and_the_log_says_so(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inputs = tiny.training.holdout_inputs
    engine = open_engine(open_package(tiny.package))
    assert isinstance(engine, ForestEngine)
    monkeypatch.setattr(forest, "_kernel", lambda: None)
    fallback = open_engine(open_package(tiny.package))
    assert isinstance(fallback, LightgbmEngine)
    assert "not compiled" in caplog.text
    assert identical(engine.score(inputs), fallback.score(inputs))
    assert identical(engine.score_rows(inputs.rows()), fallback.score_rows(inputs.rows()))
    with pytest.raises(InvalidInput) as caught:
        CompiledForest(TEXT)
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
