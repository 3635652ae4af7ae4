"""The engine: bit for bit what LightGBM itself answers."""

import os
import subprocess
import sys
import threading

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.engines.lightgbm import Booster, LightgbmEngine

MODEL_FILE = model_file("lightgbm")


@pytest.fixture(scope="module")
def original(tiny) -> lightgbm.Booster:
    """The model in LightGBM's own package."""
    return lightgbm.Booster(model_file=str(tiny.package / MODEL_FILE))


@pytest.fixture(scope="module")
def engine(tiny) -> LightgbmEngine:
    """The same model in the engine, by LightGBM's shared library alone."""
    return LightgbmEngine((tiny.package / MODEL_FILE).read_bytes(), tiny.plan.features["inputs"], tiny.plan.categories)


@pytest.fixture(scope="module")
def thresholds(original) -> list[float]:
    """The split thresholds of the model, and their neighbours: where an inexact engine errs."""
    cuts = original.trees_to_dataframe()["threshold"].dropna()
    values = [float(cut) for cut in cuts if "||" not in str(cut)]
    return [value for cut in values for value in (np.nextafter(cut, -np.inf), cut, np.nextafter(cut, np.inf))]


def identical(one, other) -> bool:
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_answers_are_those_of_lightgbm_bit_by_bit(tiny, engine, original):
    matrix = engine.encoder.encode(tiny.training.holdout_inputs)
    booster = engine.booster
    assert np.isnan(matrix).any()
    assert identical(booster.predict(matrix), original.predict(matrix))
    assert identical([booster.predict_one(list(row)) for row in matrix], booster.predict(matrix))


@given(st.data())
def test_any_numbers_get_the_same_answer_three_ways(engine, original, thresholds, data):
    booster = engine.booster
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, 1e-36, -1.0, 0.5, 1e300])
    cells = st.one_of(odd, st.sampled_from(thresholds), st.integers(-2, 40).map(float), st.floats())
    rows = data.draw(st.lists(st.lists(cells, min_size=booster.width, max_size=booster.width), min_size=1, max_size=5))
    matrix = np.array(rows)
    expected = original.predict(matrix)
    assert identical(booster.predict(matrix), expected)
    assert identical([booster.predict_one(row) for row in rows], expected)
    assert ((expected >= 0) & (expected <= 1)).all()


def test_a_matrix_may_lie_in_memory_as_it_likes(tiny, engine, original):
    matrix = engine.encoder.encode(tiny.training.holdout_inputs.head(50))
    expected = original.predict(matrix)
    assert identical(engine.booster.predict(np.asfortranarray(matrix)), expected)
    assert identical(engine.booster.predict(np.repeat(matrix, 2, axis=0)[::2]), expected)


def test_missing_everywhere_is_an_answer_too(engine):
    booster = engine.booster
    nothing = [float("nan")] * booster.width
    assert 0 < booster.predict_one(nothing) < 1
    assert identical(booster.predict(np.array([nothing])), [booster.predict_one(nothing)])


def test_no_rows_are_no_answers(engine):
    assert engine.booster.predict(np.empty((0, engine.booster.width))).shape == (0,)


def test_threads_do_not_disturb_each_other(tiny, engine):
    matrix = engine.encoder.encode(tiny.training.holdout_inputs.head(100))
    rows = matrix.tolist()
    expected, answers = engine.booster.predict(matrix).tolist(), {}

    def ask(name: int) -> None:
        answers[name] = [engine.booster.predict_one(row) for row in rows]

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(answers.values()) == [expected] * 4


@pytest.mark.parametrize("text", ["", "tree\nversion=v4\n", "not a model"])
def test_a_text_that_is_no_model_is_an_error_with_a_hint(text):
    with pytest.raises(EnvironmentFault) as caught:
        Booster(text.encode())
    assert caught.value.code == "engine_failed"
    assert caught.value.hint


def test_a_matrix_of_another_width_is_an_error(engine):
    with pytest.raises(EnvironmentFault):
        engine.booster.predict(np.zeros((1, engine.booster.width - 1)))


def test_the_package_of_lightgbm_is_not_imported(tiny):
    """The server starts in a fraction of the time that importing it takes."""
    code = (
        "import sys; from pathlib import Path; from mlops_lab.inference.predictor import Predictor; "
        "Predictor(Path(sys.argv[1]), version=1); "
        "print([name for name in ('lightgbm', 'sklearn', 'pandas', 'mlflow', 'deltalake') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny.package)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.strip() == "[]"


def test_numbers_of_threads_that_differ_do_not_end_the_process(tiny):
    """LightGBM has one number of threads for the whole process; in a process of its own, as a fault ends it."""
    code = f"""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from mlops_lab.registry.engines.lightgbm import Booster
model = Path({str(tiny.package / MODEL_FILE)!r}).read_bytes()
booster = Booster(model)
matrix = np.random.default_rng(0).normal(size=(40, booster.width))
def ask(i):
    booster.predict(matrix[: 1 + i % 40], threads=1 + i % 4)
    if i % 50 == 0:
        Booster(model)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(ask, range(10_000)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
