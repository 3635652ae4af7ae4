"""The made-up project of the end-to-end tests, with version 1 live: what readiness is read from."""

from live_projects import live_project, template

__all__ = ["live_project", "template"]
