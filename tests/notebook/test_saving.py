"""From cells to pipeline.py: what is written trains the same, or nothing is written."""

from typing import Any

import pytest

from mlops_lab import Project, train
from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.features import Features
from mlops_lab.notebook.result import Result
from mlops_lab.notebook.saving import Session, describe_pipeline, save_pipeline

CELLS = [
    "from sklearn.linear_model import LogisticRegression\nSTRENGTH = 0.5",
    "from mlops_lab.features import Features\nimport polars as pl",
    "chosen = Features(inputs=['petal_length', 'ratio'], derived={'ratio': pl.col('petal_length') / pl.col('sepal_length')})",
    "def plain():\n    return LogisticRegression(C=STRENGTH)",
    "ready = LogisticRegression(C=0.25)",
    "surprise = 1 / 3",
]


@pytest.fixture
def session() -> Session:
    names: dict[str, Any] = {}
    for cell in CELLS:
        exec(cell, names)
    return Session(CELLS, names)


def save(project: Project, result: Result, session: Session, *, replace: bool = False) -> str:
    model, features = result.given
    trained = describe_pipeline(result.features, result.model)
    path = save_pipeline(project.files, session, model=model, features=features, trained=trained, replace=replace)
    return path.read_text()


@pytest.fixture
def flowers(iris: Project) -> Any:
    yield iris
    iris.files.pipeline_path.unlink(missing_ok=True)


def test_the_file_trains_what_the_cells_trained(flowers: Project, session: Session) -> None:
    result = train(flowers, session.names["plain"], features=session.names["chosen"])
    source = save(flowers, result, session)
    assert source.endswith("features = chosen\n\n\nmodel = plain\n")
    assert "surprise" not in source
    again = train(flowers)
    assert again.answers.output.equals(result.answers.output)
    assert again.candidate.data.fingerprint == result.candidate.data.fingerprint
    assert again.save().read_text() == source, "what came from the file is there already"
    assert save(flowers, result, session) == source, "and the same may be saved again"


def test_an_estimator_is_saved_as_a_function_that_copies_it(flowers: Project, session: Session) -> None:
    result = train(flowers, session.names["ready"], features=session.names["chosen"])
    assert "return clone(ready)" in save(flowers, result, session)
    assert train(flowers).answers.output.equals(result.answers.output)


def test_features_of_the_file_stay_where_only_the_model_is_new(flowers: Project, session: Session) -> None:
    first = train(flowers, session.names["ready"], features=session.names["chosen"])
    before = save(flowers, first, session)
    result = train(flowers, session.names["plain"])
    with pytest.raises(Conflict, match="other content"):
        save(flowers, result, session)
    assert flowers.files.pipeline_path.read_text() == before
    source = save(flowers, result, session, replace=True)
    assert "clone" not in source
    assert train(flowers).answers.output.equals(result.answers.output)


@pytest.mark.parametrize("there", [None, "# mine"])
def test_a_file_that_would_train_another_model_is_not_written(
    flowers: Project, session: Session, there: str | None
) -> None:
    path = flowers.files.pipeline_path
    if there is not None:
        path.write_text(there)
    result = train(flowers, session.names["plain"], features=session.names["chosen"])
    changed = Session([*session.cells, "STRENGTH = 7.0"], session.names)
    with pytest.raises(InvalidInput) as caught:
        save(flowers, result, changed, replace=True)
    assert caught.value.code == "not_saved"
    assert "other parameters (C)" in caught.value.what
    assert "%%writefile" in str(caught.value.hint)
    assert (path.read_text() if path.exists() else None) == there


@pytest.mark.parametrize("cell", ["STRENGTH = 7.0", "del STRENGTH"])
def test_a_change_since_the_training_is_noticed(flowers: Project, session: Session, cell: str) -> None:
    result = train(flowers, session.names["plain"], features=session.names["chosen"])
    exec(cell, session.names)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="do not make the same again"):
        save(flowers, result, Session([*session.cells, cell], session.names))
    assert not flowers.files.pipeline_path.exists()


def test_features_without_a_variable_cannot_be_saved(flowers: Project, session: Session) -> None:
    result = train(flowers, session.names["plain"], features=Features(inputs=["petal_length"]))
    with pytest.raises(InvalidInput, match="no longer has a variable"):
        save(flowers, result, session)


def test_outside_a_notebook_there_are_no_cells(flowers: Project, session: Session) -> None:
    result = train(flowers, session.names["plain"], features=session.names["chosen"])
    with pytest.raises(InvalidInput, match="no notebook"):
        result.save()
