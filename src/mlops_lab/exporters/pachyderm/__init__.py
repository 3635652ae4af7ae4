"""Pachyderm pipelines of the steps."""
