"""Saves the pipeline as an MLflow model, for `mlflow models serve`. Usage: with_mlflow.py MODEL ROWS.json FOLDER."""

import sys

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

if __name__ == "__main__":
    model = joblib.load(sys.argv[1])
    rows = pd.read_json(sys.argv[2])
    mlflow.sklearn.save_model(
        model,
        sys.argv[3],
        serialization_format="cloudpickle",
        signature=infer_signature(rows, model.predict_proba(rows)),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=[],
    )
