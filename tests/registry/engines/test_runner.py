"""A runner: answers like the model, trusts what the project trusts, and no caller waits for a dead process."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from slow import mostly_slow
from xgboost import XGBClassifier, XGBRegressor

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.engines.runner import RunnerEngine
from mlops_lab.registry.frames import to_matrix, to_pandas
from mlops_lab.registry.package import Plan, load_plan, open_package, package_fingerprint, write_plan
from mlops_lab.registry.trust import Trust, trust_of

ROWS = 400
ON = Trust(runner=True, types=("numpy.dtype",))
LINUX = pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="looks into /proc")


@pytest.fixture(scope="module")
def inputs() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "price": [None if draw < 0.1 else draw * 70 for draw in rng.random(ROWS)],
            "rooms": rng.integers(1, 9, ROWS),
            "place": [None if draw == "x" else draw for draw in rng.choice(["a", "b", "ü", "x"], ROWS)],
        }
    )


@pytest.fixture(scope="module")
def truth(inputs) -> np.ndarray:
    return (inputs["rooms"].to_numpy() + np.random.default_rng(6).normal(size=ROWS) > 4).astype(int)


@pytest.fixture(scope="module")
def estimator(inputs, truth):
    numbers = make_pipeline(SimpleImputer(), FunctionTransformer(np.tanh))
    columns = make_column_transformer(
        (numbers, ["price", "rooms"]), (OneHotEncoder(handle_unknown="ignore"), ["place"])
    )
    return make_pipeline(columns, LogisticRegression()).fit(to_pandas(inputs), truth)


def make_plan(engine: str, inputs: pl.DataFrame, task: str = "binary") -> Plan:
    texts = [name for name, dtype in inputs.schema.items() if dtype == pl.String]
    return Plan(
        engine=engine, task=task, request={}, time="at", tables={}, features={"inputs": inputs.columns}, categories={},
        texts=texts,
    )  # fmt: skip


def open_skops(estimator, inputs, *, trust: Trust = ON, task: str = "binary", **options) -> RunnerEngine:
    return RunnerEngine(skops.io.dumps(estimator), make_plan("skops", inputs, task), trust=trust, **options)


@pytest.fixture(scope="module")
def shared(estimator, inputs) -> RunnerEngine:
    """An engine for the tests that do not harm it: opened in a thread that ends, as a server may do, by a process with
    secrets in its environment."""
    opened: list[RunnerEngine] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", "hunter2")
        patch.setenv("MLOPS_DEBUG", "1")
        thread = threading.Thread(target=lambda: opened.append(open_skops(estimator, inputs)))
        thread.start()
        thread.join()
    return opened[0]


def wait_until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def answers_again(engine, row) -> bool:
    try:
        return len(engine.score_rows([row])) == 1
    except EnvironmentFault:
        return False


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_answers_like_the_model(shared, estimator, inputs):
    expected = estimator.predict_proba(to_pandas(inputs))
    assert np.allclose(shared.score(inputs), expected, rtol=0, atol=1e-12)
    assert np.allclose(shared.score_rows(inputs.rows()), expected, rtol=0, atol=1e-12)
    assert np.allclose(shared.score_rows([inputs.row(7)]), expected[7:8], rtol=0, atol=1e-12)
    assert shared.score_rows([]) == []
    assert shared.score(inputs.head(0)).shape == (0,)
    assert shared.score_rows([(None, 3, "never seen")]) == shared.score_rows([(None, 3, "nor this")])


@pytest.mark.parametrize("kind", mostly_slow(["binary", "multiclass", "regression"], quick=["multiclass"]))
def test_xgboost_answers_from_its_own_json(inputs, truth, kind):
    numbers = inputs.drop("place")
    made = {
        "binary": (XGBClassifier, truth),
        "multiclass": (XGBClassifier, truth + (inputs["rooms"].to_numpy() > 7)),
        "regression": (XGBRegressor, inputs["rooms"].to_numpy() * 1.7),
    }
    kind_of_model, target = made[kind]
    model = kind_of_model(n_estimators=5, n_jobs=1).fit(to_matrix(numbers), target)
    content = bytes(model.get_booster().save_raw("json"))
    engine = RunnerEngine(content, make_plan("xgboost", numbers, kind), trust=ON)
    predict = model.predict if kind == "regression" else model.predict_proba
    expected = predict(to_matrix(numbers))
    assert np.array_equal(engine.score(numbers), expected)
    assert np.array_equal(engine.score_rows(numbers.rows()[:20]), expected[:20])


def test_a_number_is_answered_as_a_number(inputs):
    numbers = inputs.drop("place")
    model = HistGradientBoostingRegressor(max_iter=5).fit(to_matrix(numbers), inputs["rooms"].to_numpy())
    types = tuple(skops.io.get_untrusted_types(data=skops.io.dumps(model)))
    engine = open_skops(model, numbers, trust=Trust(True, types), task="regression")
    assert np.array_equal(engine.score(numbers), model.predict(to_matrix(numbers)))
    assert engine.score_rows(numbers.rows()[:3]) == model.predict(to_matrix(numbers.head(3))).tolist()


def test_many_threads_get_their_own_answers(shared, estimator, inputs):
    expected = estimator.predict_proba(to_pandas(inputs))

    def ask(start: int) -> bool:
        rows = inputs.rows()[start : start + 1 + start % 5]
        return np.allclose(shared.score_rows(rows), expected[start : start + len(rows)], rtol=0, atol=1e-12)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(300)))


def test_a_row_that_the_model_cannot_answer_is_nan_and_the_others_are_answered(inputs, truth):
    filled = inputs.drop("place").with_columns(pl.col("price").fill_null(1.0))
    takes_no_nulls = LogisticRegression().fit(to_matrix(filled), truth)
    engine = open_skops(takes_no_nulls, filled)
    rows = [*filled.rows()[:5], (None, 3), *filled.rows()[5:10]]
    answers = np.array(engine.score_rows(rows))
    assert np.isnan(answers[5]).all()
    assert np.allclose(np.delete(answers, 5, axis=0), takes_no_nulls.predict_proba(to_matrix(filled))[:10])


def test_a_model_that_fails_says_so_and_goes_on(inputs, truth):
    """A step that does not take float32: an error of the model, not of the process."""
    numbers = inputs.select("rooms")
    model = make_pipeline(FunctionTransformer(), LogisticRegression()).fit(to_matrix(numbers), truth)
    model.steps[0][1].func = np.invert
    engine = open_skops(model, numbers)
    before = engine.process_id
    for _ in range(2):
        with pytest.raises(EnvironmentFault) as caught:
            engine.score_rows([(3,)])
        assert caught.value.code == "runner_failed"
        assert "invert" in caught.value.what
        assert caught.value.hint
    assert engine.process_id == before


def test_the_death_of_the_process_is_reported_at_once_and_it_is_started_again(estimator, inputs):
    engine = open_skops(estimator, inputs)
    row, before = inputs.row(0), engine.process_id
    os.kill(before, signal.SIGSTOP)  # so that requests wait
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(engine.score_rows, [row]) for _ in range(4)]
        time.sleep(0.2)
        began = time.monotonic()
        os.kill(before, signal.SIGKILL)
        faults = [future.exception(timeout=5) for future in futures]
    assert time.monotonic() - began < 3
    assert {type(fault) for fault in faults} == {EnvironmentFault}
    assert {fault.code for fault in faults} == {"runner_died"}
    began = time.monotonic()
    with pytest.raises(EnvironmentFault) as caught:
        engine.score_rows([row])
    assert time.monotonic() - began < 0.5, "no caller waits for the new process to start"
    assert caught.value.status == 503
    assert caught.value.hint
    wait_until(lambda: answers_again(engine, row))
    assert engine.process_id != before


def test_a_process_that_hangs_is_given_up_and_started_again(estimator, inputs):
    engine = open_skops(estimator, inputs, answer_seconds=0.5)
    row, before = inputs.row(0), engine.process_id
    os.kill(before, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(EnvironmentFault) as caught:
        engine.score_rows([row])
    assert time.monotonic() - began < 5
    assert caught.value.code == "runner_slow"
    wait_until(lambda: answers_again(engine, row))
    assert engine.process_id != before


def test_it_ends_with_the_engine(estimator, inputs):
    engine = open_skops(estimator, inputs)
    process_id = engine.process_id
    del engine
    wait_until(lambda: not is_alive(process_id))


def test_it_ends_with_its_parent_however_that_ends(estimator, inputs, tmp_path):
    (tmp_path / "model").write_bytes(skops.io.dumps(estimator))
    (tmp_path / "plan").write_bytes(write_plan(make_plan("skops", inputs)))
    code = """
        import msgspec, os, signal, sys
        from pathlib import Path
        from mlops_lab.registry.package import Plan
        from mlops_lab.registry.engines.runner import RunnerEngine
        from mlops_lab.registry.trust import Trust
        folder = Path(sys.argv[1])
        plan = msgspec.json.decode((folder / "plan").read_bytes(), type=Plan)
        engine = RunnerEngine((folder / "model").read_bytes(), plan, trust=Trust(True, ("numpy.dtype",)))
        heavy = [name for name in ("sklearn", "skops", "pandas", "xgboost") if name in sys.modules]
        print(engine.process_id, heavy, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    process_id, heavy = done.stdout.split(maxsplit=1)
    assert heavy.strip() == "[]", "only the runner imports them"
    wait_until(lambda: not is_alive(int(process_id)))


@LINUX
def test_it_has_no_secrets_and_may_write_no_file(shared):
    process = Path(f"/proc/{shared.process_id}")
    names = {entry.split(b"=")[0].decode() for entry in (process / "environ").read_bytes().split(b"\0") if entry}
    assert "PATH" in names
    assert not {"PGPASSWORD", "MLOPS_DEBUG"} & names
    limits = {line[:25].strip(): line[25:].split()[0] for line in (process / "limits").read_text().splitlines()}
    assert limits["Max file size"] == limits["Max core file size"] == "0"
    assert limits["Max address space"].isdecimal()
    assert os.getsid(shared.process_id) != os.getsid(0), "Ctrl-C in a terminal is not for it"


def test_a_project_that_does_not_allow_it_has_no_runner(estimator, inputs):
    with pytest.raises(InvalidInput) as caught:
        open_skops(estimator, inputs, trust=Trust())
    assert caught.value.code == "runner_off"
    assert "runner = true" in caught.value.hint


def test_a_file_with_types_that_are_not_trusted_is_not_loaded(inputs, truth, tmp_path):
    """Here one that would start a program: the type is named, and nothing was started."""
    trace = tmp_path / "trace"
    evil = FunctionTransformer(os.system).fit(to_matrix(inputs.drop("place")))
    evil.kw_args = {"command": f"touch {trace}"}
    model = make_pipeline(evil, LogisticRegression())
    model.steps[1][1].fit(to_matrix(inputs.drop("place").fill_null(0)), truth)
    with pytest.raises(EnvironmentFault) as caught:
        open_skops(model, inputs.drop("place"), trust=Trust(True, ("numpy.log1p",)))
    assert "posix.system" in caught.value.what
    assert not trace.exists()


@pytest.mark.parametrize("content", mostly_slow([b"", b"{}", b"\x80\x04K\x01.", b"PK\x03\x04"], quick=[b"{}"]))
@pytest.mark.parametrize("engine", mostly_slow(["skops", "xgboost"], quick=["skops"]))
def test_what_is_no_model_is_an_error_and_not_a_hang(inputs, engine, content):
    with pytest.raises(EnvironmentFault) as caught:
        RunnerEngine(content, make_plan(engine, inputs), trust=ON)
    assert caught.value.code == "engine_failed"
    assert caught.value.hint


@pytest.fixture
def project(write_project, tmp_path):
    """A project with a package of a skops model where packages lie."""
    return lambda section: write_project(tmp_path, ("[backtest]", f"{section}\n\n[backtest]"))


def write_package(project, estimator, inputs) -> Path:
    package = project.mlflow_path / "artifacts" / "run" / "artifacts" / "model"
    package.mkdir(parents=True)
    (package / model_file("skops")).write_bytes(skops.io.dumps(estimator))
    (package / "plan.json").write_bytes(write_plan(make_plan("skops", inputs)))
    return package


def test_the_project_in_which_a_package_lies_says_what_is_trusted(project, estimator, inputs):
    package = write_package(project('[model]\nrunner = true\ntrusted_types = ["numpy.dtype"]'), estimator, inputs)
    assert trust_of(package) == Trust(True, ("numpy.dtype",))
    engine = open_engine(open_package(package))
    assert np.allclose(engine.score(inputs.head(3)), estimator.predict_proba(to_pandas(inputs.head(3))))


def test_a_project_that_says_nothing_trusts_nothing(project, estimator, inputs):
    package = write_package(project(""), estimator, inputs)
    with pytest.raises(InvalidInput) as caught:
        open_engine(open_package(package))
    assert caught.value.code == "runner_off"


def test_a_package_cannot_trust_itself(project, estimator, inputs, tmp_path):
    """Not even with a mlops.toml of its own, nor where it lies in no project."""
    package = write_package(project(""), estimator, inputs)
    (package / "mlops.toml").write_text("[model]\nrunner = true\n")
    assert trust_of(package) == Trust()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mlops.toml").write_text("[model]\nrunner = true\n")
    assert trust_of(elsewhere / "package") == Trust()


@pytest.mark.parametrize("name", ["pickle.loads", "joblib.load", "builtins.eval", "os.system", "posix.system"])
def test_a_project_that_would_trust_a_pickle_or_a_program_is_refused(project, name):
    with pytest.raises(InvalidInput) as caught:
        project(f'[model]\nrunner = true\ntrusted_types = ["{name}"]')
    assert name in caught.value.what
    assert "docs/models.md" in caught.value.hint


def test_another_model_file_beside_the_plans_own_does_not_count(project, estimator, inputs):
    """The file that was registered lies under another engine's name, and the one that would be read is another."""
    package = write_package(project(""), estimator, inputs)
    registered = package_fingerprint(package)
    model = package / model_file("skops")
    (package / model_file("lightgbm")).write_bytes(model.read_bytes())
    model.write_bytes(b"something else")
    assert package_fingerprint(package) != registered
    with pytest.raises(EnvironmentFault) as caught:
        load_plan(package, fingerprint=registered)
    assert caught.value.code == "package_changed"


def test_a_runner_outlives_the_thread_that_opened_it(shared, inputs):
    before = shared.process_id
    time.sleep(1.5)
    assert len(shared.score_rows(inputs.rows()[:3])) == 3
    assert shared.process_id == before
