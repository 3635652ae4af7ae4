"""Versions of a model: signature, package, lineage, safe loading. Only `store` imports MLflow."""
