"""Kubernetes manifests of the project: see `export`."""
