"""Triggers: what starts a retraining. Each rule has its own file; `run.TRIGGERS` lists them."""
