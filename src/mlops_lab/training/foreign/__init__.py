"""Models that were trained elsewhere and logged with MLflow: read without executing code, and fitted into a project."""
