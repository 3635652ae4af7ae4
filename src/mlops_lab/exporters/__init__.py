"""Exporters: the project in the formats of other tools."""
