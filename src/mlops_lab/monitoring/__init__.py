"""Measurements on windows: quality, data, drift."""
