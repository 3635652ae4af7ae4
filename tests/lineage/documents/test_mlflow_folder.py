from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from mlops_lab.inference.predictor import Predictor
from mlops_lab.lineage.documents.mlflow_folder import make
from mlops_lab.lineage.documents.version_facts import VersionFacts
from mlops_lab.project import Project


def test_mlflow_loads_it_with_the_facts_and_the_same_answers(
    facts: VersionFacts, live_project: Project, tmp_path: Path
) -> None:
    import mlflow.pyfunc
    from mlflow.models import Model

    for name, content in make(facts).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    described = Model.load(str(tmp_path / "mlmodel"))
    assert described.metadata["fingerprint"] == facts.origin.fingerprint
    assert described.metadata["tables"] == {table.snapshot.name: table.snapshot.fingerprint for table in facts.tables}
    assert described.metadata["gates"]
    values: dict[str, list[object]] = {"string": ["a", None], "boolean": [True, None], "double": [1.0, None]}
    rows = pl.DataFrame({column.name: values[column.type.name] for column in described.signature.inputs})
    predictor = Predictor(live_project.root / facts.origin.package, version=1, fingerprint=facts.origin.fingerprint)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "mlmodel"))
    answers = loaded.predict(pd.DataFrame({column.name: column.to_list() for column in rows.iter_columns()}))
    np.testing.assert_array_equal(np.asarray(answers), predictor.score(rows).to_numpy())
