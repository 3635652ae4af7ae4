"""What every engine must do: these tests run on each entry of `ENGINES`, for every task.

A new engine needs an entry in `ENGINES` (registry/engine_kinds.py), a module with `open_engine`, an `EngineOption`
(training/engine_options.py), and a small model in `EXAMPLES` below. `test_adding_an_engine.py` shows all of it.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from msgspec.structs import replace
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from slow import mostly_slow
from small_data import CLASSES, TASKS, fit_small, make_small_plan, make_training_set
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor

from mlops_lab.errors import MlopsError
from mlops_lab.registry.columns import Answers
from mlops_lab.registry.engine_kinds import ENGINES, EngineKind
from mlops_lab.registry.engines.base import Engine, ModelFile
from mlops_lab.registry.engines.forest import has_kernel
from mlops_lab.registry.engines.open import open_model
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Plan, write_plan
from mlops_lab.registry.runner.readers import READERS
from mlops_lab.registry.trust import Trust
from mlops_lab.training.comparison import compare, make_comparison_data
from mlops_lab.training.engine_options import ENGINE_OPTIONS, TrainedModel, find_engine_options
from mlops_lab.training.fit import Fitted
from mlops_lab.training.training_set import TrainingSet

TRUST = Trust(runner=True, types=("numpy.dtype",))
TRAINING_LIBRARIES = ("lightgbm", "xgboost", "catboost", "sklearn", "skops", "skl2onnx", "onnx", "pandas", "mlflow")
NUMBERS = ["price", "size", "rooms", "new"]


def lightgbm(task: str) -> Any:
    kind = LGBMRegressor if task == "regression" else LGBMClassifier
    return kind(n_estimators=8, n_jobs=1, verbose=-1, random_state=1)


def xgboost(task: str) -> Any:
    return (XGBRegressor if task == "regression" else XGBClassifier)(n_estimators=5, n_jobs=1)


def behind_columns(numbers: Any, texts: Any, estimator: Any) -> Any:
    return make_pipeline(make_column_transformer((numbers, NUMBERS), (texts, ["place"])), estimator)


def boosted_histograms(task: str) -> Any:
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return behind_columns("passthrough", codes, kind(max_iter=8))


def linear(task: str) -> Any:
    """With a step that does not convert to ONNX."""
    numbers = make_pipeline(SimpleImputer(), FunctionTransformer(np.tanh))
    estimator = Ridge() if task == "regression" else LogisticRegression()
    return behind_columns(numbers, OneHotEncoder(handle_unknown="ignore"), estimator)


@dataclass(frozen=True)
class Example:
    """A small model that an engine can serve; `with_text` is False where it takes numbers only."""

    make: Callable[[str], Any]
    tasks: tuple[str, ...] = TASKS
    with_text: bool = True


EXAMPLES = {
    "forest": Example(lightgbm),
    "lightgbm": Example(lightgbm),
    "onnx": Example(boosted_histograms),
    "xgboost": Example(xgboost, with_text=False),
    "skops": Example(linear),
}
CASES = [
    pytest.param(
        (name, task),
        id=f"{name}-{task}",
        marks=[
            pytest.mark.skipif(name == "forest" and not has_kernel(), reason="forest.c was not compiled"),
            # of the engines whose models lie in a process of their own, one task each: the process takes seconds to start
            *([pytest.mark.slow] if ENGINES[name].needs_runner and task != example.tasks[0] else []),
        ],
    )
    for name, example in EXAMPLES.items()
    for task in example.tasks
]


@dataclass(frozen=True)
class Case:
    """An engine that was opened on the file of a small model."""

    plan: Plan
    engine: Engine
    mapping: OutputMapping
    inputs: pl.DataFrame
    model: Callable[[pl.DataFrame], Answers]

    def score_rows(self, rows: pl.DataFrame) -> Answers:
        return np.array([self.mapping.of_row(output) for output in self.engine.score_rows(rows.rows())])

    def score(self, rows: pl.DataFrame, *, threads: int = 0) -> Answers:
        return self.mapping.of_rows(self.engine.score(rows, threads=threads))

    def check_same(self, answers: Answers, expected: Answers) -> None:
        """The same to the last bit for an exact engine, else to some six digits."""
        assert answers.shape == expected.shape
        if self.engine.exact:
            assert answers.tobytes() == expected.tobytes()
        else:
            assert np.allclose(answers, expected, rtol=1e-5, atol=1e-6)


@cache
def train(name: str, task: str) -> tuple[TrainingSet, Fitted, Plan, bytes]:
    """The small model of an engine, and the content of its model file."""
    example = EXAMPLES[name]
    data = make_training_set(task, with_text=example.with_text)
    with threadpool_limits(1):
        fitted = fit_small(example.make(task), data)
    model = TrainedModel(fitted.estimator, data.inputs, fitted.categories, TRUST)
    option = next((option for option in find_engine_options(model) if option.engine == name), None)
    assert option is not None, f'no entry of ENGINE_OPTIONS for the engine "{name}" takes the model in EXAMPLES'
    plan = replace(make_small_plan(fitted, data.inputs), engine=name)
    return data, fitted, plan, option.write(model)


def open_content(plan: Plan, content: bytes) -> Engine:
    return open_model(ModelFile(Path(ENGINES[plan.engine].model_file), content), plan, trust=lambda: TRUST)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    name, task = request.param
    data, fitted, plan, content = train(name, task)
    mapping = OutputMapping(plan)
    engine = open_content(plan, content)
    return Case(plan, engine, mapping, data.inputs, lambda rows: mapping.of_rows(fitted.predict(rows)))


# ---- the lists -------------------------------------------------------------------------------------------------------


def test_every_engine_has_an_example_here() -> None:
    assert EXAMPLES.keys() == ENGINES.keys(), "add a small model that the new engine can serve to EXAMPLES"


@pytest.mark.parametrize("kind", ENGINES.values(), ids=lambda kind: kind.name)
def test_an_entry_is_complete(kind: EngineKind) -> None:
    assert ENGINES[kind.name] is kind
    assert Path(kind.model_file).name == kind.model_file
    assert Path(kind.model_file).suffix not in {".pkl", ".pickle", ".joblib", ".pt"}, "a model file cannot hold code"
    assert callable(importlib.import_module(kind.module).open_engine), f"{kind.module} defines no open_engine"
    options = [option for option in ENGINE_OPTIONS if option.engine == kind.name]
    assert len(options) == 1, "training/engine_options.py: ENGINE_OPTIONS names each engine once"
    if kind.needs_runner:
        assert kind.name in READERS, "registry/runner/readers.py: READERS says how a runner reads the model file"


def test_every_option_and_reader_is_of_an_engine() -> None:
    assert {option.engine for option in ENGINE_OPTIONS} == ENGINES.keys()
    assert READERS.keys() == {kind.name for kind in ENGINES.values() if kind.needs_runner}


def test_the_list_of_engines_imports_nothing_heavy() -> None:
    heavy = (*TRAINING_LIBRARIES, "numpy", "polars", "onnxruntime", "mlops_lab.registry.engines")
    code = (
        "import sys; import mlops_lab.registry.engine_kinds; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- every engine ----------------------------------------------------------------------------------------------------


def test_it_agrees_with_the_trained_model(case: Case) -> None:
    data = make_comparison_data(
        case.inputs, case.model, threshold_rows=case.inputs.clear(), training_answers=None, scale=1.0
    )
    parts, _ = compare(case.engine, case.mapping, data)
    assert sum(part.rows for part in parts.values()) > 400
    assert {kind: part.differing for kind, part in parts.items() if part.differing} == {}


@pytest.mark.parametrize("rows", [1, 16, 100])
def test_a_row_gets_the_same_answer_alone_among_few_and_in_a_frame(case: Case, rows: int) -> None:
    sample = case.inputs[100 : 100 + rows]
    together = case.score_rows(sample)
    case.check_same(together, case.score(sample))
    one_by_one = [case.score_rows(sample[index : index + 1]) for index in range(rows)]
    case.check_same(np.concatenate(one_by_one), together)


def test_outputs_have_the_shape_of_the_task(case: Case) -> None:
    frame, rows = case.score(case.inputs), case.score_rows(case.inputs.head(20))
    if case.plan.task == "multiclass":
        assert frame.shape == (case.inputs.height, len(CLASSES))
        assert rows.shape == (20, len(CLASSES))
        assert np.allclose(frame.sum(axis=1), 1.0, atol=1e-6)
    else:
        assert frame.shape == (case.inputs.height,)
        assert rows.shape == (20,)
    if case.plan.task != "regression":
        assert ((frame >= 0) & (frame <= 1)).all()
    outputs = case.engine.score_rows(case.inputs.rows()[:3])
    numbers = [number for output in outputs for number in (output if isinstance(output, list) else [output])]
    assert {type(number) for number in numbers} == {float}, "plain floats: they are written as JSON"
    assert frame.dtype == np.float64


def test_no_rows_give_no_answers(case: Case) -> None:
    assert case.engine.score_rows([]) == []
    assert len(case.engine.score(case.inputs.head(0))) == 0


def test_nulls_and_unknown_categories_are_answered(case: Case) -> None:
    first = case.inputs.head(1)
    nulls = [first.with_columns(pl.lit(None, dtype).alias(name)) for name, dtype in case.inputs.schema.items()]
    unseen = [first.with_columns(pl.lit(text).alias(name)) for name in case.plan.texts for text in ("never seen", "")]
    all_null = first.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in case.inputs.schema.items())
    rows = pl.concat([*nulls, *unseen, all_null])
    answers = case.score(rows)
    assert np.isfinite(answers).all()
    case.check_same(case.score_rows(rows), answers)


def test_threads_get_their_own_answers(case: Case) -> None:
    expected = case.score_rows(case.inputs)

    def ask(start: int) -> None:
        window = slice(start, start + 1 + start % 40)
        answers = case.score_rows(case.inputs[window]) if start % 3 else case.score(case.inputs[window], threads=2)
        case.check_same(answers, expected[window])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(0, 350, 7)))


# ---- once for each engine --------------------------------------------------------------------------------------------


FIRST_CASES = [case for case in CASES if case.values[0][1] == EXAMPLES[case.values[0][0]].tasks[0]]


@pytest.mark.parametrize("damage", mostly_slow(["empty", "truncated", "another format"], quick=["truncated"]))
@pytest.mark.parametrize("names", FIRST_CASES)
def test_a_damaged_file_is_an_error_with_a_hint(names: tuple[str, str], damage: str) -> None:
    """Not a traceback of another library, and never the end of the process."""
    _, _, plan, content = train(*names)
    damaged = {"empty": b"", "truncated": content[: len(content) // 2], "another format": b"\x80\x04K\x01."}
    with pytest.raises(MlopsError) as caught:
        open_content(plan, damaged[damage])
    assert caught.value.hint, "the user is told what to do"


@pytest.mark.parametrize("names", FIRST_CASES)
def test_the_library_that_trained_the_model_is_not_imported(names: tuple[str, str], tmp_path: Path) -> None:
    data, _, plan, content = train(*names)
    (tmp_path / ENGINES[plan.engine].model_file).write_bytes(content)
    (tmp_path / "plan.json").write_bytes(write_plan(plan))
    rows = data.inputs.rows()[:3]
    code = f"""
import sys
from pathlib import Path
from mlops_lab.registry.engines.base import ModelFile
from mlops_lab.registry.engines.open import open_model
from mlops_lab.registry.package import open_package
from mlops_lab.registry.trust import Trust
package = open_package(Path(sys.argv[1]))
file = ModelFile(package.path, package.model)
engine = open_model(file, package.plan, trust=lambda: Trust(True, ("numpy.dtype",)))
assert len(engine.score_rows({rows!r})) == 3
print([name for name in {TRAINING_LIBRARIES!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
