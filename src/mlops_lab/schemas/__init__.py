"""Schemas that change: exact casts from type to type, and rows stored under another schema read as declared now."""
