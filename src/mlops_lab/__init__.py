"""MLOps Lab: the whole path from notebook to monitored production model, as one loop that closes."""
