"""The project's runs for MLflow: see `export`."""
