"""The project as Kubeflow pipelines: see `export`."""
