"""Detectors: how requests differ from the training data. Each has its own file; `run.DETECTORS` lists them."""
