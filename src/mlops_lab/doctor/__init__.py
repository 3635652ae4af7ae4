"""`mlops doctor`: what of a project is configured, can be reached, is fast enough, and fits together."""
