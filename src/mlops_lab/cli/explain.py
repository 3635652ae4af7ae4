"""`mlops explain ID` and `mlops explain --version NUMBER`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record, print_table
from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.explain import describe_prediction, describe_version, explain, explain_version
from mlops_lab.lineage.records import PredictionLineage, VersionLineage


def command(
    prediction_id: Annotated[str | None, typer.Argument(metavar="ID", help="The id of a prediction.")] = None,
    version: Annotated[int | None, typer.Option(metavar="NUMBER", help="A version instead of a prediction.")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Show request, features, version, run, training data, code, environment and outcome of a prediction.

    With --version: the run, the data, the code and the engine of a version.
    """
    if (prediction_id is None) == (version is None):
        raise InvalidInput(
            "give either a prediction or a version",
            code="nothing_to_explain",
            where="ID, --version",
            hint="`mlops explain ID` or `mlops explain --version NUMBER`",
        )
    opened = open_project(project)
    record: PredictionLineage | VersionLineage
    if prediction_id is not None:
        prediction = explain(opened, prediction_id)
        record, lines = prediction, describe_prediction(prediction)
    else:
        assert version is not None
        trained = explain_version(opened, version)
        record, lines = trained, describe_version(trained)
    if json:
        print_record(record)
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    for name, text in lines:
        table.add_row(name, text)
    print_table(table)
