"""Exporters: the same project, as other tools of the field read it."""
