"""The engine is chosen by proof: who agrees, on which rows, how fast, and what is refused."""

from dataclasses import replace as changed

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
from mlops_lab.registry.engines.forest import has_kernel
from mlops_lab.registry.engines.open import open_engine
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
    AgreementPart,
    TriedEngine,
    add_up,
    distances,
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


def entry(agreement: Agreement, engine: str) -> TriedEngine:
    return next(one for one in agreement.tried if one.engine == engine)


def lightgbm(kind: str = "binary", **options):
    return (LGBMRegressor if kind == "regression" else LGBMClassifier)(
        n_estimators=30, n_jobs=1, verbose=-1, random_state=1, **options
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_onnx_takes_the_wrong_side_at_thresholds_and_is_not_taken(kind):
    """LightGBM parts float64 at float64 thresholds. ONNX agrees on every row of the data, and on numbers a hair beside
    them: only the thresholds show it."""
    data = make_data(kind)
    agreement = make(lightgbm(kind), data, try_all=True).agreement
    onnx = entry(agreement, "onnx")
    assert onnx.agrees is False
    assert onnx.parts[THRESHOLDS].differing > 0.02 * onnx.parts[THRESHOLDS].rows
    assert onnx.parts[THRESHOLDS].largest > 1000 * TOLERANCE
    assert onnx.parts[DATA].differing == onnx.parts[CORNERS].differing == 0
    assert "split thresholds" in onnx.reason
    assert onnx.micros > 0
    assert agreement.engine == FASTEST
    assert agreement.taken.agrees
    assert agreement.taken.tolerance == agreement.largest == 0.0
    assert agreement.splits > 0.9 * agreement.splits_in_all > 100
    assert agreement.taken.parts[THRESHOLDS].rows == 3 * agreement.splits


def test_all_rows_of_the_data_are_compared_and_the_others_are_not_tried():
    data = make_data()
    agreement = make(lightgbm(), data).agreement
    assert agreement.format == 2
    assert agreement.data_rows == agreement.taken.parts[DATA].rows == ROWS
    assert agreement.rows == sum(part.rows for part in agreement.taken.parts.values())
    assert agreement.taken.parts[ONE_BY_ONE].rows > 200
    onnx = entry(agreement, "onnx")
    assert onnx.agrees is None
    assert onnx.micros is None
    assert "not tried" in onnx.reason
    assert FASTEST in onnx.reason


def test_a_slow_model_is_asked_less_and_that_is_told(monkeypatch):
    monkeypatch.setattr(comparison, "ROWS_AT_ONCE", 500)
    monkeypatch.setattr(comparison, "DATA_SECONDS", 0.0)
    agreement = make(lightgbm(), make_data()).agreement
    assert (agreement.taken.parts[DATA].rows, agreement.data_rows) == (500, ROWS)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_what_the_training_ended_with_is_what_the_model_answers(kind):
    """To the last bit, so that the data need not be asked twice."""
    data = make_data(kind)
    fitted = learn(lightgbm(kind), data)
    assert fitted.known is not None
    assert fitted.known.tobytes() == fitted.answer(data.inputs).tobytes()


@pytest.mark.parametrize(
    "options",
    [{"boosting_type": "dart"}, {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}],
    ids=lambda options: options["boosting_type"],
)
def test_where_the_training_ends_with_something_else_the_model_is_asked(options):
    data = make_data()
    fitted = learn(lightgbm(**options), data)
    other = changed(fitted, known=fitted.answer(data.inputs) + 0.1)
    for one in (fitted, other):
        agreement = package(one, make_plan(one, data), data.inputs).agreement
        assert (agreement.engine, agreement.differing, agreement.largest) == (FASTEST, 0, 0.0)


@pytest.fixture(scope="module")
def xgboost_tried() -> Agreement:
    types = ("xgboost.core.Booster", "xgboost.sklearn.XGBClassifier")
    data = make_data(texts=False)
    return make(XGBClassifier(n_estimators=10, n_jobs=1), data, trust=Trust(True, types), try_all=True).agreement


def test_the_fastest_that_agrees_is_taken(xgboost_tried):
    assert [one.engine for one in xgboost_tried.tried] == ["onnx", "xgboost", "skops"]
    assert all(one.agrees for one in xgboost_tried.tried)
    assert all(one.parts[DATA].rows == ROWS for one in xgboost_tried.tried)
    micros = {one.engine: one.micros for one in xgboost_tried.tried}
    assert xgboost_tried.engine == min(micros, key=micros.__getitem__) == "onnx"


def tried(engine: str, micros: float, *, agrees: bool | None = True) -> TriedEngine:
    return TriedEngine(engine=engine, agrees=agrees, reason="", micros=micros)


def test_of_two_the_faster_is_taken_where_it_is_clearly_faster():
    first, second = tried("lightgbm", 10.0), tried("onnx", 9.0)
    assert packaging._fastest([first, second]) is first, "timings err by so much"
    assert packaging._fastest([first, (clearly := tried("onnx", 7.0))]) is clearly
    assert packaging._fastest([first, tried("onnx", 1.0, agrees=False)]) is first
    assert packaging._fastest([tried("onnx", 1.0, agrees=False), tried("skops", 1.0, agrees=None)]) is None


def test_a_report_reads_back_as_it_was_written(xgboost_tried, tmp_path):
    (tmp_path / AGREEMENT_FILE).write_bytes(msgspec.json.encode(xgboost_tried))
    assert read_agreement(tmp_path) == xgboost_tried


def test_a_report_of_the_first_format_is_read(tmp_path):
    old = {"format": 1, "engine": "onnx", "rows": 21_000, "differing": 3, "largest": 0.2, "tolerance": 1e-5}
    (tmp_path / AGREEMENT_FILE).write_bytes(msgspec.json.encode(old))
    agreement = read_agreement(tmp_path)
    assert (agreement.format, agreement.engine, agreement.differing) == (1, "onnx", 3)
    assert agreement.taken is None


CUSTOM = make_pipeline(make_column_transformer((FunctionTransformer(np.log1p), ["price"])), LogisticRegression())


def test_what_does_not_convert_is_told_with_its_reason_and_the_choices():
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
    assert skops.micros > 50, "a process and Python: it is no secret what that costs"
    (tmp_path / model_file("skops")).write_bytes(packaged.model)
    engine = open_engine(tmp_path, packaged.plan, trust=RUNNER)
    assert np.allclose(engine.score(data.inputs), learn(CUSTOM, data).answer(data.inputs), rtol=0, atol=1e-12)


def test_types_that_the_project_does_not_trust_are_named_with_the_line_to_write():
    inexact = CalibratedClassifierCV(RandomForestClassifier(5, random_state=1), method="isotonic", cv=3)
    error = refuse(make_pipeline(FunctionTransformer(np.log1p), inexact), make_data(texts=False), trust=RUNNER)
    assert "sklearn.tree._tree.Tree" in error.what
    assert 'trusted_types = ["' in error.hint
    assert '"sklearn.tree._tree.Tree"' in error.hint


def of_its_own(values):
    return values * 2


def test_code_of_the_project_is_never_trusted_by_itself():
    own = make_pipeline(FunctionTransformer(of_its_own), LogisticRegression())
    error = refuse(own, make_data(texts=False), trust=RUNNER)
    assert "of_its_own" in error.what


def test_a_wrong_conversion_is_seen_and_nothing_is_packaged(monkeypatch):
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
    assert "rows learned from" in error.what


def test_a_conversion_that_is_wrong_at_one_threshold_is_seen(monkeypatch):
    """One of some fifty is one step of float32 too high: no row of the data shows it."""
    import onnx

    data = make_data(texts=False)
    convert = engine_options.to_onnx

    def convert_wrong(estimator, inputs):
        graph = onnx.load_model_from_string(convert(estimator, inputs))
        (trees,) = (node for node in graph.graph.node if node.op_type.startswith("TreeEnsemble"))
        named = {attribute.name: attribute for attribute in trees.attribute}
        modes, columns, values = (named[f"nodes_{name}"] for name in ("modes", "featureids", "values"))
        splits = zip(modes.strings, columns.ints, strict=True)
        place = next(place for place, split in enumerate(splits) if split == (b"BRANCH_LEQ", 0))  # of the price
        values.floats[place] = float(np.nextafter(np.float32(values.floats[place]), np.float32(np.inf)))
        return graph.SerializeToString()

    forest = RandomForestClassifier(3, max_depth=4, random_state=1)
    assert make(forest, data).agreement.differing == 0
    monkeypatch.setattr(engine_options, "to_onnx", convert_wrong)
    (tried,) = refuse(forest, data).tried
    assert tried.parts[DATA].differing == 0
    assert 0 < tried.parts[THRESHOLDS].differing < 10


def test_an_inexact_conversion_is_refused_and_served_by_a_runner():
    """The logarithms of ONNX Runtime are float32: behind them trees part other rows. On the data it does not show."""
    data = make_data(texts=False)
    columns = make_column_transformer((PowerTransformer(), ["price", "size"]))
    inexact = make_pipeline(columns, RandomForestClassifier(5, random_state=1))
    error = refuse(inexact, data)
    assert error.code == "no_engine_agrees"
    (onnx,) = error.tried
    assert onnx.parts[DATA].differing == 0
    assert onnx.parts[THRESHOLDS].differing > 100
    assert "runner" in error.hint
    asked = refuse(inexact, data, trust=RUNNER)
    types = msgspec.json.decode(asked.hint[asked.hint.index('["') :], type=list[str])
    assert types
    packaged = make(inexact, data, trust=Trust(True, tuple(types)))
    assert packaged.plan.engine == "skops"
    assert [one.agrees for one in packaged.agreement.tried] == [False, True]


def test_an_engine_that_fails_does_not_agree(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no such operator\nat node 7")

    monkeypatch.setattr(packaging, "open_engine", fail)
    error = refuse(lightgbm(), make_data())
    assert error.code == "no_engine_agrees"
    assert [one.reason for one in error.tried if one.engine != "forest"] == ["fails: no such operator"] * 2


def test_an_answer_that_is_no_number_differs_and_can_be_written_down():
    expected = np.array([[0.5, 0.5], [0.1, 0.9], [0.2, 0.8]])
    given = np.array([[0.5, 0.5], [np.nan, 0.9], [0.2, 0.7]])
    assert distances(expected, given, scale=1.0) == pytest.approx([0.0, np.inf, 0.1])
    whole = add_up([AgreementPart(rows=3, differing=2, largest=None), AgreementPart(rows=5, differing=1, largest=0.3)])
    assert whole == AgreementPart(rows=8, differing=3, largest=None)
    assert msgspec.json.decode(msgspec.json.encode(whole), type=AgreementPart) == whole
    assert add_up([]) == AgreementPart(rows=0, differing=0, largest=0.0)


def test_far_apart_is_in_units_of_the_scale_or_of_the_answer():
    assert distances(np.array([1000.0, 0.0]), np.array([1001.0, 1.0]), scale=10.0) == pytest.approx([0.001, 0.1])


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "net.pt", "model.onnx", "model"])
def test_a_pickle_is_refused_by_its_name_or_by_what_is_in_it(tmp_path, name):
    import pickle
    import zipfile

    path = tmp_path / name
    content = pickle.dumps({"weights": [1.0]})
    if name.endswith(".pt"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", content)
    else:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        learn(path, make_data())
    assert caught.value.code == "pickle_refused"
    assert "ONNX" in caught.value.hint
