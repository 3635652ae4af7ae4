"""The runner: a separate process for models that only their own library can read."""
