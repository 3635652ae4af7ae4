"""The project as a DVC pipeline: see `export`."""
