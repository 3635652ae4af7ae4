"""Metaflow flows of the steps."""
