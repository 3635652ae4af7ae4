"""A package as a predictor: gates, batch scoring and serving use the same."""
