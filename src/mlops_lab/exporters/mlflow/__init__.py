"""The live version as an MLflow model that answers requests: `mlflow models serve`."""
