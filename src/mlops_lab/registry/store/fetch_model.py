"""The folder of a model that an MLflow server, or another store of MLflow, holds. It is copied, and not loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import mlflow.artifacts
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mlops_lab.errors import EnvironmentFault, InvalidInput

_RUN = re.compile(r"[0-9a-f]{32}")


def fetch_model(address: str, folder: Path, *, tracking_uri: str | None) -> Path:
    """Where the copy of the model lies in `folder`.

    `address`: the id of a run, or what MLflow calls a model: `models:/NAME/VERSION`, `models:/NAME@ALIAS`,
    `models:/m-ID`, `runs:/RUN/PATH`. InvalidInput where there is none; EnvironmentFault where the store does not
    answer.
    """
    if not re.match(r"(models|runs):/", address) and not _RUN.fullmatch(address):
        raise InvalidInput(
            f'"{address[:200]}" is neither a folder nor the address of a model',
            code="unknown_model",
            where="RUN_OR_MODEL",
            hint="write the id of a run, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN/PATH",
        )
    try:
        with _store(tracking_uri):
            found = _find_model_of_run(address) if _RUN.fullmatch(address) else address
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=found, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        raise EnvironmentFault(
            f"MLflow has no model there: {(str(error).splitlines() or ['?'])[0][:300]}",
            code="mlflow_fault",
            where=address[:200],
            hint="name its store: --tracking-uri http://127.0.0.1:5000 (or MLFLOW_TRACKING_URI), and check the name "
            "of the model",
        ) from error


@contextmanager
def _store(tracking_uri: str | None) -> Iterator[None]:
    """MLflow asks this store: it takes the address of one as an argument, and then asks the usual registry."""
    if tracking_uri is None:
        yield
        return
    usual = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(tracking_uri)
        yield
    finally:
        mlflow.set_tracking_uri(usual)
        mlflow.set_registry_uri("")  # that of the tracking server, as before


def _find_model_of_run(run_id: str) -> str:
    """The only model that the run has logged; else what lies in its folder `model`."""
    run = MlflowClient().get_run(run_id)
    models = [output.model_id for output in run.outputs.model_outputs] if run.outputs else []
    if len(models) > 1:
        raise InvalidInput(
            f"the run has logged {len(models)} models",
            code="several_models",
            where=run_id,
            hint=f"name one of them: {', '.join(f'models:/{name}' for name in models[:5])}",
        )
    return f"models:/{models[0]}" if models else f"runs:/{run_id}/model"
