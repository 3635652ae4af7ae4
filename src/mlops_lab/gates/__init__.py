"""Gates: what a candidate must pass before anyone is exposed to it. One rule a file."""
