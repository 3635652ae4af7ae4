"""The project as Dagster assets: see `export`."""
