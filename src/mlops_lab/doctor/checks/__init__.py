"""The checks: each file holds those of one part of a project."""
