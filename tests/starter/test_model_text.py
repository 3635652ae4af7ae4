"""The text of `model()`: valid for every table, better than LightGBM's defaults, calibrated, and served as it was fitted."""

import importlib.metadata
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import KFold, StratifiedKFold
from slow import mostly_slow

from mlops_lab.features.definition import Features
from mlops_lab.registry.engines.encoding import Encoder, learn_categories
from mlops_lab.registry.package import Plan
from mlops_lab.starter.model_text import write_model
from mlops_lab.starter.recipe import LINE, list_trees
from mlops_lab.tasks.make import make_task
from mlops_lab.training.fit import fit
from mlops_lab.training.packaging import package
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet

TASKS = ["binary", "multiclass", "regression"]
CLASSES = ("high", "low", "mid")


def make_model(task: str, **columns: Any) -> Any:
    """What the text makes, run as `pipeline.py` is."""
    found: dict[str, Any] = {"Any": Any}
    exec(write_model(task, **{"numbers": ["x"], "categories": [], "text": [], **columns}), found)
    return found["model"]()


# ---- the text -----------------------------------------------------------------------------------------------------

ROWS = [150, 5_000, 10_000_000]
KINDS = [[], ["place"], [f"a_rather_long_name_{number}" for number in range(5)], [f'"{place}"' for place in range(30)]]
COLUMNS = [
    {"task": task, "rows": rows, "numbers": numbers, "categories": kinds, "text": text, "weight": weight}
    for task, rows, numbers, kinds, text, weight in product(
        TASKS, ROWS, ([], ["x"]), KINDS, ([], ["note_words"], ["note_words", "title_words"]), (None, "w")
    )
]


def test_the_text_makes_an_estimator_for_every_table():
    for columns in COLUMNS:
        estimator = make_model(**columns)
        last = estimator.steps[-1][1] if columns["text"] else estimator
        assert isinstance(last, LGBMRegressor if columns["task"] == "regression" else LGBMClassifier)
        assert {"deterministic", "force_row_wise", "random_state"} <= {
            name for name, v in last.get_params().items() if v
        }


def test_the_text_is_formatted(tmp_path: Path):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    for number, columns in enumerate(COLUMNS[::5]):
        recipe = [None, LINE, list_trees(columns["task"], columns["rows"])[0].blended(LINE)][number % 3]
        text = write_model(**columns, recipe=recipe, comparison=["Chosen by log loss:", "  0.1  a linear model"])
        (tmp_path / f"{number}.py").write_text("from typing import Any\n\n\n" + text)
    words = ["format", "--diff", "--isolated", "--line-length", "120", str(tmp_path)]
    done = subprocess.run([ruff, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    words = ["check", "--isolated", "--select", "E,F,I,UP", "--line-length", "120", str(tmp_path)]
    done = subprocess.run([ruff, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_many_rows_learn_more_than_few():
    sizes = [make_model("binary", rows=rows).get_params() for rows in ROWS]
    assert [size["num_leaves"] for size in sizes] == [8, 8, 31]
    assert [size.get("extra_trees", False) for size in sizes] == [True, False, False]
    assert make_model("multiclass", rows=100_000).learning_rate > make_model("binary", rows=100_000).learning_rate


def test_only_a_table_with_categories_says_how_they_are_grouped():
    assert "min_data_per_group" in write_model("binary", rows=500, numbers=[], categories=["place"], text=[])
    assert "min_data_per_group" not in write_model("binary", rows=500, numbers=["x"], categories=[], text=[])


# ---- its quality --------------------------------------------------------------------------------------------------


def read_penguins() -> tuple[pl.DataFrame, Any]:
    """344 penguins, with missing values and categories; read where plotnine lies, without importing it."""
    files = importlib.metadata.files("plotnine") or []
    path = next(Path(str(file.locate())) for file in files if file.name == "penguins.csv")
    rows = pl.read_csv(path, null_values="NA")
    return rows.drop("species"), rows["species"].cast(pl.Enum(rows["species"].unique().sort())).to_physical().to_numpy()


def of_sklearn(load: Any) -> tuple[pl.DataFrame, Any]:
    values, truth = load(return_X_y=True)
    return pl.DataFrame(values), truth


def predict(make: Any, task: str, inputs: pl.DataFrame, truth: Any) -> Any:
    """Answers out of five folds, from the numbers that training gives LightGBM."""
    folds = (KFold if task == "regression" else StratifiedKFold)(5, shuffle=True, random_state=0)
    shape = (len(truth),) if task == "regression" else (len(truth), truth.max() + 1)
    answers = np.empty(shape)
    for learn, ask in folds.split(inputs, truth):
        encoder = Encoder(inputs.columns, learn_categories(inputs[learn]))
        places = [place for place, dtype in enumerate(inputs.dtypes) if dtype == pl.String]
        model = make().set_params(n_jobs=1)
        model.fit(encoder.encode(inputs[learn]), truth[learn], categorical_feature=places or "auto")
        asked = encoder.encode(inputs[ask])
        answers[ask] = model.predict(asked) if task == "regression" else model.predict_proba(asked)
    return answers


def loss_of(task: str, answers: Any, truth: Any) -> float:
    if task == "regression":
        return float(np.sqrt(np.mean((answers - truth) ** 2)))
    return float(-np.log(answers[np.arange(len(truth)), truth].clip(1e-15)).mean())


def calibration_error(task: str, answers: Any, truth: Any) -> float:
    """Ten bins with equally many rows, of the probability of yes or of the likeliest class."""
    said = answers[:, 1] if task == "binary" else answers.max(axis=1)
    true = truth == 1 if task == "binary" else answers.argmax(axis=1) == truth
    bins = np.array_split(np.argsort(said, kind="stable"), 10)
    return sum(abs(said[rows].mean() - true[rows].mean()) * len(rows) for rows in bins) / len(said)


@pytest.mark.parametrize(
    ("task", "read", "worst", "limit"),
    [
        ("multiclass", lambda: of_sklearn(load_iris), 0.6, 0.06),
        ("multiclass", read_penguins, 0.6, 0.02),
        ("binary", lambda: of_sklearn(load_breast_cancer), 0.75, 0.02),
        ("regression", lambda: of_sklearn(load_diabetes), 1.0, None),
    ],
    ids=["iris", "penguins", "breast cancer", "diabetes"],
)
def test_it_is_better_than_the_defaults_of_lightgbm_and_calibrated(task, read, worst, limit):
    inputs, truth = read()
    ours = predict(lambda: make_model(task, rows=inputs.height), task, inputs, truth)
    defaults = LGBMRegressor if task == "regression" else LGBMClassifier
    theirs = predict(lambda: defaults(verbose=-1, random_state=1), task, inputs, truth)
    assert loss_of(task, ours, truth) < worst * loss_of(task, theirs, truth)
    if limit is not None:
        assert calibration_error(task, ours, truth) < limit


# ---- text ---------------------------------------------------------------------------------------------------------


def make_data(task: str, rows: int = 600) -> TrainingSet:
    """Notes, of which two words count, beside categories and numbers with holes; the number stands before them all."""
    draw = np.random.default_rng(5)
    words = np.array(["old", "new", "très", "3", *(f"word{number}" for number in range(60))])
    notes = [" ".join(draw.choice(words, draw.integers(0, 12))) for _ in range(rows)]
    size = [
        None if hole < 0.1 else value for hole, value in zip(draw.random(rows), draw.normal(size=rows), strict=True)
    ]
    place = draw.choice(["a", "b", "c"], rows).tolist()
    inputs = pl.DataFrame({"size": size, "note_words": notes, "place": place, "rooms": draw.integers(1, 8, rows)})
    score = (
        inputs["size"].fill_null(0).to_numpy()
        + 2 * inputs["note_words"].str.count_matches(r"\bold\b").to_numpy()
        - 2 * inputs["note_words"].str.contains(r"\btrès\b").to_numpy()
        + (inputs["place"] == "b").to_numpy()
        + draw.logistic(0, 0.5, rows)
    )
    truth = {"binary": score > 0.5, "multiclass": np.digitize(score, [0, 1]), "regression": score}[task].astype(float)
    return TrainingSet(
        task=make_task(task, classes=CLASSES if task == "multiclass" else (), scale=float(score.std())),
        inputs=inputs, truth=pl.Series(truth), weights=None, moments=pl.Series(range(inputs.height)),
            holdout=pl.DataFrame(), holdout_inputs=inputs.head(0),
        holdout_truth=pl.Series(dtype=pl.Float64), cutoff=None, until=None, snapshots=(), fingerprint="",
    )  # fmt: skip


RECIPES = {
    "trees": None,
    "line": LINE,
    "blend": list_trees("", 600)[0].blended(LINE),
    "all": list_trees("", 600)[0].blended(list_trees("", 600)[2]).blended(LINE),
}


COLUMN_KINDS = {"columns": ["note_words"], "numbers": ["note_words", "place"], "text": []}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", mostly_slow(RECIPES, quick=["line", "all"]))
@pytest.mark.parametrize("columns", mostly_slow(COLUMN_KINDS, quick=["text"]))
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_every_recipe_is_served_as_in_training(task, kind, columns):
    data = make_data(task)
    data = replace(data, inputs=data.inputs.drop(COLUMN_KINDS[columns]))
    names = {"numbers": ["size", "rooms"], "categories": ["place"], "text": ["note_words"]}
    kinds = {name: [value for value in values if value in data.inputs.columns] for name, values in names.items()}
    model = make_model(task, rows=600, recipe=RECIPES[kind], **kinds)
    features = Features(data.inputs.columns)
    fitted = fit(Pipeline(features, lambda: model, ""), data)
    types = {"size": "float?", "note_words": "string", "place": "string", "rooms": "integer"}
    plan = Plan(
        task=task, classes=list(CLASSES) if task == "multiclass" else [], outputs=fitted.outputs,
        request={name: types[name] for name in data.inputs.columns}, time="", tables={}, features=features.as_dict(),
        categories=fitted.categories,
    )  # fmt: skip
    assert package(fitted, plan, data.inputs).agreement.differing == 0


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rows", mostly_slow([600, 5_000], quick=[600]))
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_words_matter_and_are_served_as_in_training(task, rows):
    data = make_data(task)
    columns = {"numbers": ["size", "rooms"], "categories": ["place"], "text": ["note_words"]}
    features = Features(data.inputs.columns)
    model = make_model(task, rows=rows, **columns)
    fitted = fit(Pipeline(features, lambda: model, ""), data)
    plan = Plan(
        task=task, classes=list(CLASSES) if task == "multiclass" else [], outputs=fitted.outputs,
        request={"size": "float?", "note_words": "string", "place": "string", "rooms": "integer"}, time="asked_at",
        tables={}, features=features.as_dict(), categories=fitted.categories,
    )  # fmt: skip
    agreement = package(fitted, plan, data.inputs).agreement
    assert agreement.differing == 0, agreement
    assert agreement.rows > data.inputs.height, "rows at the edge were compared too"
    without = data.inputs.head(2).with_columns(note_words=pl.lit("word7 new"))
    old, plain = without.with_columns(note_words=pl.lit("word7 new old old")), without
    spread = fitted.predict(old) - fitted.predict(plain)
    assert np.abs(spread).max() > 0.1, "the word moves the answer"
