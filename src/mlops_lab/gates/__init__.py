"""Gates: what a candidate must pass before it answers anything. Each rule has its own file; `run.GATES` lists them."""
