"""The example notebook and the page about notebooks, run in kernels of their own; and a version that is live."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from running import make_once, serving

from mlops_lab import Project, evaluate, explain, train
from mlops_lab.errors import NotFound

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "notebook" / "from_notebook_to_loop.ipynb"
PAGE = (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8")
PATIENT = {
    "age": 59.0,
    "sex": "b",
    "bmi": 32.1,
    "pressure": 101.0,
    "cholesterol": 157.0,
    "ldl": 93.2,
    "hdl": 38.0,
    "ratio": 4.0,
    "triglycerides": 4.86,
    "glucose": 87.0,
}


def read_example() -> Any:
    """The notebook, as nbformat reads it."""
    import nbformat  # takes seconds, in each worker that collects this file

    notebook = nbformat.read(EXAMPLE, 4)
    nbformat.validate(notebook)
    return notebook


def run_cells(sources: list[str], folder: Path) -> list[dict[str, Any]]:
    """Run cells one after the other in a kernel of their own, in the folder; what each of them showed, by MIME type."""
    import nbformat
    from nbclient import NotebookClient  # takes seconds, in each worker that collects this file

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where `!mlops` is found
    client = NotebookClient(notebook, timeout=100, resources={"metadata": {"path": str(folder)}})
    client.execute(env={**os.environ, "PATH": path, "IPYTHONDIR": str(folder / ".ipython"), "NO_COLOR": "1"})
    shown = []
    for cell in notebook.cells:
        data: dict[str, Any] = {"stream": ""}
        for output in cell.outputs:
            data["stream"] += output.get("text", "")
            data |= output.get("data", {})
        shown.append(data)
    return shown


@pytest.fixture(scope="session")
def example(shared: Path) -> Path:
    """A folder in which the example has been run: `patients`, and what its cells showed in `shown.json`."""

    def make(folder: Path) -> None:
        folder.mkdir()
        cells = [cell.source for cell in read_example().cells if cell.cell_type == "code"]
        shown = run_cells([*cells, 'assert first.quality["rmse"] < second.quality["rmse"]'], folder)
        (folder / "shown.json").write_text(json.dumps(dict(zip(cells, shown, strict=False))))

    return make_once(shared / "example notebook", make)


@pytest.fixture
def patients(example: Path, tmp_path: Path) -> Project:
    """A copy for one test."""
    return Project(shutil.copytree(example / "patients", tmp_path / "patients"))


def test_the_example_is_stored_without_outputs() -> None:
    notebook = read_example()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[] for _ in code]
    assert {cell.execution_count for cell in code} == {None}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.slow
def test_the_example_goes_from_a_table_to_a_version_that_is_live(example: Path, patients: Project) -> None:
    shown = json.loads((example / "shown.json").read_text())
    said = next(data["stream"] for cell, data in shown.items() if cell.startswith("!mlops run"))
    assert "version 1 is live" in said
    assert next(data for cell, data in shown.items() if 'by="bmi"' in cell)["text/html"].count("<i ") == 5
    assert patients.history()["what"].to_list() == ["retrain", "bootstrap"]
    source = patients.files.pipeline_path.read_text()
    cells = "\n".join(shown)
    assert all(line in cells for line in source.splitlines()[1:] if line != "model = linear"), "nobody wrote it anew"
    assert "forest" not in source


def test_the_server_answers_as_the_notebook_did(patients: Project) -> None:
    version = patients.version()
    assert (version.number, version.is_champion) == (1, True)
    result = train(patients)
    assert result.candidate.data.fingerprint == version.lineage["training_set"]
    assert evaluate(version).quality == result.quality
    assert evaluate(version).baseline == pytest.approx(dict(result.answers.baseline))
    assert "version 1 of patients, which is live" in repr(version)
    with pytest.raises(NotFound, match="version 7"):
        patients.version(7)
    with pytest.raises(NotFound, match="no prediction"):
        explain(patients, "nobody")


def test_the_code_of_the_documentation_runs(patients: Project) -> None:
    with serving(patients.files) as server:
        server.talk().predict({**PATIENT, "id": "one"})
    cells = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(cells) == 7
    shown = run_cells(
        [*cells, 'explain(project, "one")', "result.quality == evaluate(version).quality"], patients.root.parent
    )
    assert "prediction one" in shown[-2]["text/plain"]
    assert "bmi=32.1" in shown[-2]["text/plain"]
    assert shown[-1]["text/plain"] == "True"
    saved = patients.files.pipeline_path.read_text()
    assert saved == SAVED


SAVED = '''\
"""Written from a notebook."""

from mlops_lab.features import Features
from sklearn.linear_model import Ridge

few = Features(inputs=["age", "bmi", "pressure"])


def ridge():
    return Ridge(1.0)


features = few


model = ridge
'''


def test_an_error_is_displayed_without_a_traceback(tmp_path: Path) -> None:
    from nbclient.exceptions import CellExecutionError  # takes seconds, in each worker that collects this file

    with pytest.raises(CellExecutionError) as caught:
        run_cells(["from mlops_lab import Project", "Project()"], tmp_path)
    message = str(caught.value)
    assert "error: " in message
    assert "no mlops.toml here or in a folder above" in message
    assert "hint: " in message
    assert "Traceback" not in message
    assert ".py" not in message.split("error: ")[1]
