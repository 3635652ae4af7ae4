"""Drills: a fault is injected into a copy of a project, and what the system does about it is measured."""
