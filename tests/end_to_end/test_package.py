"""`mlops package --edge`: the folder answers like the server's engine, in Chromium and in plain Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from browsing import install_web_packages, open_page
from lightgbm import LGBMClassifier, LGBMRegressor
from running import make_once, mlops, run_words
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlops_lab.errors import EnvironmentFault, Refused
from mlops_lab.exporters.edge.agreement import prove_folder, run_script
from mlops_lab.exporters.edge.contents import WEB_RUNTIME, FolderSource, write_folder
from mlops_lab.exporters.edge.graph import make_graph
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import compute
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.engines.lightgbm_text import split_thresholds
from mlops_lab.registry.package import Plan, open_package, write_plan
from mlops_lab.replay.flights import read_world
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.tables.facts import facts_of
from mlops_lab.tasks.make import make_task
from mlops_lab.training.fit import fit
from mlops_lab.training.packaging import package as make_package
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet

ROOT = Path(__file__).parents[2]
FLIGHTS = 12_000
FILES = {
    "README.md", "agreement.json", "edge.js", "index.html", "model.onnx", "package.json", "page.js", "predict.py",
    "preprocessing.json", "signature.json",
}  # fmt: skip
CHECK = """
import { load } from "./edge.js";

async function ask_the_form(row) {
  const frame = document.createElement("iframe");
  frame.src = "index.html";
  document.body.append(frame);
  const until = async (question) => { while (!question()) await new Promise((go) => setTimeout(go, 20)); };
  await until(() => frame.contentDocument?.body?.dataset.ready);
  const page = frame.contentDocument;
  for (const [name, value] of Object.entries(row)) page.forms[0].elements[name].value = value ?? "";
  page.forms[0].querySelector("button").click();
  await until(() => page.querySelector("output").dataset.answer);
  const output = page.querySelector("output");
  return { title: page.title, text: output.textContent, answer: JSON.parse(output.dataset.answer) };
}

let result;
try {
  const { predict } = await load();
  const rows = await (await fetch("rows.json")).json();
  let refused = null;
  await predict([{}]).catch((error) => { refused = error.message; });
  result = { answers: await predict(rows), one: (await predict([rows[1]]))[0], refused, form: await ask_the_form(rows[0]) };
} catch (error) {
  result = { error: String(error) };
}
await fetch("/told", { method: "POST", body: JSON.stringify(result) });
"""


@dataclass(frozen=True)
class Case:
    """A folder, rows to ask it about, and what the server's engine answers them."""

    folder: Path
    rows: pl.DataFrame
    expected: np.ndarray[Any, Any]


# ---- the flights -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flights(shared: Path) -> Path:
    """The flights project with a small model of January, and its version 1 as a folder in `edge`."""

    def make(folder: Path) -> None:
        (folder / "data").mkdir(parents=True)
        example, world = ROOT / "examples" / "flights", read_world()
        shutil.copy(example / "mlops.toml", folder)
        text = (example / "pipeline.py").read_text()
        assert '"n_estimators": 100' in text
        (folder / "pipeline.py").write_text(text.replace('"n_estimators": 100', '"n_estimators": 30'))
        world.flights.filter(pl.col("known_at") < pl.datetime(2013, 2, 1, time_zone="UTC")).write_parquet(
            folder / "data/flights.parquet"
        )
        world.weather.filter(pl.col("known_at") < pl.datetime(2013, 2, 1, time_zone="UTC")).write_parquet(
            folder / "data/weather.parquet"
        )
        world.planes.write_parquet(folder / "data/planes.parquet")
        mlops("run", project=folder)
        (folder / "printed.json").write_text(mlops("package", 1, "--edge", folder / "edge", project=folder).out)

    return make_once(shared / "flights-edge", make)


def of_flights(project: Project, folder: Path) -> Case:
    """Flights of the whole year: of destinations and carriers that January did not know, with holes where weather or
    an aircraft's last flight is missing, and some more of both."""
    decisions = read_decisions(Lake(project.lake_path))
    package = next(one.evidence["package"] for one in decisions if "package" in one.evidence)
    predictor, world = Predictor(project.root / package, version=1), read_world()
    facts = {
        "flights": facts_of(project, "flights", world.flights),
        "weather": facts_of(project, "weather", world.weather),
        "planes": facts_of(project, "planes", world.planes),
    }
    asked = world.flights.gather_every(world.flights.height // FLIGHTS).select(list(predictor.request_schema))
    rows = compute(predictor.features, asked, time="scheduled_at", facts=facts)
    number = pl.int_range(pl.len())
    rows = rows.with_columns(
        pl.when(number % 101 == 0)
        .then(pl.lit("✈ nowhere"))
        .when(number % 103 == 0)
        .then(None)
        .otherwise("dest")
        .alias("dest"),
        pl.when(number % 97 != 0).then("distance").alias("distance"),
        pl.when(number % 89 != 0).then("hour").alias("hour"),
    )
    rows = pl.concat(
        [rows, rows.head(1).select(pl.lit(None, dtype).alias(name) for name, dtype in rows.schema.items())]
    )
    known = predictor.plan.categories
    assert rows.height > 10_000
    assert set(rows["dest"].drop_nulls()) - set(known["dest"]) > {"✈ nowhere"}, "unseen by nature too"
    assert rows.null_count().sum_horizontal().item() > 5_000
    return Case(folder, rows, predictor.score(rows).to_numpy())


# ---- other kinds of models ---------------------------------------------------------------------------------------------

CLASSES = ("high", "low", "mid", "never")
ENCODED = [
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["place"]),
    (StandardScaler(), ["size", "price"]),
]
KINDS: dict[str, tuple[str, Any, list[str]]] = {
    "classes by LightGBM": ("multiclass", LGBMClassifier(n_estimators=8, n_jobs=1, verbose=-1), ["size", "price", "new", "place"]),
    "a number by LightGBM": ("regression", LGBMRegressor(n_estimators=8, n_jobs=1, verbose=-1), ["size", "price", "new", "place"]),
    "yes or no by a pipeline": ("binary", make_pipeline(make_column_transformer(*ENCODED), LogisticRegression()), ["size", "price", "place"]),
    "classes by a pipeline": (
        "multiclass",
        make_pipeline(make_column_transformer(*ENCODED), RandomForestClassifier(8, max_depth=4, random_state=1)),
        ["size", "price", "place"],
    ),
    "a number by a matrix": ("regression", make_pipeline(StandardScaler(), Ridge()), ["size", "price", "new"]),
}  # fmt: skip


def of_kind(name: str, folder: Path) -> Case:
    kind, estimator, names = KINDS[name]
    rng = np.random.default_rng(2)
    inputs = pl.DataFrame(
        {"size": rng.normal(80, 20, 600), "price": rng.gamma(2, 20, 600), "new": rng.random(600) < 0.3, "place": rng.choice(["a", "b", "c"], 600)}
    ).select(names)  # fmt: skip
    score = 0.03 * inputs["size"].to_numpy() + 0.02 * inputs["price"].to_numpy() + rng.logistic(0, 0.5, 600)
    truth = {"binary": score > 3.5, "multiclass": np.digitize(score, [2.5, 4]), "regression": 100 * score}[kind]
    classes = CLASSES if kind == "multiclass" else ()
    data = TrainingSet(
        task=make_task(kind, classes=classes, scale=float(truth.std())), inputs=inputs, truth=pl.Series(truth.astype(float)), weights=None,
        moments=pl.Series(range(600)), holdout=pl.DataFrame(), holdout_inputs=inputs, holdout_truth=pl.Series(truth), cutoff=None, until=None,
        snapshots=(), fingerprint="",
    )  # fmt: skip
    features = Features(names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit(Pipeline(features, lambda: estimator, ""), data)
    plan = Plan(
        engine="", task=kind, classes=list(classes), outputs=fitted.outputs, categories=fitted.categories,
        request=dict.fromkeys(names, "float?"), time="at", tables={}, features=features.as_dict(),
    )  # fmt: skip
    packaged = make_package(fitted, plan, inputs)
    plan = packaged.plan
    package = folder.with_name(f"{folder.name} package")
    package.mkdir()
    (package / model_file(plan.engine)).write_bytes(packaged.model)
    (package / "plan.json").write_bytes(write_plan(plan))
    predictor = Predictor(package, version=1)
    folder.mkdir()
    graph = make_graph(open_package(package), predictor.engine, inputs.head(10))
    write_folder(
        folder, plan, graph, inputs.schema, FolderSource("houses", "sold", 7, "0" * 64, "mlops package 7 --edge")
    )
    thresholds = split_thresholds(packaged.model.decode()) if ENGINES[plan.engine].reads_lightgbm_text else {}
    agreement = prove_folder(folder, predictor.engine, plan, inputs, thresholds)
    assert agreement.rows.largest <= (1e-14 if ENGINES[plan.engine].reads_lightgbm_text else 1e-6)
    assert (agreement.at_split_thresholds is not None) == bool(thresholds)
    some = inputs.head(100)
    if "place" in names:
        some = some.with_columns(
            pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("ü ?")).otherwise("place").alias("place")
        )
    return Case(folder, some, np.array(predictor.score(some).to_list()))


@pytest.fixture(scope="module")
def find_case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """Gives the case with a name, made when it is first asked for."""
    root = tmp_path_factory.mktemp("edge")

    @cache
    def find(name: str) -> Case:
        if name != "flights":
            return of_kind(name, root / name)
        flights: Path = request.getfixturevalue("flights")
        shutil.copytree(flights / "edge", root / "flights")
        return of_flights(load_project(flights), root / "flights")

    return find


NAMES = [*KINDS, "flights"]


def difference(given: np.ndarray[Any, Any], case: Case) -> float:
    """The largest difference, of large numbers as a share of them. LightGBM's graphs compute in float64 throughout."""
    largest = float((np.abs(given - case.expected) / np.maximum(1, np.abs(case.expected))).max())
    tensors = json.loads((case.folder / "preprocessing.json").read_text())["tensors"]
    if [tensor["type"] for tensor in tensors] == ["float64"]:
        assert largest <= 1e-12
    return largest


@pytest.mark.parametrize("name", NAMES)
def test_plain_python_answers_like_the_server(find_case: Callable[[str], Case], name: str) -> None:
    case = find_case(name)
    given = run_script(case.folder, case.rows)
    assert given.shape == case.expected.shape
    assert difference(given, case) <= 1e-6
    assert len({json.dumps(one) for one in given.tolist()}) > 20


def test_the_script_is_short_and_imports_little(find_case: Callable[[str], Case], tmp_path: Path) -> None:
    script = find_case("flights").folder / "predict.py"
    assert len(script.read_text().splitlines()) <= 20
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in find_case("flights").rows.head(3).to_dicts()))
    command = [sys.executable, "-I", "-X", "importtime", str(script), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {match[1] for match in re.finditer(r"\|\s+([A-Za-z_]\w*)(?:\.[\w.]+)?$", done.stderr, re.MULTILINE)}
    assert {"numpy", "onnxruntime"} <= modules
    assert not modules & {"mlops_lab", "polars", "pandas", "sklearn", "lightgbm", "onnx", "msgspec", "mlflow"}


@pytest.fixture(scope="module")
def ask_browser(
    find_case: Callable[[str], Case], pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """What a real browser says of a folder. npm's packages are fetched once, into pytest's cache."""
    kept = getattr(pytestconfig, "cache", None)
    cache = kept.mkdir(f"web-{WEB_RUNTIME.replace('.', '-')}") if kept else tmp_path_factory.mktemp("web")
    modules = make_once(cache / "npm", lambda folder: install_web_packages(folder, **{"onnxruntime-web": WEB_RUNTIME}))

    def ask(name: str) -> Any:
        case = find_case(name)
        if not (case.folder / "node_modules").exists():
            (case.folder / "node_modules").symlink_to(modules / "node_modules")
        (case.folder / "rows.json").write_text(json.dumps(case.rows.to_dicts()))
        (case.folder / "check.js").write_text(CHECK)
        (case.folder / "check.html").write_text('<!doctype html><body><script type="module" src="check.js"></script>')
        found = open_page(case.folder, "check.html", tmp_path_factory.mktemp("profile"))
        assert "error" not in found, found
        return found

    return ask


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_answers_like_the_server(
    find_case: Callable[[str], Case], ask_browser: Callable[[str], Any], name: str
) -> None:
    case, found = find_case(name), ask_browser(name)
    given = np.array(found["answers"], dtype=float)
    assert given.shape == case.expected.shape
    assert difference(given, case) <= 1e-6
    assert found["one"] == pytest.approx(case.expected[1], rel=1e-6, abs=1e-6)
    assert found["form"]["answer"] == pytest.approx(case.expected[0], rel=1e-6, abs=1e-6)
    assert "has no" in found["refused"]
    if name == "flights":
        assert found["form"]["title"] == "flights, version 1"
        assert found["form"]["text"] == f"the probability that late is true: {100 * case.expected[0]:.2f} %"


def test_the_folder_has_the_documented_files(flights: Path, find_case: Callable[[str], Case]) -> None:
    edge, printed = flights / "edge", json.loads((flights / "printed.json").read_text())
    assert {path.name for path in edge.iterdir()} == FILES
    agreement = json.loads((edge / "agreement.json").read_text())
    assert printed == {"schema_version": 1, "folder": str(edge), "agreement": agreement}
    assert agreement["rows"]["rows"] > 20_000
    assert agreement["rows"]["differing"] == agreement["at_split_thresholds"]["differing"] == 0
    assert agreement["at_split_thresholds"]["rows"] > 1_000
    assert agreement["rows"]["largest"] < 1e-12
    signature = json.loads((edge / "signature.json").read_text())
    assert [one["name"] for one in signature["inputs"]] == find_case("flights").rows.columns
    inputs = {one["name"]: one for one in signature["inputs"]}
    assert (inputs["origin"]["type"], inputs["origin"]["categories"]) == ("string", ["EWR", "JFK", "LGA"])
    assert inputs["late_1h"]["from"] == "share of late in the table flights over 1h, by origin"
    assert inputs["hour"]["from"].startswith("derived: ")
    assert signature["output"]["text"] == "the probability that late is true"
    package = json.loads((edge / "package.json").read_text())
    assert package["dependencies"] == {"onnxruntime-web": WEB_RUNTIME}
    for path in edge.iterdir():
        assert str(flights).encode() not in path.read_bytes(), "it can be moved elsewhere"


# ---- wrong input -------------------------------------------------------------------------------------------------------


def test_wrong_versions_and_folders_are_refused(project: Project, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("years of work")
    for version, folder, code in (
        (99, tmp_path / "edge", "unknown_version"),
        (1, full, "folder_taken"),
        (1, full / "thesis.txt", "folder_taken"),
        (1, tmp_path / "no" / "such", "no_folder"),
    ):
        assert mlops("package", version, "--edge", folder, project=project.root, code=2).error["code"] == code
    assert (
        mlops("package", "one", "--edge", tmp_path / "edge", project=project.root, code=2).data["error"]["code"]
        == "usage"
    )
    assert mlops("package", 1, project=project.root, code=2).data["error"]["code"] == "usage"
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "thesis.txt"]


def test_a_graph_with_different_answers_is_refused(find_case: Callable[[str], Case], tmp_path: Path) -> None:
    """Half of each leaf's value: another model behind the same inputs."""
    case = find_case("a number by LightGBM")
    package = case.folder.with_name(f"{case.folder.name} package")
    predictor = Predictor(package, version=1)
    other = shutil.copytree(package, tmp_path / "other") / "model.txt"
    leaves = re.compile(r"^leaf_value=(.*)$", re.MULTILINE)
    halved = leaves.sub(
        lambda found: "leaf_value=" + " ".join(str(float(x) / 2) for x in found[1].split()), other.read_text()
    )
    other.write_text(halved)
    edge = tmp_path / "edge"
    edge.mkdir()
    inputs = case.rows
    graph = make_graph(open_package(other.parent), predictor.engine, inputs)
    write_folder(
        edge,
        predictor.plan,
        graph,
        inputs.schema,
        FolderSource("houses", "sold", 7, "0" * 64, "mlops package 7 --edge"),
    )
    with pytest.raises(Refused, match="answered differently") as caught:
        prove_folder(edge, predictor.engine, predictor.plan, inputs, {})
    assert caught.value.code == "edge_differs"
    (edge / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(EnvironmentFault) as fault:
        run_script(edge, inputs)
    assert fault.value.code == "edge_failed"


def test_a_model_that_cannot_become_a_graph_is_refused_and_nothing_is_left(project: Project, tmp_path: Path) -> None:
    pipeline = project.root / "pipeline.py"
    pipeline.write_text(pipeline.read_text().replace("verbose=-1", "verbose=-1, zero_as_missing=True"))
    mlops("run", project=project.root, code=None)
    error = mlops("package", 2, "--edge", tmp_path / "edge", project=project.root, code=2).error
    assert error["code"] == "not_convertible"
    assert "zeros as missing" in error["what"]
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_and_a_changed_package_is_refused(project: Project, tmp_path: Path) -> None:
    ran = run_words(["package", "1", "--edge", ".", "--project", str(project.root)], cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert "rows get the server's answers" in ran.out
    (model,) = project.home.rglob("artifacts/model/model.txt")
    model.write_text(model.read_text().replace("binary sigmoid:1", "binary sigmoid:2"))
    error = mlops("package", 1, "--edge", tmp_path / "other", project=project.root, code=3).error
    assert error["code"] == "package_changed"
    assert not (tmp_path / "other").exists()
