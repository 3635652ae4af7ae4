"""Versions of a model: signature, package, lineage, safe loading. Only `registry.store` imports MLflow."""
