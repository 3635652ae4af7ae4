"""The project as Prefect flows: see `export`."""
