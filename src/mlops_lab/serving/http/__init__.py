"""HTTP: requests and responses, the fast path, tokens, metrics."""
