"""The project as Airflow DAGs: see `export`."""
