"""The engine is chosen by comparison: which one agrees, on which rows, how fast, and what is refused."""

from dataclasses import replace as changed
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.engines.base import ModelFile
from mlops_lab.registry.engines.forest import has_kernel
from mlops_lab.registry.engines.open import open_model
from mlops_lab.registry.package import AGREEMENT_FILE, Plan
from mlops_lab.registry.trust import Trust
from mlops_lab.tasks.make import make_task
from mlops_lab.training import comparison, engine_options, packaging
from mlops_lab.training.agreement import (
    CORNERS,
    DATA,
    ONE_BY_ONE,
    THRESHOLDS,
    TOLERANCE,
    Agreement,
    TriedEngine,
    read_agreement,
)
from mlops_lab.training.fit import Fitted, fit
from mlops_lab.training.packaging import NoEngineAgrees, Packaged, package
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet

FASTEST = "forest" if has_kernel() else "lightgbm"
ROWS = 3000
CLASSES = ("a", "b", "c")
RUNNER = Trust(runner=True)


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def make_data(kind: str = "binary", *, texts: bool = True) -> TrainingSet:
    rng = np.random.default_rng(3)
    inputs = pl.DataFrame(
        {
            "price": rng.gamma(2, 20, ROWS),
            "size": [None if draw < 0.1 else draw * 100 for draw in rng.random(ROWS)] if texts else rng.random(ROWS),
            "rooms": rng.integers(1, 9, ROWS),
            "place": rng.choice(["a", "b", "c"], ROWS),
        }
    )
    score = 0.03 * inputs["price"].to_numpy() + 0.2 * inputs["rooms"].to_numpy() + rng.logistic(0, 0.5, ROWS)
    inputs = inputs if texts else inputs.drop("place")
    truth = {"binary": score > 2, "multiclass": np.digitize(score, [1.5, 2.8]), "regression": score}[kind]
    return TrainingSet(
        task=make_task(kind, classes=CLASSES if kind == "multiclass" else (), scale=float(score.std())),
        inputs=inputs, truth=pl.Series(truth.astype(float)), weights=None, moments=pl.Series(range(ROWS)),
        holdout=pl.DataFrame(), holdout_inputs=inputs.head(50), holdout_truth=pl.Series(truth[:50].astype(float)),
        cutoff=None, until=None, snapshots=(), fingerprint="",
    )  # fmt: skip


def learn(estimator, data: TrainingSet) -> Fitted:
    return fit(Pipeline(Features(data.inputs.columns), lambda: estimator, ""), data)


def make_plan(fitted: Fitted, data: TrainingSet) -> Plan:
    return Plan(
        task=fitted.task, classes=list(fitted.classes), outputs=fitted.outputs, request={}, time="at", tables={},
        features=Features(data.inputs.columns).as_dict(), categories=fitted.categories,
    )  # fmt: skip


def make(estimator, data: TrainingSet, **options) -> Packaged:
    fitted = learn(estimator, data)
    return package(fitted, make_plan(fitted, data), data.inputs, **options)


def refuse(estimator, data: TrainingSet, **options) -> InvalidInput | NoEngineAgrees:
    with pytest.raises((InvalidInput, NoEngineAgrees)) as caught:
        make(estimator, data, **options)
    return caught.value


def find_entry(agreement: Agreement, engine: str) -> TriedEngine:
    return next(item for item in agreement.tried if item.engine == engine)


def lightgbm(kind: str = "binary", **options):
    return (LGBMRegressor if kind == "regression" else LGBMClassifier)(
        n_estimators=30, n_jobs=1, verbose=-1, random_state=1, **options
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_onnx_goes_the_wrong_way_at_thresholds_and_is_not_chosen(kind):
    """LightGBM compares float64 with float64 thresholds. ONNX agrees on every training row, and on numbers one step of
    float32 beside them: only the thresholds show the difference."""
    data = make_data(kind)
    agreement = make(lightgbm(kind), data, try_all=True).agreement
    onnx = find_entry(agreement, "onnx")
    assert onnx.agrees is False
    assert onnx.parts[THRESHOLDS].differing > 0.02 * onnx.parts[THRESHOLDS].rows
    assert onnx.parts[THRESHOLDS].largest > 1000 * TOLERANCE
    assert onnx.parts[DATA].differing == onnx.parts[CORNERS].differing == 0
    assert "split thresholds" in onnx.reason
    assert onnx.micros > 0
    assert agreement.engine != "onnx"
    assert agreement.taken.agrees
    assert agreement.taken.tolerance == agreement.largest == 0.0
    assert agreement.splits > 0.9 * agreement.splits_in_all > 100
    assert agreement.taken.parts[THRESHOLDS].rows == 3 * agreement.splits


def test_all_training_rows_are_compared_and_slower_engines_are_not_tried():
    data = make_data()
    agreement = make(lightgbm(), data).agreement
    assert agreement.format == 2
    assert agreement.data_rows == agreement.taken.parts[DATA].rows == ROWS
    assert agreement.rows == sum(part.rows for part in agreement.taken.parts.values())
    assert agreement.taken.parts[ONE_BY_ONE].rows > 200
    onnx = find_entry(agreement, "onnx")
    assert onnx.agrees is None
    assert onnx.micros is None
    assert "not tried" in onnx.reason
    assert FASTEST in onnx.reason


def test_a_slow_model_is_compared_on_fewer_rows_and_the_report_says_so(monkeypatch):
    monkeypatch.setattr(comparison, "BATCH_ROWS", 500)
    monkeypatch.setattr(comparison, "DATA_SECONDS", 0.0)
    agreement = make(lightgbm(), make_data()).agreement
    assert (agreement.taken.parts[DATA].rows, agreement.data_rows) == (500, ROWS)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_answers_kept_from_the_training_are_those_of_the_model(kind):
    """To the last bit, so that they need not be computed again."""
    data = make_data(kind)
    fitted = learn(lightgbm(kind), data)
    assert fitted.training_answers is not None
    assert fitted.training_answers.tobytes() == fitted.predict(data.inputs).tobytes()


@pytest.mark.parametrize(
    "options",
    [{"boosting_type": "dart"}, {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}],
    ids=lambda options: options["boosting_type"],
)
def test_where_the_training_keeps_other_answers_the_model_is_asked(options):
    data = make_data()
    fitted = learn(lightgbm(**options), data)
    other = changed(fitted, training_answers=fitted.predict(data.inputs) + 0.1)
    for model in (fitted, other):
        agreement = package(model, make_plan(model, data), data.inputs).agreement
        assert (agreement.engine, agreement.differing, agreement.largest) == (FASTEST, 0, 0.0)


@pytest.fixture(scope="module")
def xgboost_tried() -> Agreement:
    types = ("xgboost.core.Booster", "xgboost.sklearn.XGBClassifier")
    data = make_data(texts=False)
    return make(XGBClassifier(n_estimators=10, n_jobs=1), data, trust=Trust(True, types), try_all=True).agreement


def test_the_fastest_that_agrees_is_chosen(xgboost_tried):
    assert [entry.engine for entry in xgboost_tried.tried] == ["onnx", "xgboost", "skops"]
    assert all(entry.agrees for entry in xgboost_tried.tried)
    assert all(entry.parts[DATA].rows == ROWS for entry in xgboost_tried.tried)
    micros = {entry.engine: entry.micros for entry in xgboost_tried.tried}
    assert xgboost_tried.engine == min(micros, key=micros.__getitem__) == "onnx"


def tried(engine: str, micros: float, *, agrees: bool | None = True) -> TriedEngine:
    return TriedEngine(engine=engine, agrees=agrees, reason="", micros=micros)


def test_of_two_the_faster_is_chosen_where_it_is_clearly_faster():
    first, second = tried("lightgbm", 10.0), tried("onnx", 9.0)
    assert packaging._fastest([first, second]) is first, "timings err by so much"
    assert packaging._fastest([first, (clearly := tried("onnx", 7.0))]) is clearly
    assert packaging._fastest([first, tried("onnx", 1.0, agrees=False)]) is first
    assert packaging._fastest([tried("onnx", 1.0, agrees=False), tried("skops", 1.0, agrees=None)]) is None


def test_a_report_reads_back_as_it_was_written(xgboost_tried, tmp_path):
    (tmp_path / AGREEMENT_FILE).write_bytes(msgspec.json.encode(xgboost_tried))
    assert read_agreement(tmp_path) == xgboost_tried


CUSTOM = make_pipeline(make_column_transformer((FunctionTransformer(np.log1p), ["price"])), LogisticRegression())


def test_a_model_that_does_not_convert_is_refused_with_the_reason_and_the_choices():
    error = refuse(CUSTOM, make_data())
    assert error.code == "not_convertible"
    assert "FunctionTransformer" in error.what
    assert "[model] runner = true" in error.hint
    assert "ONNX file" in error.hint


def test_a_runner_serves_what_does_not_convert_where_the_project_allows_it(tmp_path):
    data = make_data()
    packaged = make(CUSTOM, data, trust=RUNNER)
    assert packaged.plan.engine == "skops"
    assert packaged.plan.texts == ["place"]
    onnx, skops = packaged.agreement.tried
    assert onnx.agrees is None
    assert "FunctionTransformer" in onnx.reason
    assert skops.agrees
    assert packaged.agreement.taken.parts[DATA].rows == ROWS
    assert skops.micros > 50, "a process and Python take time, and the report says so"
    engine = open_model(ModelFile(Path(model_file("skops")), packaged.model), packaged.plan, trust=lambda: RUNNER)
    assert np.allclose(engine.score(data.inputs), learn(CUSTOM, data).predict(data.inputs), rtol=0, atol=1e-12)


def test_types_that_the_project_does_not_trust_are_named_with_the_line_to_write():
    inexact = CalibratedClassifierCV(RandomForestClassifier(5, random_state=1), method="isotonic", cv=3)
    error = refuse(make_pipeline(FunctionTransformer(np.log1p), inexact), make_data(texts=False), trust=RUNNER)
    assert "sklearn.tree._tree.Tree" in error.what
    assert 'trusted_types = ["' in error.hint
    assert '"sklearn.tree._tree.Tree"' in error.hint


def double(values):
    return values * 2


def test_code_of_the_project_is_never_trusted_by_itself():
    own = make_pipeline(FunctionTransformer(double), LogisticRegression())
    error = refuse(own, make_data(texts=False), trust=RUNNER)
    assert "double" in error.what


def test_a_wrong_conversion_is_noticed_and_nothing_is_packaged(monkeypatch):
    """A converter that writes another model: here that of fewer trees."""
    data = make_data(texts=False)
    convert = engine_options.to_onnx
    other = RandomForestClassifier(9, random_state=1).fit(
        data.inputs.to_numpy().astype(np.float32), data.truth.to_numpy()
    )
    monkeypatch.setattr(engine_options, "to_onnx", lambda _, inputs: convert(other, inputs))
    error = refuse(RandomForestClassifier(10, random_state=1), data)
    assert error.code == "no_engine_agrees"
    (tried,) = error.tried
    assert tried.agrees is False
    assert tried.parts[DATA].differing > 0.3 * tried.parts[DATA].rows
    assert "training rows" in error.what


def test_a_conversion_that_is_wrong_at_one_threshold_is_noticed(monkeypatch):
    """One of some fifty is one step of float32 too high: no training row shows it."""
    import onnx

    data = make_data(texts=False)
    convert = engine_options.to_onnx

    def convert_wrong(estimator, inputs):
        graph = onnx.load_model_from_string(convert(estimator, inputs))
        (trees,) = (node for node in graph.graph.node if node.op_type.startswith("TreeEnsemble"))
        named = {attribute.name: attribute for attribute in trees.attribute}
        modes, columns, values = (named[f"nodes_{name}"] for name in ("modes", "featureids", "values"))
        splits = zip(modes.strings, columns.ints, strict=True)
        index = next(index for index, split in enumerate(splits) if split == (b"BRANCH_LEQ", 0))  # of the price
        values.floats[index] = float(np.nextafter(np.float32(values.floats[index]), np.float32(np.inf)))
        return graph.SerializeToString()

    forest = RandomForestClassifier(3, max_depth=4, random_state=1)
    assert make(forest, data).agreement.differing == 0
    monkeypatch.setattr(engine_options, "to_onnx", convert_wrong)
    (tried,) = refuse(forest, data).tried
    assert tried.parts[DATA].differing == 0
    assert 0 < tried.parts[THRESHOLDS].differing < 10


def test_an_inexact_conversion_is_refused_and_served_by_a_runner():
    """The logarithms of ONNX Runtime are float32: trees behind them send rows another way. Training rows do not show it."""
    data = make_data(texts=False)
    columns = make_column_transformer((PowerTransformer(), ["price", "size"]))
    inexact = make_pipeline(columns, RandomForestClassifier(5, random_state=1))
    error = refuse(inexact, data)
    assert error.code == "no_engine_agrees"
    (onnx,) = error.tried
    assert onnx.parts[DATA].differing == 0
    assert onnx.parts[THRESHOLDS].differing > 100
    assert "runner" in error.hint
    error = refuse(inexact, data, trust=RUNNER)
    types = msgspec.json.decode(error.hint[error.hint.index('["') :], type=list[str])
    assert types
    packaged = make(inexact, data, trust=Trust(True, tuple(types)))
    assert packaged.plan.engine == "skops"
    assert [entry.agrees for entry in packaged.agreement.tried] == [False, True]


def test_an_engine_that_fails_does_not_agree(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no such operator\nat node 7")

    monkeypatch.setattr(packaging, "open_model", fail)
    error = refuse(lightgbm(), make_data())
    assert error.code == "no_engine_agrees"
    assert [entry.reason for entry in error.tried if entry.engine != "forest"] == ["fails: no such operator"] * 2
