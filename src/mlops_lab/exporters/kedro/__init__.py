"""Kedro pipelines of the steps."""
