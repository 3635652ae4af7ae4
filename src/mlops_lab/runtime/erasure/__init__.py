"""Erasing all that the project holds of a person."""
