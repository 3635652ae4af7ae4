"""Runs and versions in MLflow. Only these modules import it: that takes 4 s, so import them late."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves this machine
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # failures are raised; without this they are logged as well
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # stdout is data
